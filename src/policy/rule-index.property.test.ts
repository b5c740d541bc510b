import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Principal } from '../identity/principal.js'
import type { Call, Target } from '../protocol/call.js'
import type { CatalogTool } from '../rbac/tool-catalog.js'
import { compileMatch, type MatchedCall, type MatchSpec, matchSchema } from './match.js'
import { RuleIndex } from './rule-index.js'

const words = ['a', 'ab', 'aba', 'b', 'ba', 'bab', 'abab', 'a.b'] as const
const word = fc.constantFrom(...words)
const pattern = fc.oneof(
  word,
  fc.constantFrom('*', 'a*', '*b', 'a*b', '*a*', 'ab*', '*ab', 'b*a*b', 'ab**', '**', 'a*ab', 'ba*b'),
)
const patterns = fc.option(fc.uniqueArray(pattern, { minLength: 1, maxLength: 3 }), { nil: undefined })
// Some are named as what has no method is, or look like what is memorised of another call.
const methods = [
  ...['tools/call', 'prompts/get', 'resources/read', 'ping', 'vendor/run', 'GET', 'response', 'json'],
  'ping\n\nnone',
] as const
const access = ['read', 'write', 'delete'] as const

const subjects = fc.option(
  fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('User'), name: pattern }),
      fc.record({ kind: fc.constant('Group'), name: pattern }),
      fc.record({ kind: fc.constant('ServiceAccount'), name: pattern, namespace: pattern }),
    ),
    { minLength: 1, maxLength: 2 },
  ),
  { nil: undefined },
)
const agents = fc.option(
  fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('Agent'), name: pattern.map(id => `${id}:${id}`) }),
      fc.record({ kind: fc.constant('Agent'), name: fc.constant('*') }),
      fc.record({ kind: fc.constant('Workload'), name: pattern }),
    ),
    { minLength: 1, maxLength: 2 },
  ),
  { nil: undefined },
)

/** As people may write them; what no call can meet is refused by the schema and left out. */
const spec = fc
  .record(
    {
      servers: patterns,
      methods: fc.option(fc.uniqueArray(fc.constantFrom(...methods, 'tools/*', 'json', '*'), { minLength: 1 }), {
        nil: undefined,
      }),
      tools: patterns,
      prompts: patterns,
      resources: patterns,
      access: fc.option(fc.uniqueArray(fc.constantFrom(...access), { minLength: 1 }), { nil: undefined }),
      labels: fc.option(fc.constantFrom({}, { risk: 'ab' }, { risk: ['a*'], team: '*' }), { nil: undefined }),
      subjects,
      agents,
    },
    { requiredKeys: [] },
  )
  .map(parsed)
/** Those that are about many calls, so that there are enough for an index by caller. */
const broad = fc.record({ subjects, agents }, { requiredKeys: [] }).map(parsed)

function parsed(given: object): MatchSpec | undefined {
  return matchSchema.safeParse(Object.fromEntries(Object.entries(given).filter(([, value]) => value))).data
}

const called = fc.oneof(
  { weight: 9, arbitrary: word },
  fc.constantFrom('\nping\n\nnone\n\n', '\ntools/call\ntouches\ntool\ntool\na', '\n'),
)
const target: fc.Arbitrary<Target> = fc.oneof(
  fc.constant({ kind: 'none' } as const),
  fc.record({ kind: fc.constantFrom('tool', 'prompt', 'resource', 'task'), name: called }),
)
const kinds = ['request', 'notification', 'response', 'stream', 'close'] as const
const matchedCall: fc.Arbitrary<MatchedCall> = fc
  .record({
    protocol: fc.constantFrom('mcp', 'mcp', 'json'),
    kind: fc.oneof({ weight: 3, arbitrary: fc.constant('request' as const) }, fc.constantFrom(...kinds)),
    method: fc.constantFrom(...methods),
    target,
    alsoTargets: fc.oneof(fc.constant([]), fc.array(target, { maxLength: 2 })),
    server: fc.constantFrom('a', 'ab', 'b', 'other'),
    inner: fc.option(called, { nil: undefined }),
    known: fc.boolean(),
  })
  .map(({ protocol, kind, method, target, alsoTargets, server, inner, known }) => {
    const call: Call = {
      protocol: protocol as Call['protocol'],
      kind,
      method,
      target,
      alsoTargets,
      era: 'modern',
      version: undefined,
      id: '1',
      params: undefined,
      arguments: undefined,
      sessionId: undefined,
    }
    const tool = target.kind === 'tool' ? (inner ?? target.name) : undefined
    return { server, call, tool, catalogTool: known && tool !== undefined ? catalogued(tool) : undefined }
  })

