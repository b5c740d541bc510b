import { expect, it } from 'vitest'
import type { Call } from '../protocol/call.js'
import { compileMatch, type MatchedCall } from './match.js'
import { RuleIndex } from './rule-index.js'

const call: Call = {
  protocol: 'mcp',
  kind: 'request',
  era: 'modern',
  version: undefined,
  id: '1',
  method: 'tools/call',
  target: { kind: 'tool', name: 'pay' },
  alsoTargets: [],
  params: undefined,
  arguments: undefined,
  sessionId: undefined,
}
const matched = (tool: string, server = 'files'): MatchedCall => ({ server, call, tool, catalogTool: undefined })
const rule = (name: string, tools: string[], members?: readonly string[]) => ({
  name,
  match: compileMatch({ tools }),
  ...(members && { members: new Set(members) }),
})
const index = new RuleIndex(
  [rule('b', ['pay'], ['amount', 'currency']), rule('a', ['*'], ['amount', 'dryRun']), rule('c', ['refund'])],
  ['files'],
)

it.each<[string, MatchedCall, readonly string[], readonly string[]]>([
  ['several rules', matched('pay'), ['a', 'b'], ['amount', 'currency', 'dryRun']],
  ['one rule', matched('list'), ['a'], ['amount', 'dryRun']],
  ['a rule that looks for nothing', matched('refund'), ['a', 'c'], ['amount', 'dryRun']],
  ['another server', matched('pay', 'other'), [], []],
])('candidates and what they look for: %s', (_name, which, rules, members) => {
  expect(index.candidates(which).map(({ name }) => name)).toEqual(rules)
  expect([...index.members(which)].sort()).toEqual(members)
})

it('memorises both, whatever names are made up in between', () => {
  const before = index.members(matched('pay'))
  expect(index.members(matched('pay'))).toBe(before)
  for (let n = 0; n < 5000; n++) index.members(matched(`invented-${n}`))
  expect(index.members(matched('pay'))).toBe(before)
  expect(index.members(matched('invented-1'))).toBe(index.members(matched('x'.repeat(10_000))))
})

it('has one answer for a JSON server', () => {
  const all = new RuleIndex(
    [
      { name: 'a', match: compileMatch({}), members: new Set(['model']) },
      { name: 'b', match: compileMatch({ methods: ['json'] }), members: new Set(['seed']) },
    ],
    ['llm'],
  )
  const json: MatchedCall = {
    server: 'llm',
    call: { ...call, protocol: 'json', method: '', target: { kind: 'none' } },
    tool: undefined,
    catalogTool: undefined,
  }
  expect([...all.members(json)]).toEqual(['model', 'seed'])
  expect(all.members(json)).toBe(all.members(json))
})

it('does not take what it memorised of one method for another that names the same tool', () => {
  const rules = new RuleIndex(
    [
      { name: 'calls', match: compileMatch({ methods: ['tools/call'] }) },
      { name: 'runs', match: compileMatch({ methods: ['vendor/run'] }) },
    ],
    ['files'],
  )
  const names = (which: MatchedCall) => rules.candidates(which).map(({ name }) => name)
  const run: MatchedCall = { ...matched('pay'), call: { ...call, method: 'vendor/run' } }
  expect(names(matched('pay'))).toEqual(['calls'])
  expect(names(run)).toEqual(['runs'])
  expect(names(matched('pay'))).toEqual(['calls'])
})
