import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inbound, toolsCall } from '../../test/support/inbound.js'
import { policyDocument } from '../../test/support/judge.js'
import { memorySource, namesAsTokens, person, storeOf, through } from '../../test/support/policies.js'
import { createDecide } from './create-decide.js'
import { createVisibility, type Shown } from './visibility.js'

/** Tools of all shapes: fixed, chosen by argument, with conditions, of any kind, by manifest. */
const tools: Record<string, object> = {
  pods_get: { access: 'read', operations: [{ verb: 'get', resource: 'pods', ...inNamespace({}), ...named() }] },
  pods_list: { access: 'read', operations: [{ verb: 'list', resource: 'pods', ...inNamespace({ default: 'all' }) }] },
  nodes_list: { access: 'read', operations: [{ verb: 'list', resource: 'nodes', namespace: 'cluster' }] },
  pods_move: {
    access: 'write',
    operations: [
      { verb: 'delete', resource: 'pods', ...inNamespace({ required: true }), ...named() },
      { verb: 'create', resource: 'pods', namespace: { argument: 'to', required: true } },
      { verb: 'get', group: 'apps', resource: 'deployments', ...inNamespace({ required: true }) },
    ],
  },
  lifecycle: {
    access: 'write',
    operations: [
      { verb: 'create', resource: 'pods', ...inNamespace({}), when: { argument: 'action', equals: 'start' } },
      { verb: 'delete', resource: 'pods', ...inNamespace({}), when: { argument: 'action', equals: 'stop' } },
    ],
  },
  top: {
    access: 'read',
    operations: [
      { verb: 'get', resource: 'pods', ...inNamespace({}), ...named(), when: { argument: 'name', present: true } },
      { verb: 'list', resource: 'pods', namespace: 'all', when: { argument: 'name', present: false } },
      { verb: 'list', resource: 'nodes', namespace: 'cluster', when: { argument: 'wide', equals: true } },
    ],
  },
  any_get: {
    access: 'read',
    operations: [{ verb: 'get', gvk: { apiVersion: 'apiVersion', kind: 'kind' }, ...inNamespace({}), ...named() }],
  },
  apply: { access: 'write', operations: [{ verbs: ['create', 'patch'], manifest: { argument: 'manifest' } }] },
  about: { access: 'read', operations: 'none' },
  reset: { access: 'write', operations: 'none' },
  secret: { access: 'sensitive', refuse: 'never' },
}
const catalog = JSON.stringify({
  apiVersion: 'mcp-authz.dev/v1alpha1',
  kind: 'ToolCatalog',
  metadata: { name: 'shapes' },
  spec: { tools },
})
const names = [...Object.keys(tools), 'unheard_of']

function inNamespace(more: object) {
  return { namespace: { argument: 'namespace', ...more } }
}

const manifestOf = (apiVersion: string, kind: string, namespace?: string) =>
  JSON.stringify({ apiVersion, kind, metadata: { name: 'web', ...(namespace && { namespace }) } })

/** Every combination of values that the policies below can tell apart, as far as each tool has the argument. */
const values: Record<string, readonly unknown[]> = {
  namespace: [undefined, 'a', 'b'],
  to: [undefined, 'a', 'b'],
  name: [undefined, 'web', 'x'],
  action: [undefined, 'start', 'stop', 'wait'],
  wide: [undefined, true, false],
  kind: [undefined, 'v1 Pod', 'apps/v1 Deployment', 'v1 Node', 'rbac.authorization.k8s.io/v1 Role'],
  manifest: [
    undefined,
    ...['a', 'b', undefined].map(namespace => manifestOf('v1', 'Pod', namespace)),
    ...['a', 'b'].map(namespace => manifestOf('apps/v1', 'Deployment', namespace)),
    manifestOf('v1', 'Node'),
  ],
  level: [undefined, 1, 9],
}
const argumentsOf: Record<string, readonly string[]> = {
  pods_get: ['namespace', 'name', 'level'],
  pods_list: ['namespace', 'level'],
  nodes_list: ['level'],
  pods_move: ['namespace', 'to', 'name'],
  lifecycle: ['namespace', 'action', 'level'],
  top: ['namespace', 'name', 'wide'],
  any_get: ['namespace', 'name', 'kind'],
  apply: ['manifest', 'level'],
}

