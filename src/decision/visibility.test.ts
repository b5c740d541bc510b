import { describe, expect, it } from 'vitest'
import { policyDocument } from '../../test/support/judge.js'
import { catalogs, memorySource, namesAsTokens, person, through } from '../../test/support/policies.js'
import type { Principal } from '../identity/principal.js'
import { PolicyStore } from '../policy/policy-store.js'
import type { Authorizer } from '../rbac/authorizer.js'
import { allowed, FakeAuthorizer, refused, unreachable } from './authorizer-variable.fixture.js'
import type { ListedKind } from './hypothetical-call.js'
import type { Step } from './trial.js'
import { createVisibility, type Shown, type Visibility } from './visibility.js'

const alice = person('alice', ['dev'])

interface SetUp {
  readonly server?: Record<string, unknown>
  readonly documents?: readonly string[]
  readonly principal?: Principal
  /** Of the cluster `local`; without, RBAC is the documents'. */
  readonly authorizer?: Authorizer
  readonly broken?: boolean
}

function setUp({ server = {}, documents = [], principal = alice, authorizer, broken = false }: SetUp): Visibility {
  const texts = [
    policyDocument('Server', 'srv', { resource: 'https://srv.example.com/mcp', require: ['grants'], ...server }),
    ...documents,
  ]
  const store = new PolicyStore({
    sources: [catalogs, memorySource(Object.fromEntries(texts.map((text, index) => [`${index}.yaml`, text])))],
    brokenPolicies: broken ? 'serve' : 'refuse',
    compile: { insecureLoopbackIssuers: false },
    assemble: {
      clusters: authorizer === undefined ? ['local'] : [],
      authorizers: new Map(authorizer === undefined ? [] : [['local', authorizer]]),
      authenticator: () => ({ value: namesAsTokens({ alice }), findings: [] }),
    },
  })
  const report = store.load()
  const snapshot = store.current
  const found = snapshot?.servers.byName('srv')
  if (snapshot === undefined || found === undefined || (!report.inForce && !broken))
    throw new Error(report.findings.map(({ message }) => message).join('\n'))
  return createVisibility({ snapshot, server: found, principal })
}

const verdict = (shown: Shown) => (shown.shown ? (shown.unasked ?? 'shown') : shown.why.reason)

function now(visibility: Visibility, kind: ListedKind, name: string): string {
  const judged = visibility.judge({ kind, name })
  if (judged instanceof Promise) throw new Error('the list waited')
  return verdict(judged)
}

const grant = (spec: object, name = 'g') =>
  policyDocument('Grant', name, {
    ...spec,
    match: {
      servers: ['srv'],
      subjects: [{ kind: 'Group', name: 'system:authenticated' }],
      ...('match' in spec && Object(spec.match)),
    },
  })
const guardrail = (spec: object, name = 'r') =>
  policyDocument('Guardrail', name, { match: { servers: ['srv'] }, ...spec })
const never = { validations: [{ expression: 'false', message: 'never' }] }

