import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { policyDocument } from '../../test/support/judge.js'
import { catalogs, memorySource, namesAsTokens, person, storeOf, through } from '../../test/support/policies.js'
import type { Server } from '../policy/server.js'
import { pageWithinBudget, toolBudgetOf, withinBudget } from './tool-budget.js'
import { createVisibility } from './visibility.js'

const alice = person('alice')
const bot = through(alice, 'bot')

function setUp(lists: object, more: object = {}) {
  const spec = { resource: 'https://srv.example.com/mcp', require: ['grants'], lists, ...more }
  const grant = { match: { servers: ['srv'], subjects: [{ kind: 'Group', name: 'system:authenticated' }] } }
  const files = { 'a.yaml': policyDocument('Server', 'srv', spec), 'b.yaml': policyDocument('Grant', 'g', grant) }
  const store = storeOf([catalogs, memorySource(files)], namesAsTokens({ alice }))
  const report = store.load()
  const snapshot = store.current
  const server = snapshot?.servers.byName('srv')
  if (!report.inForce || snapshot === undefined || server === undefined)
    throw new Error(report.findings.map(({ message }) => message).join('\n'))
  return { snapshot, server }
}

const serverWith = (lists: object, more?: object): Server => setUp(lists, more).server

describe('whose budget', () => {
  const server = serverWith({
    toolBudget: { maxTools: 40, agents: [{ names: ['demo:bot', 'other:*'], maxTools: 3 }] },
  })
  it.each([
    ['a person without an agent has none', alice, undefined],
    ['an agent that is named', bot, 3],
    ['one that only the token names, too', through(alice, 'bot', 'claimed'), 3],
    ['any other', through(alice, 'helper'), 40],
  ])('%s', (_, principal, maxTools) => {
    expect(toolBudgetOf(server, principal)?.maxTools).toBe(maxTools)
  })
  it('there is none where the Server says nothing', () => {
    expect(toolBudgetOf(serverWith({}), bot)).toBeUndefined()
  })

  it.each<[string, object, object, string]>([
    ['no number', { toolBudget: { priority: ['a'] } }, {}, 'maxTools'],
    ['nothing', { toolBudget: { maxTools: 0 } }, {}, '1'],
    ['an agent without issuer', { toolBudget: { agents: [{ names: ['bot'], maxTools: 3 }] } }, {}, 'alias:id'],
    ['a server that has no tools', { toolBudget: { maxTools: 3 } }, { protocol: 'json' }, 'not json'],
  ])('does not load with %s', (_, lists, more, text) => {
    expect(() => setUp(lists, more)).toThrow(text)
  })
})

describe('what is kept', () => {
  const budgetOf = (maxTools: number, priority?: readonly string[], toolPrefix = '') => {
    const server = serverWith({ toolBudget: { maxTools, ...(priority && { priority }) } }, { toolPrefix })
    const budget = toolBudgetOf(server, bot)
    if (budget === undefined) throw new Error('no budget')
    return budget
  }
  it.each<[string, number, readonly string[] | undefined, readonly string[], readonly string[]]>([
    ['all that fit', 3, undefined, ['c', 'b', 'a'], ['c', 'b', 'a']],
    ['by name, in the order of the list', 2, undefined, ['c', 'b', 'a'], ['b', 'a']],
    ['by priority', 2, ['c', 'x*'], ['a', 'b', 'c', 'x1', 'x2'], ['c', 'x1']],
    ['by priority before name', 3, ['x*', 'c'], ['a', 'x2', 'c', 'x1'], ['x2', 'c', 'x1']],
  ])('%s', (_, maxTools, priority, tools, kept) => {
    expect(withinBudget(budgetOf(maxTools, priority), tools)).toEqual(kept)
  })

  it('patterns leave the prefix out', () => {
    expect(withinBudget(budgetOf(1, ['c'], 'k_'), ['k_a', 'k_c'], 'k_')).toEqual(['k_c'])
  })

  it('the same whatever the order of the list', () => {
    const plain = { ...budgetOf(2), priority: [] }
    const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { maxLength: 20 })
    fc.assert(
      fc.property(names, fc.nat(20), fc.infiniteStream(fc.double({ noNaN: true })), (tools, most, random) => {
        const budget = { ...plain, maxTools: most }
        const shuffled = tools.map(tool => ({ tool, at: random.next().value ?? 0 })).sort((a, b) => a.at - b.at)
        const kept = withinBudget(
          budget,
          shuffled.map(({ tool }) => tool),
        )
        expect([...kept].sort()).toEqual([...withinBudget(budget, tools)].sort())
        expect(kept.length).toBe(Math.min(most, tools.length))
      }),
      { numRuns: 50 },
    )
  })
})

describe('a list in pages', () => {
  const lists = { toolBudget: { maxTools: 2, priority: ['pods_log', 'events_list'] } }
  const kept = (more: object, tools: readonly string[], paged: boolean, budget: object = lists) => {
    const { snapshot, server } = setUp(budget, more)
    const own = toolBudgetOf(server, bot)
    if (own === undefined) throw new Error('no budget')
    const visibility = createVisibility({ snapshot, server, principal: bot })
    return pageWithinBudget({ server, budget: own, visibility, tools, paged })
  }
  const catalog = { catalog: 'kubernetes-mcp-server' }
  it('is counted over the tools of the catalogue, so that pages agree', async () => {
    expect(await kept(catalog, ['pods_get', 'pods_list'], false)).toEqual(['pods_get', 'pods_list'])
    expect(await kept(catalog, ['pods_get', 'pods_list'], true)).toEqual([])
    expect(await kept(catalog, ['pods_get', 'pods_log'], true)).toEqual(['pods_log'])
  })
  it('without a catalogue keeps what has priority', async () => {
    expect(await kept({}, ['a', 'b', 'pods_log'], true)).toEqual(['pods_log'])
    expect(await kept({}, ['a', 'b', 'c'], true, { toolBudget: { maxTools: 1 } })).toEqual(['a', 'b', 'c'])
  })
})