function* callsOf(tool: string): Generator<Record<string, unknown>> {
  const all = (argumentsOf[tool] ?? ['level']).map(name => [name, values[name] ?? []] as const)
  const build = function* (rest: typeof all): Generator<Record<string, unknown>> {
    const [first, ...others] = rest
    if (first === undefined) {
      yield {}
      return
    }
    for (const value of first[1]) {
      for (const args of build(others)) {
        if (value === undefined) yield args
        else if (first[0] !== 'kind') yield { ...args, [first[0]]: value }
        else {
          const [apiVersion, kind] = String(value).split(' ')
          yield { ...args, apiVersion, kind }
        }
      }
    }
  }
  yield* build(all)
}

const some = <T>(...all: T[]) => fc.subarray(all, { minLength: 1 })
const rule = fc.record({
  verbs: some('get', 'list', 'create', 'patch', 'delete'),
  apiGroups: fc.constantFrom([''], ['apps'], ['', 'apps'], ['*']),
  resources: fc.constantFrom(['pods'], ['nodes'], ['deployments'], ['pods', 'deployments'], ['*']),
  resourceNames: fc.constantFrom(undefined, undefined, undefined, ['web']),
})
const subject = fc.constantFrom(
  { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'alice' },
  { apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'dev' },
  { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'agent:demo:bot' },
  { apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:authenticated' },
)
const virtualRule = fc.constantFrom(
  { verbs: ['call'], apiGroups: ['mcp-authz.dev'], resources: ['servers/tools'], resourceNames: ['srv'] },
  { verbs: ['call'], apiGroups: ['mcp-authz.dev'], resources: ['tools'], resourceNames: ['srv.pods_get', 'srv.about'] },
)
const binding = fc.oneof(
  fc.record({
    rules: fc.array(fc.oneof({ weight: 4, arbitrary: rule }, { weight: 1, arbitrary: virtualRule }), {
      minLength: 1,
      maxLength: 2,
    }),
    subjects: fc.array(subject, { minLength: 1, maxLength: 2 }),
    namespace: fc.constantFrom(undefined, 'a', 'b'),
  }),
  // So that enough is allowed: everything, somewhere or everywhere.
  fc.record({
    rules: fc.constant<object[]>([{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }]),
    subjects: fc.constant([{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:authenticated' }]),
    namespace: fc.constantFrom(undefined, 'a', 'b'),
  }),
)

interface Binding {
  readonly rules: readonly object[]
  readonly subjects: readonly object[]
  readonly namespace: string | undefined
}

function rbacDocuments(bindings: readonly Binding[]) {
  const apiVersion = 'rbac.authorization.k8s.io/v1'
  return bindings.flatMap(({ rules, subjects, namespace }, index) => {
    const name = `r${index}`
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name }
    const metadata = namespace === undefined ? { name } : { name, namespace }
    const kind = namespace === undefined ? 'ClusterRoleBinding' : 'RoleBinding'
    return [
      JSON.stringify({ apiVersion, kind: 'ClusterRole', metadata: { name }, rules }),
      JSON.stringify({ apiVersion, kind, metadata, roleRef, subjects }),
    ]
  })
}

/** What can be told before the call. */
const known = fc.constantFrom(
  'true',
  'user.username == "alice"',
  '"dev" in user.groups',
  'agent.id == ""',
  'claims.sub == "bob"',
  'mcp.tool.access == "read"',
  'mcp.tool.name.startsWith("pods_")',
  '"admin" in scopes',
  'tenant == "acme"',
  'request.host == "srv.example.com" && request.path == "/mcp"',
  'server.name == "srv" && mcp.method == "tools/call"',
  'variables.own',
  'authorizer.group("").resource("pods").namespace("a").check("get").allowed()',
)
/** What cannot, or not always. */
const open = fc.constantFrom(
  'args.level <= 5',
  '!has(args.level) || args.level <= 5',
  'args.namespace == "a"',
  'args.level > 5 && args.level < 3',
  'has(mcp.params.arguments)',
  'operations.all(o, o.namespace == "a")',
  'operations.exists(o, o.verb == "get")',
  'size(images) == 0',
  'replicas.all(n, n < 5)',
  'request.time.getFullYear("UTC") > 2000',
  'request.headers.size() > 0',
  'request.sourceAddress != ""',
  'has(mcp.protocolVersion)',
  'variables.level < 5',
  'variables.both',
  'authorizer.requestResource.check("get").allowed()',
)
const combined = (leaf: fc.Arbitrary<string>) =>
  fc.oneof(
    leaf,
    fc.tuple(leaf, leaf).map(([a, b]) => `(${a}) && (${b})`),
    fc.tuple(leaf, leaf).map(([a, b]) => `(${a}) || (${b})`),
    leaf.map(a => `!(${a})`),
    fc.tuple(leaf, leaf, leaf).map(([a, b, c]) => `(${a}) ? (${b}) : (${c})`),
  )

const noMatch = fc.constant({})
const someMatch = fc.record(
  {
    tools: fc.constantFrom(['pods_*'], ['*'], ['top', 'apply'], ['unheard_of']),
    access: fc.constantFrom(['read'], ['write']),
    subjects: fc.constantFrom([{ kind: 'Group', name: 'dev' }], [{ kind: 'User', name: 'bob' }]),
    agents: fc.constantFrom([{ kind: 'Agent', name: 'demo:*' }], [{ kind: 'Agent', name: 'demo:other' }]),
  },
  { requiredKeys: [] },
)
const match = fc.oneof(noMatch, someMatch)
const variables = [
  { name: 'own', expression: 'user.username == "alice"' },
  { name: 'level', expression: 'args.level' },
  { name: 'both', expression: 'variables.own || variables.level > 3' },
]

function policies(leaf: fc.Arbitrary<string>, conditions: fc.Arbitrary<string>) {
  const guardrail = fc.record({
    match,
    condition: fc.option(conditions, { nil: undefined }),
    expressions: fc.array(fc.oneof(leaf, combined(leaf)), { minLength: 1, maxLength: 2 }),
    mode: fc.constantFrom('Enforce', 'Enforce', 'Enforce', 'Audit', 'Warn'),
  })
  const grant = fc.record({
    match,
    condition: fc.option(conditions, { nil: undefined }),
    scopes: fc.constantFrom(undefined, undefined, undefined, ['read'], ['admin']),
  })
  return fc.record({
    require: fc.oneof(
      fc.constantFrom('operations', 'tools', 'grants').map(one => [one]),
      some('operations', 'tools', 'grants'),
    ),
    principals: fc.constantFrom(['user'], ['user'], ['user', 'agent'], ['agent']),
    withCatalog: fc.constantFrom(true, true, false),
    toolPrefix: fc.constantFrom('', 'k8s_'),
    defaultNamespace: fc.constantFrom(undefined, 'a'),
    bindings: fc.array(binding, { minLength: 1, maxLength: 4 }),
    guardrails: fc.array(guardrail, { maxLength: 2 }),
    grants: fc.array(grant, { maxLength: 3 }),
    caller: fc.constantFrom('alice', 'attested', 'claimed', 'scoped'),
  })
}

type Policies = typeof policies extends (...args: never[]) => fc.Arbitrary<infer T> ? T : never

const alice = person('alice', ['dev'])
const callers = {
  alice,
  attested: through(alice, 'bot'),
  claimed: through(alice, 'bot', 'claimed'),
  scoped: { ...alice, scopes: ['read'], tenant: 'acme' },
}

function setUp({ require, principals, withCatalog, toolPrefix, defaultNamespace, ...rest }: Policies) {
  const required = withCatalog ? require : require.filter(one => one !== 'operations')
  const server = {
    resource: 'https://srv.example.com/mcp',
    require: required.length === 0 ? ['grants'] : required,
    principals,
    toolPrefix,
    ...(withCatalog && { catalog: 'shapes' }),
    ...(defaultNamespace && { kubernetes: { defaultNamespace } }),
  }
  const withCondition = (condition: string | undefined) =>
    condition === undefined ? {} : { matchConditions: [{ name: 'c', expression: condition }] }
  const documents = [
    catalog,
    JSON.stringify({
      apiVersion: 'mcp-authz.dev/v1alpha1',
      kind: 'Server',
      metadata: { name: 'srv', namespace: 'a' },
      spec: server,
    }),
    ...rbacDocuments(rest.bindings),
    ...rest.guardrails.map(({ match, condition, expressions, mode }, index) =>
      policyDocument('Guardrail', `g${index}`, {
        match: { servers: ['srv'], ...match },
        variables,
        ...withCondition(condition?.includes('variables') ? 'true' : condition),
        validations: expressions.map(expression => ({ expression, message: 'no' })),
        mode,
      }),
    ),
    ...rest.grants.map(({ match, condition, scopes }, index) =>
      policyDocument('Grant', `p${index}`, {
        match: {
          servers: ['srv'],
          ...(!('subjects' in match) && { subjects: [{ kind: 'Group', name: 'system:authenticated' }] }),
          ...match,
        },
        ...(scopes && { scopes }),
        ...withCondition(condition?.includes('variables') ? undefined : condition),
      }),
    ),
  ]
  const files = Object.fromEntries(documents.map((text, index) => [`${index}.yaml`, text]))
  const store = storeOf([memorySource(files)], namesAsTokens(callers))
  const report = store.load()
  const snapshot = store.current
  const found = snapshot?.servers.byName('srv')
  if (!report.inForce || snapshot === undefined || found === undefined)
    throw new Error(report.findings.map(finding => finding.message).join('\n'))
  const visibility = createVisibility({
    snapshot,
    server: found,
    principal: callers[rest.caller as keyof typeof callers],
    authority: 'srv.example.com',
    path: '/mcp',
  })
  const decide = createDecide({ snapshot: () => snapshot })
  const allows = (tool: string, args: object): boolean => {
    const headers = { authorization: `Bearer ${rest.caller}` }
    const decision = decide(inbound({ authority: 'srv.example.com', headers, body: toolsCall(tool, args) }))
    if (decision instanceof Promise) throw new Error('the pipeline waited')
    return decision.outcome === 'allow'
  }
  const shows = (tool: string): Shown => {
    const judged = visibility.judge({ kind: 'tool', name: tool })
    if (judged instanceof Promise) throw new Error('the list waited')
    return judged
  }
  return { allows, shows, listed: names.map(name => ({ name, full: toolPrefix + name })) }
}

describe('list and call', () => {
  const anything = fc.oneof(known, open)

  it('what is hidden is denied, whatever the arguments', { timeout: 120_000 }, () => {
    let hidden = 0
    let shown = 0
    fc.assert(
      fc.property(policies(anything, anything), drawn => {
        const { allows, shows, listed } = setUp(drawn)
        for (const { name, full } of listed) {
          const judged = shows(full)
          if (judged.shown) {
            shown++
            continue
          }
          expect(judged.why.reason).not.toBe('internal.error')
          hidden++
          for (const args of callsOf(name)) {
            if (allows(full, args)) throw new Error(`${full} ${JSON.stringify(args)} is hidden: ${judged.why.message}`)
          }
        }
      }),
      { numRuns: 300 },
    )
    expect(Math.min(hidden, shown)).toBeGreaterThan(200)
  })

  it('what is shown can be called, where policies ask nothing that is not known before', { timeout: 120_000 }, () => {
    let shown = 0
    fc.assert(
      fc.property(policies(known, known), drawn => {
        const { allows, shows, listed } = setUp(drawn)
        for (const { name, full } of listed) {
          if (!shows(full).shown) continue
          shown++
          const callable = [...callsOf(name)].some(args => allows(full, args))
          if (!callable) throw new Error(`${full} is shown and cannot be called`)
        }
      }),
      { numRuns: 300 },
    )
    expect(shown).toBeGreaterThan(200)
  })
})

function named() {
  return { name: { argument: 'name' } }
}