describe('a tool is', () => {
  it.each<[string, SetUp, string, string]>([
    ['hidden that nobody gives', {}, 'pay', 'authorization.grant'],
    ['shown that a Grant gives', { documents: [grant({ match: { tools: ['pay'] } })] }, 'pay', 'shown'],
    [
      'shown whose Grant depends on arguments',
      { documents: [grant({ matchConditions: [{ name: 'c', expression: 'args.amount < 10' }] })] },
      'pay',
      'shown',
    ],
    [
      'hidden whose Grant never holds',
      { documents: [grant({ matchConditions: [{ name: 'c', expression: 'user.username == "bob"' }] })] },
      'pay',
      'authorization.grant',
    ],
    [
      'hidden whose Grant fails on this caller',
      { documents: [grant({ matchConditions: [{ name: 'c', expression: 'claims.team == "x"' }] })] },
      'pay',
      'authorization.grant',
    ],
    ['hidden that lacks scopes', { documents: [grant({ scopes: ['pay'] })] }, 'pay', 'authorization.scope'],
    [
      'shown that lacks scopes where clients are to log in for them',
      { server: { lists: { missingScopes: 'Show' } }, documents: [grant({ scopes: ['pay'] })] },
      'pay',
      'shown',
    ],
    ['hidden that a Guardrail never allows', { documents: [grant({}), guardrail(never)] }, 'pay', 'guardrail.violated'],
    [
      'shown under a Guardrail in Audit',
      { documents: [grant({}), guardrail({ ...never, mode: 'Audit' })] },
      'pay',
      'shown',
    ],
    [
      'shown under a Guardrail in Warn',
      { documents: [grant({}), guardrail({ ...never, mode: 'Warn' })] },
      'pay',
      'shown',
    ],
    ['shown in Audit', { server: { mode: 'Audit' }, documents: [guardrail(never)] }, 'pay', 'shown'],
    [
      'hidden by a Guardrail whose variable is known',
      {
        documents: [
          grant({}),
          guardrail({
            variables: [
              { name: 'dev', expression: '"dev" in user.groups' },
              { name: 'ns', expression: 'args.namespace' },
            ],
            validations: [{ expression: '!variables.dev', message: 'no' }],
          }),
        ],
      },
      'pay',
      'guardrail.violated',
    ],
    [
      'hidden by a Guardrail that looks for operations where no catalogue says any',
      { documents: [grant({}), guardrail({ validations: [{ expression: 'size(operations) > 0' }] })] },
      'pay',
      'guardrail.error',
    ],
    [
      'shown under a Guardrail that looks at time, headers and address',
      {
        documents: [
          grant({}),
          guardrail({
            validations: [
              { expression: 'request.time.getHours("UTC") > 24' },
              { expression: 'request.headers["x"] == "y" && request.sourceAddress == "z"' },
            ],
          }),
        ],
      },
      'pay',
      'shown',
    ],
    [
      'hidden where a policy does not compile',
      { documents: [grant({}), guardrail({ validations: [{ expression: 'nothing.such' }] })], broken: true },
      'pay',
      'policy.error',
    ],
    ['hidden with a name that cannot be called', { documents: [grant({})] }, 'pay now', 'message.name'],
    [
      'hidden without the prefix',
      { server: { toolPrefix: 'k_' }, documents: [grant({})] },
      'pay',
      'authorization.tool_unknown',
    ],
    [
      'shown with the prefix',
      { server: { toolPrefix: 'k_' }, documents: [grant({ match: { tools: ['pay'] } })] },
      'k_pay',
      'shown',
    ],
    [
      'hidden that the catalogue does not have',
      { server: { catalog: 'kubernetes-mcp-server' }, documents: [grant({})] },
      'pay',
      'authorization.tool_unknown',
    ],
    [
      'hidden that the catalogue refuses',
      { server: { catalog: 'kubernetes-mcp-server' }, documents: [grant({})] },
      'helm_install',
      'authorization.tool_refused',
    ],
    [
      'hidden where an agent is missing',
      { server: { principals: ['user', 'agent'] }, documents: [grant({})] },
      'pay',
      'identity.agent_missing',
    ],
    [
      'hidden where only the user is given it',
      {
        server: { principals: ['user', 'agent'] },
        documents: [grant({ match: { subjects: [{ kind: 'User', name: 'alice' }] } })],
        principal: through(alice, 'bot'),
      },
      'pay',
      'authorization.grant',
    ],
    [
      'hidden from callers whom the server behind cannot be told of',
      { server: { upstream: { authorization: 'passthrough', audience: 'behind' } }, documents: [grant({})] },
      'pay',
      'authorization.upstream_audience',
    ],
  ])('%s', (_, given, tool, expected) => {
    expect(now(setUp(given), 'tool', tool)).toBe(expected)
  })

  it('explained', () => {
    const steps: Step[] = []
    const visibility = setUp({
      documents: [
        grant({ match: { tools: ['pay'] } }, 'payers'),
        guardrail({ validations: [{ expression: 'args.amount < 5 || args.sure' }] }, 'cap'),
      ],
    })
    void visibility.judge({ kind: 'tool', name: 'pay' }, steps)
    expect(steps.map(({ rule, outcome, detail }) => `${rule} ${outcome} ${detail}`)).toEqual([
      'Grant/payers pass gives to the user',
      'Guardrail/cap info depends on args.amount, args.sure',
    ])
  })
})