/** A catalogue says the same of one name each time. */
const catalogued = (name: string): CatalogTool =>
  ({
    name,
    access: access[name.length % 3],
    labels: new Map(
      name.length > 2
        ? [['risk', name]]
        : [
            ['risk', 'ab'],
            ['team', 'x'],
          ],
    ),
  }) as unknown as CatalogTool

const userInfo = fc.record({
  username: fc.oneof(
    word,
    word.map(one => `system:serviceaccount:${one}:${one}`),
  ),
  groups: fc.uniqueArray(word, { maxLength: 3 }),
})
const principal = fc
  .record({
    user: userInfo,
    agentUser: fc.option(userInfo, { nil: undefined }),
    agent: fc.record({
      id: fc.constantFrom('', ...words),
      issuer: word,
      assurance: fc.constantFrom('attested', 'claimed'),
    }),
    workload: fc.constantFrom('', ...words),
  })
  .map(value => value as unknown as Principal)

it('finds the rules that each of them, asked one by one, says are about the call, in order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(spec, broad), { maxLength: 60, size: 'max' }),
      fc.array(matchedCall, { minLength: 1, maxLength: 8 }),
      fc.array(principal, { minLength: 1, maxLength: 2 }),
      (specs, calls, callers) => {
        const rules = specs.flatMap((one, at) =>
          one === undefined ? [] : [{ name: `r${String(at).padStart(3, '0')}`, match: compileMatch(one) }],
        )
        const index = new RuleIndex([...rules].reverse(), ['a', 'ab', 'b'])
        // Twice, so that what is memorised of one is not taken for another. A catalogue says the same of a name each time.
        const known = new Map<string, CatalogTool | undefined>()
        for (const call of [...calls, ...calls]) {
          const key = `${call.server} ${call.tool}`
          if (!known.has(key)) known.set(key, call.catalogTool)
          const matched = { ...call, catalogTool: known.get(key) }
          const expected = call.server === 'other' ? [] : rules.filter(({ match }) => match.call(matched))
          expect(names(index.candidates(matched))).toBe(names(expected))
          for (const caller of callers) {
            const about = new Set(index.candidatesFor(matched, caller))
            const asked = [caller, { ...caller, user: caller.agentUser ?? caller.user }]
            const wanted = expected.filter(
              rule =>
                about.has(rule) || asked.some(one => rule.match.caller(one, true) || rule.match.caller(one, false)),
            )
            expect(names([...about])).toBe(names(wanted))
          }
        }
        for (const server of ['a', 'ab', 'b', 'other']) {
          const all = server === 'other' ? [] : rules.filter(({ match }) => match.server(server))
          expect(names(index.ofServer(server))).toBe(names(all))
        }
      },
    ),
    { numRuns: 150 },
  )
})

it('leaves out rules about others where there are many', () => {
  const rules = Array.from({ length: 1000 }, (_, n) => ({
    name: `r${n}`,
    match: compileMatch({ subjects: [{ kind: 'User', name: `user-${n}` }] }),
  }))
  const index = new RuleIndex(rules, ['a'])
  const asking = {
    user: { username: 'user-7', groups: ['x'] },
    agent: { id: '' },
    workload: '',
  } as unknown as Principal
  const [call] = fc.sample(
    matchedCall.map(one => ({ ...one, server: 'a', call: { ...one.call, protocol: 'json' as const } })),
    1,
  )
  if (call === undefined) throw new Error('no call')
  expect(index.candidates(call)).toHaveLength(1000)
  expect(names(index.candidatesFor(call, asking))).toBe('r7')
})

const names = (rules: readonly { readonly name: string }[]): string => rules.map(({ name }) => name).join(' ')
