import { setImmediate as afterImmediates } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { policyDocument } from '../../test/support/judge.js'
import { catalogs, memorySource, namesAsTokens, person, storeOf, through } from '../../test/support/policies.js'
import { filterLists } from './filter-lists.js'
import type { Viewer } from './hypothetical-call.js'

const alice = person('alice')

function viewerOf(spec: object, more: Partial<Viewer> = {}): Viewer {
  const files = {
    'a.yaml': policyDocument('Server', 'srv', {
      resource: 'https://srv.example.com/mcp',
      require: ['grants'],
      ...spec,
    }),
    'b.yaml': policyDocument('Grant', 'g', {
      match: { servers: ['srv'], subjects: [{ kind: 'Group', name: 'system:authenticated' }] },
    }),
  }
  const store = storeOf([catalogs, memorySource(files)], namesAsTokens({ alice }))
  store.load()
  const snapshot = store.current
  const server = snapshot?.servers.byName('srv')
  if (snapshot === undefined || server === undefined) throw new Error('the policies do not compile')
  return { snapshot, server, principal: through(alice, 'bot'), ...more }
}

const listOf = (names: readonly string[], nextCursor?: string) =>
  Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, result: { tools: names.map(name => ({ name })), nextCursor } }))

async function toolsOf(message: Buffer, viewer: Viewer): Promise<readonly string[] | string> {
  const filtered = await filterLists(message, viewer)
  if (!filtered.ok) return filtered.reason
  const { result } = JSON.parse(Buffer.from(filtered.bytes).toString())
  return result.tools.map(({ name }: { name: string }) => name)
}

describe('the tool budget of a list in pages', () => {
  const spec = {
    catalog: 'kubernetes-mcp-server',
    lists: { toolBudget: { maxTools: 2, priority: ['pods_log', 'events_list'] } },
  }
  const names = ['pods_get', 'pods_log']

  it.each<[string, string | undefined, boolean | undefined, readonly string[]]>([
    ['a list that comes whole', undefined, undefined, names],
    ['a page with others behind it', '2', undefined, ['pods_log']],
    ['the last page, asked for with a cursor', undefined, true, ['pods_log']],
    ['the first page of one, asked for without', undefined, false, names],
  ])('%s', async (_what, nextCursor, paged, expected) => {
    const viewer = viewerOf(spec, paged === undefined ? {} : { paged })
    expect(await toolsOf(listOf(names, nextCursor), viewer)).toEqual(expected)
  })
})

describe('a large message', () => {
  const rows = Buffer.from(`{"id":1,"result":{"rows":[${'{"name":"a","restarts":12},'.repeat(150_000)}0]}}`)
  const many = listOf(Array.from({ length: 15_000 }, (_, at) => `tool_${at}`))

  it.each<[string, Buffer]>([
    ['that is no list', rows],
    ['of many tools', many],
  ])('%s does not keep the others waiting until it is done', async (_what, message) => {
    let others = 0
    let over = false
    const filtered = filterLists(message, viewerOf({}))
    const turns = async () => {
      for (; !over; others++) await afterImmediates()
    }
    const [done] = await Promise.all([
      Promise.resolve(filtered).finally(() => {
        over = true
      }),
      turns(),
    ])
    expect(filtered).toBeInstanceOf(Promise)
    expect(others).toBeGreaterThan(0)
    expect(done).toMatchObject({ ok: true })
    if (message === rows) expect(done).toHaveProperty('bytes', rows)
  })

  it('is refused where there is no time for it', async () => {
    const now = Date.now()
    expect(await toolsOf(many, viewerOf({}, { now, deadline: now }))).toBe('response.late')
  })
})