describe('a tool that calls others', () => {
  const metaTools = [{ tool: 'call_tool' }]
  const rbac = (resources: readonly string[]) => [
    JSON.stringify({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'r' },
      rules: [{ verbs: ['list'], apiGroups: [''], resources }],
    }),
    JSON.stringify({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'r' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'r' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'alice' }],
    }),
  ]
  const server = { catalog: 'kubernetes-mcp-server', require: ['operations'], metaTools }
  it('is shown where any of them is', () => {
    expect(now(setUp({ server, documents: rbac(['pods']) }), 'tool', 'call_tool')).toBe('shown')
    expect(now(setUp({ server, documents: rbac(['things']) }), 'tool', 'call_tool')).toBe('authorization.tool_unknown')
    expect(now(setUp({ server: { metaTools } }), 'tool', 'call_tool')).toBe('shown')
  })
})

describe('a tool that does several things in one namespace', () => {
  const catalog = JSON.stringify({
    apiVersion: 'mcp-authz.dev/v1alpha1',
    kind: 'ToolCatalog',
    metadata: { name: 'own' },
    spec: {
      tools: {
        both: {
          access: 'read',
          operations: ['pods', 'services'].map(resource => ({
            ...{ verb: 'get', resource, namespace: { argument: 'namespace', required: true } },
          })),
        },
      },
    },
  })
  const given = (resource: string, namespace: string) =>
    ['ClusterRole', 'RoleBinding'].map(kind =>
      JSON.stringify({
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind,
        metadata: { name: resource, ...(kind === 'RoleBinding' && { namespace }) },
        ...(kind === 'ClusterRole'
          ? { rules: [{ verbs: ['get'], apiGroups: [''], resources: [resource] }] }
          : {
              roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: resource },
              subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'alice' }],
            }),
      }),
    )
  const server = { catalog: 'own', require: ['operations'] }
  const visibility = (one: string, other: string) =>
    setUp({ server, documents: [catalog, ...given('pods', one), ...given('services', other)] })
  it('is hidden from somebody who may do each of them in another one', () => {
    expect(now(visibility('a', 'b'), 'tool', 'both')).toBe('authorization.rbac')
    expect(now(visibility('a', 'a'), 'tool', 'both')).toBe('shown')
  })
})

describe('prompts, resources and templates', () => {
  const documents = [
    grant({ match: { resources: ['demo://open/*'] } }, 'open'),
    grant({ match: { prompts: ['hello'] } }, 'hello'),
    guardrail({ match: { servers: ['srv'], resources: ['demo://open/secret/*'] }, ...never }, 'secret'),
    guardrail(
      {
        match: { servers: ['srv'], resources: ['*'] },
        validations: [{ expression: '!mcp.resource.uri.endsWith(".key") && size(args) == 0', message: 'no keys' }],
      },
      'keys',
    ),
  ]
  const visibility = setUp({ documents })
  it.each<[ListedKind, string, string]>([
    ['prompt', 'hello', 'shown'],
    ['prompt', 'other', 'authorization.grant'],
    ['resource', 'demo://open/a', 'shown'],
    ['resource', 'demo://open/a.key', 'guardrail.violated'],
    ['resource', 'demo://open/secret/a', 'guardrail.violated'],
    ['resource', 'demo://closed/a', 'authorization.grant'],
    ['resource', 'demo://open/../a', 'message.uri'],
    ['resourceTemplate', 'demo://open/{name}', 'shown'],
    ['resourceTemplate', 'demo://{+path}', 'shown'],
    ['resourceTemplate', 'demo://open/secret/{name}', 'guardrail.violated'],
    ['resourceTemplate', 'demo://closed/{name}', 'authorization.grant'],
  ])('%s %s: %s', (kind, name, expected) => {
    expect(now(visibility, kind, name)).toBe(expected)
  })
})

