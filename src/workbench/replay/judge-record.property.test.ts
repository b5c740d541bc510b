import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toolsCall } from '../../../test/support/inbound.js'
import { person, through } from '../../../test/support/policies.js'
import { judgeRecord } from './judge-record.js'
import { compareOutcomes, describeOutcome, outcomeOf } from './outcome.js'
import { grant, guardrail, recordOf, role, server, testSet } from './replay.fixture.js'

const alice = person('alice', ['dev'], { claims: new Map([['team', 'red']]), tenant: 'acme', scopes: ['a', 'b'] })
const people = {
  alice,
  bob: person('bob', [], { scopes: ['a'] }),
  bot: through(alice, 'bot'),
  claimed: through(person('bob'), 'bot', 'claimed'),
}

const expressions = [
  'args.n < 10',
  'true',
  'false',
  '!principal.throughAgent',
  "claims.team == 'red'",
  "'a' in scopes && 'b' in scopes",
  "user.username == 'alice' || args.n < 5",
  "tenant == 'acme' && args.n > 3",
  "request.time.getHours('UTC') < 12",
  "request.headers.exists(h, h == 'x')",
  "operations.all(o, o.namespace != 'kube-system')",
  "operations.all(o, o.verb == 'list')",
  "operations.all(o, o.version == 'v1')",
  'operations.all(o, has(o.object))',
  'replicas.all(r, r < 5)',
  "agent.assurance == 'attested'",
  "'n' in args",
  'size(mcp.params) == 2',
  "mcp.tool.name.startsWith('pods')",
] as const

const expression = fc.constantFrom(...expressions)
const guardrails = fc.array(
  fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    expression,
    condition: fc.option(expression, { nil: undefined }),
    mode: fc.constantFrom('Enforce', 'Enforce', 'Audit', 'Warn'),
  }),
  { maxLength: 3 },
)
const grants = fc.array(
  fc.record({
    name: fc.constantFrom('g', 'h', 'i'),
    condition: fc.option(expression, { nil: undefined }),
    scopes: fc.constantFrom(undefined, undefined, ['a'], ['a', 'b']),
    agents: fc.constantFrom(undefined, [{ kind: 'Agent', name: 'demo:*' }]),
    allowClaimed: fc.boolean(),
  }),
  { maxLength: 3 },
)
const settings = fc.record({
  require: fc.constantFrom(['grants'], ['grants'], ['operations'], ['tools'], ['operations', 'grants']),
  principals: fc.constantFrom(['user'], ['user'], ['user', 'agent']),
  mode: fc.constantFrom('Enforce', 'Enforce', 'Audit'),
  connect: fc.constantFrom('authenticated', 'required'),
  catalog: fc.boolean(),
})
const access = fc.constantFrom('none', 'some', 'all')
const policies = fc.record({ settings, guardrails, grants, access })
type Policies = typeof policies extends fc.Arbitrary<infer T> ? T : never

const conditions = (condition: string | undefined) =>
  condition === undefined ? {} : { matchConditions: [{ name: 'c', expression: condition }] }

function documentsOf({ settings: { catalog, ...spec }, ...rest }: Policies): readonly string[] {
  const byName = <T extends { name: string }>(list: readonly T[]) => [
    ...new Map(list.map(one => [one.name, one])).values(),
  ]
  const rules = [{ verbs: ['list', 'get', 'call'], apiGroups: ['', 'mcp-authz.dev'], resources: ['pods', 'tools'] }]
  const needsCatalog = catalog || spec.require.some(one => one === 'operations')
  return [
    server('srv', { ...spec, ...(needsCatalog && { catalog: 'kubernetes-mcp-server' }) }),
    ...byName(rest.guardrails).map(one =>
      guardrail(one.name, one.expression, { mode: one.mode, ...conditions(one.condition) }),
    ),
    ...byName(rest.grants).map(({ name, condition, scopes, agents, allowClaimed }) =>
      grant(name, {
        allowClaimed,
        ...conditions(condition),
        ...(scopes !== undefined && { scopes }),
        ...(agents !== undefined && { match: { agents } }),
      }),
    ),
    // Without any, permissions would be those of a cluster.
    ...role('unrelated', { kind: 'User', name: 'carol' }, rules),
    ...(rest.access === 'none'
      ? []
      : role('r', { kind: 'User', name: 'alice' }, rules, rest.access === 'some' ? 'srv' : undefined)),
    ...(rest.access === 'all' ? role('s', { kind: 'User', name: 'agent:demo:bot' }, rules) : []),
  ]
}

const calls = fc.record({
  as: fc.constantFrom('alice', 'alice', 'bob', 'bot', 'claimed', 'nobody'),
  now: fc.constantFrom(Date.UTC(2026, 0, 15, 9), Date.UTC(2026, 0, 15, 20)),
  message: fc.constantFrom<unknown[]>(
    toolsCall('pods_list_in_namespace', { namespace: 'srv' }),
    toolsCall('pods_list_in_namespace', { namespace: 'kube-system' }),
    toolsCall('pods_list'),
    toolsCall('pay', { n: 4 }),
    toolsCall('pay', { n: 40 }),
    { jsonrpc: '2.0', id: 1, method: 'tools/list' },
    { jsonrpc: '2.0', id: 1, method: 'nonsense' },
    '{"jsonrpc":',
  ),
})
const withArguments = fc.boolean()

/** The candidate is mostly the same as what it replaces. */
const pairs = fc
  .tuple(
    policies,
    policies,
    fc.record({ settings: fc.boolean(), guardrails: fc.boolean(), grants: fc.boolean(), access: fc.boolean() }),
  )
  .map(([was, other, kept]) => ({
    was,
    candidate: {
      settings: kept.settings ? was.settings : other.settings,
      guardrails: kept.guardrails ? [...was.guardrails, ...other.guardrails.slice(0, 1)] : other.guardrails,
      grants: kept.grants ? was.grants : other.grants,
      access: kept.access ? was.access : other.access,
    },
  }))

describe('what replay is certain of', () => {
  it('is what the service decides', async () => {
    const tried = { certain: 0, open: 0 }
    await fc.assert(
      fc.asyncProperty(
        pairs,
        fc.array(calls, { minLength: 1, maxLength: 8 }),
        withArguments,
        fc.boolean(),
        async (pair, sent, recorded, known) => {
          const was = testSet(documentsOf(pair.was), people)
          const candidate = testSet(documentsOf(pair.candidate), people)
          for (const { message, ...options } of sent) {
            const args =
              recorded && typeof message === 'object' && message !== null && 'params' in message
                ? message.params
                : undefined
            const more = args === undefined ? {} : { arguments: Object(args).arguments }
            const record = recordOf(was.send(message, options).line, more)
            const truth = outcomeOf(recordOf(candidate.send(message, options).line))
            const after = await judgeRecord(record, candidate, known ? was : undefined)
            if ('why' in after) {
              tried.open++
              continue
            }
            tried.certain++
            const difference = compareOutcomes(truth, after)
            if (difference !== 'same')
              expect(describeOutcome(after), JSON.stringify([record, message, options])).toBe(describeOutcome(truth))
          }
        },
      ),
      { numRuns: Number(process.env.REPLAY_RUNS ?? 40) },
    )
    // It must be of some use as well.
    expect(tried.certain).toBeGreaterThan(tried.open / 4)
  }, 300_000)
})