describe('where an API server is asked', () => {
  const virtual = { require: ['tools'] }
  const names = Array.from({ length: 50 }, (_, index) => ({ kind: 'tool', name: `t${index}` }) as const)

  it('about virtual resources: first about all, then about each', async () => {
    const wide = new FakeAuthorizer(line => (line.includes('servers/tools') ? allowed : refused))
    const all = await setUp({ server: virtual, authorizer: wide }).judgeAll(names)
    expect(all.map(verdict)).toEqual(names.map(() => 'shown'))
    expect(wide.asked).toEqual(['alice call servers/tools.mcp-authz.dev mcp-authz/srv'])

    const waiting = new FakeAuthorizer(line => (line.endsWith('srv.t7') ? allowed : refused), false)
    const asked = setUp({ server: virtual, authorizer: waiting }).judgeAll(names)
    let most = 0
    let done = false
    void Promise.resolve(asked).then(() => {
      done = true
    })
    while (!done) {
      most = Math.max(most, waiting.waiting.length)
      waiting.release()
      await new Promise(resolve => setImmediate(resolve))
    }
    expect((await asked).map(verdict).filter(one => one === 'shown')).toHaveLength(1)
    expect(waiting.asked).toHaveLength(51)
    expect(most).toBeLessThanOrEqual(16)
  })

  it('and is away: shown, and said; hidden where the Server hides', () => {
    const away = new FakeAuthorizer(() => unreachable)
    expect(now(setUp({ server: virtual, authorizer: away }), 'tool', 'a')).toBe('dependency.api_server')
    const hiding = setUp({ server: { ...virtual, denial: 'hide' }, authorizer: away })
    expect(hiding.judge({ kind: 'tool', name: 'a' })).toMatchObject({ shown: false, why: { stage: 'dependency' } })
  })

  it('about operations only where they are known exactly', () => {
    const server = { catalog: 'kubernetes-mcp-server', require: ['operations'] }
    const authorizer = new FakeAuthorizer(() => refused)
    const visibility = setUp({ server, authorizer })
    expect(now(visibility, 'tool', 'pods_get')).toBe('shown')
    expect(now(visibility, 'tool', 'resources_create_or_update')).toBe('shown')
    expect(authorizer.asked).toEqual([])
    expect(now(visibility, 'tool', 'namespaces_list')).toBe('authorization.rbac')
    expect(authorizer.asked).toEqual(['alice list namespaces /'])
    expect(now(visibility, 'tool', 'pods_list')).toBe('authorization.rbac')
  })

  it('no expression asks it', () => {
    const authorizer = new FakeAuthorizer(() => refused)
    const expression = 'authorizer.path("/x").check("get").allowed()'
    const documents = [grant({}), guardrail({ validations: [{ expression }] })]
    expect(now(setUp({ documents, authorizer }), 'tool', 'a')).toBe('shown')
    expect(authorizer.asked).toEqual([])
  })
})

it('what a long list costs is bounded, and hides nothing', () => {
  const expression =
    '[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, a + b + c > 0)))'
  const last = `${expression} && mcp.tool.name == "none"`
  const visibility = setUp({
    documents: [grant({}), guardrail({ validations: [{ expression: last, message: 'no' }] })],
  })
  const judged = visibility.judgeAll(Array.from({ length: 4000 }, (_, index) => ({ kind: 'tool', name: `t${index}` })))
  if (judged instanceof Promise) throw new Error('the list waited')
  expect(judged[0]?.shown).toBe(false)
  expect(judged.at(-1)?.shown).toBe(true)
})
