import type { PolicyFiles } from '../support/policy-directory.js'
import type { Args } from './tools.js'

export interface PolicySet {
  readonly name: string
  /** Everything but Identity and catalogues, as YAML; the Server is called "kubernetes". */
  readonly text: string
  /** Whose tools the server has. Default: matrix. */
  readonly catalog?: 'kubernetes-mcp-server'
  /** In front of every tool of the server, as an aggregating gateway puts it there. */
  readonly prefix?: string
  /** What its policies look for in arguments. */
  readonly extras?: readonly Args[]
  /** Tools that are shown and cannot be called: each rule can be met, but not all of them by the same arguments. */
  readonly excluded?: (tool: string, person: string) => boolean
  /** The tools that an agent is shown at most, and which first; undefined for callers without a budget. */
  readonly budget?: (person: string) => { readonly maxTools: number; readonly first: readonly RegExp[] } | undefined
}

type Spec = Readonly<Record<string, unknown>>

function policy(kind: string, name: string, spec: Spec): object {
  return { apiVersion: 'mcp-authz.dev/v1alpha1', kind, metadata: { name }, spec }
}
const server = (spec: Spec) => policy('Server', 'kubernetes', { resource: 'https://mcp.example.com/mcp', ...spec })
const about = (match: Spec) => ({ servers: ['kubernetes'], ...match })
const grant = (name: string, match: Spec, more: Spec = {}) => policy('Grant', name, { match: about(match), ...more })
const guardrail = (name: string, match: Spec, expressions: readonly string[], more: Spec = {}) =>
  policy('Guardrail', name, {
    match: about(match),
    validations: expressions.map(expression => ({ expression, message: `${name} says no` })),
    ...more,
  })
const group = (name: string) => ({ kind: 'Group', name })
const developers = [group('team-a-developers')]
const viewers = [group('viewers')]
const everybody = [group('system:authenticated')]
const when = (expression: string) => ({ matchConditions: [{ name: 'when', expression }] })

const rbacGroup = 'rbac.authorization.k8s.io'
const apiVersion = `${rbacGroup}/v1`
const subject = (text: string) => {
  const [kind, name] = text.split(' ')
  return { apiGroup: rbacGroup, kind, name }
}
/** What these subjects may do, in one namespace or, with "", everywhere. */
function may(name: string, namespace: string, subjects: readonly string[], ...rules: readonly object[]): object[] {
  const everywhere = namespace === ''
  return [
    { apiVersion, kind: 'ClusterRole', metadata: { name }, rules },
    {
      apiVersion,
      kind: everywhere ? 'ClusterRoleBinding' : 'RoleBinding',
      metadata: everywhere ? { name } : { name, namespace },
      roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name },
      subjects: subjects.map(subject),
    },
  ]
}
function rule(verbs: string, resources: string, more: { group?: string; names?: readonly string[] } = {}): object {
  const { group: apiGroup = '', names } = more
  return {
    verbs: verbs.split(' '),
    apiGroups: [apiGroup],
    resources: resources.split(' '),
    ...(names && { resourceNames: names }),
  }
}
const set = (name: string, documents: readonly object[], more: Partial<PolicySet> = {}): PolicySet => ({
  name,
  text: documents.map(document => JSON.stringify(document)).join('\n---\n'),
  ...more,
})
const levels: readonly Args[] = [{ level: 1 }, { level: 9, sure: true }]

export const policySets = (demo: PolicyFiles): readonly PolicySet[] => [
  {
    name: "the demo's",
    text: ['server.yaml', 'rbac.yaml', 'guardrails.yaml', 'enrichment.yaml'].map(name => demo[name]).join('\n---\n'),
    catalog: 'kubernetes-mcp-server',
  },
  set('grants by group and pattern', [
    server({ require: ['grants'] }),
    grant('developers', { tools: ['pods_*', '*_7', 'reset_1*'], subjects: developers }),
    grant('viewers', { tools: ['*_list_*', 'about_*'], subjects: viewers }),
    grant('carol', { tools: ['scale_*'], subjects: [{ kind: 'User', name: 'carol' }] }),
    grant('planner', { tools: ['logs_2*'], agents: [{ kind: 'Agent', name: 'demo:release-planner' }] }),
    grant('claimed', { tools: ['logs_3*'], agents: [{ kind: 'Agent', name: 'demo:notebook' }] }),
    grant('prompts', { prompts: ['hello_*'], subjects: developers }),
    grant('open', { resources: ['demo://open/*'], subjects: viewers }),
    grant('one', { resources: ['demo://closed/1'], subjects: developers }),
    guardrail('no-keys', { resources: ['demo://open/keys/*'] }, ['false']),
  ]),
  set('operations', [
    server({ catalog: 'matrix', require: ['operations'] }),
    ...may(
      'team',
      'team-a',
      ['Group team-a-developers'],
      rule('get list create delete', 'pods'),
      rule('get', 'pods/log'),
    ),
    ...may('other-team', 'team-b', ['User carol'], rule('list', 'services events'), rule('create', 'pods')),
    ...may('one', 'team-a', ['Group team-a-developers'], rule('get', 'configmaps', { names: ['web'] })),
    ...may('scalers', '', ['User alice'], rule('update', 'deployments/scale', { group: 'apps', names: ['web'] })),
    ...may('viewers', '', ['Group viewers'], rule('get list', 'nodes namespaces'), rule('list', 'pods')),
    ...may('patchers', 'team-b', ['Group viewers'], rule('create patch', 'deployments', { group: 'apps' })),
  ]),
  set('virtual resources', [
    server({ require: ['tools'] }),
    ...may(
      'some',
      'mcp-authz',
      ['User alice'],
      rule('call', 'tools', {
        group: 'mcp-authz.dev',
        names: ['kubernetes.pods_get_0', 'kubernetes.scale_1', 'kubernetes.run_77'],
      }),
    ),
    ...may(
      'all',
      '',
      ['Group viewers'],
      rule('call', 'servers/tools', { group: 'mcp-authz.dev', names: ['kubernetes'] }),
    ),
    ...may('elsewhere', 'team-a', ['User carol'], rule('call', 'servers/tools', { group: 'mcp-authz.dev' })),
  ]),
  set(
    'operations and grants',
    [
      server({ catalog: 'matrix', require: ['operations', 'grants'], kubernetes: { defaultNamespace: 'team-a' } }),
      ...may('team', 'team-a', ['Group team-a-developers'], rule('*', 'pods pods/log pods/exec events')),
      ...may('viewers', '', ['Group viewers'], rule('get list', '*')),
      grant('read', { access: ['read'], subjects: everybody }),
      grant('risky', { labels: { risk: 'high' }, subjects: developers }),
      grant('exec', { tools: ['exec_*'], subjects: [{ kind: 'User', name: 'carol' }] }),
      grant(
        'near',
        { tools: ['pods_move_*', 'lifecycle_*'], subjects: developers },
        when('args.namespace == "team-a"'),
      ),
      // RBAC is in another namespace: a contradiction between two rules about values, which lists do not look for.
      grant('far', { tools: ['build_*', 'run_*'], subjects: developers }, when('args.namespace == "team-b"')),
    ],
    {
      excluded: (tool, person) =>
        /^(?:build|run)_/.test(tool) &&
        Number(tool.replace(/^.*_/, '')) % 3 !== 1 &&
        person !== 'bob by release-planner',
    },
  ),
  set('users and agents', [
    server({ catalog: 'matrix', require: ['operations', 'grants'], principals: ['user', 'agent'] }),
    ...may('people', '', ['Group viewers', 'Group team-a-developers'], rule('get list', '*')),
    ...may('planner', 'team-a', ['User agent:demo:release-planner'], rule('get list', 'pods configmaps')),
    ...may('nodes', '', ['User agent:demo:release-planner', 'User agent:demo:notebook'], rule('get list', 'nodes')),
    grant('people', { tools: ['*'], subjects: [group('viewers'), group('team-a-developers')] }),
    grant('planner', {
      tools: ['pods_*', 'any_*', 'nodes_list_*'],
      agents: [{ kind: 'Agent', name: 'demo:release-planner' }],
    }),
    grant('notebook', { tools: ['nodes_list_*'], agents: [{ kind: 'Agent', name: 'demo:notebook' }] }),
    grant('anybody', { tools: ['about_*'], subjects: everybody }),
  ]),
  set(
    'guardrails',
    [
      server({ catalog: 'matrix', require: ['grants'] }),
      grant('all', { subjects: everybody }),
      guardrail('closed', { tools: ['nodes_*', '*_13'] }, ['false']),
      guardrail('viewers-read', { access: ['write', 'delete', 'exec'], subjects: viewers }, ['false']),
      guardrail('risk', { labels: { risk: 'high' } }, ['"auditors" in user.groups || mcp.tool.access == "read"']),
      guardrail('people-execute', { access: ['exec'] }, ['!principal.throughAgent && size(args) > 0']),
      guardrail('level', { tools: ['pods_*', 'top_*', 'events_*'] }, ['args.level <= 5']),
      guardrail('sure', { tools: ['lifecycle_*'] }, ['user.username == "alice" || args.sure']),
      guardrail('near', { tools: ['apply_*', 'any_get_*'] }, ['operations.all(o, o.namespace != "team-b")']),
      guardrail('cap', { tools: ['scale_*'] }, ['replicas.all(n, n <= 5)', 'tenant == "team-a"']),
      guardrail('images', { tools: ['run_*'] }, ['images.all(i, i.startsWith("registry.example.com/"))']),
      guardrail('hours', { tools: ['logs_*'] }, ['request.time.getFullYear("UTC") > 2000'], when('has(args.name)')),
      guardrail('carol', { tools: ['config_read_*'] }, ['user.username != "carol"']),
      guardrail('broken', { tools: ['namespaces_list_*'] }, ['claims.nothing == "x"'], when('tenant == "team-b"')),
    ],
    { extras: levels },
  ),
  set(
    'conditions',
    [
      server({ catalog: 'matrix', require: ['grants'], lists: { missingScopes: 'Hide' } }),
      grant('tenant', { tools: ['pods_*'], subjects: everybody }, when('tenant == "team-a"')),
      grant(
        'claim',
        { tools: ['logs_*', 'top_*'], subjects: everybody },
        when('claims.tenant in ["team-b", "team-c"]'),
      ),
      grant('scope', { tools: ['run_*', 'scale_*'], subjects: everybody }, { scopes: ['files:read'] }),
      grant('scope-in-cel', { tools: ['exec_*'], subjects: everybody }, when('"files:read" in scopes')),
      grant('no-claim', { tools: ['reset_*'], subjects: everybody }, when('claims.nothing == "x"')),
      grant('value', { tools: ['events_*'], subjects: everybody }, when('args.level < 5 && tenant != "team-b"')),
      grant('agent', { tools: ['any_get_*'], subjects: everybody }, when('agent.id == "notebook"')),
      grant(
        'host',
        { tools: ['about_*'], subjects: everybody },
        when('request.path == "/mcp" && server.name == "kubernetes"'),
      ),
      guardrail('not-c', { tools: ['logs_1*', 'pods_get_*'] }, ['false'], when('tenant == "team-c"')),
      guardrail('not-yet', { tools: ['top_*'] }, ['false'], when('args.level > 5')),
      guardrail('variables', { tools: ['pods_list_*'] }, ['variables.mine || variables.low'], {
        variables: [
          { name: 'mine', expression: 'user.username == "carol"' },
          { name: 'low', expression: 'args.level < 5' },
        ],
      }),
    ],
    { extras: levels },
  ),
  set('warnings and audits', [
    server({ catalog: 'matrix', require: ['operations'] }),
    ...may('all', '', ['Group team-a-developers'], rule('*', '*'), rule('*', '*', { group: 'apps' })),
    ...may('viewers', 'team-b', ['Group viewers'], rule('get list', '*')),
    guardrail('warn', { tools: ['pods_*'] }, ['false'], { mode: 'Warn' }),
    guardrail('audit', { access: ['read'] }, ['false'], { mode: 'Audit' }),
    guardrail('audit-error', { access: ['write'] }, ['claims.nothing == "x"'], { mode: 'Audit' }),
    guardrail('enforce', { tools: ['*_9', 'events_*'] }, ['user.username == "alice"']),
  ]),
  set(
    'a prefix, and nothing said of what is denied',
    [
      server({ catalog: 'matrix', require: ['tools'], toolPrefix: 'k8s_', denial: 'hide' }),
      ...may(
        'some',
        'mcp-authz',
        ['User alice', 'User carol'],
        rule('call', 'tools', {
          group: 'mcp-authz.dev',
          names: ['kubernetes.pods_get_0', 'kubernetes.about_1', 'kubernetes.secret_0'],
        }),
      ),
      ...may('all', 'mcp-authz', ['Group viewers'], rule('call', 'servers/tools', { group: 'mcp-authz.dev' })),
      guardrail('closed', { tools: ['about_*', 'k8s_*'] }, ['tenant != "team-c"']),
    ],
    { prefix: 'k8s_' },
  ),
  set('leave to connect', [
    server({ require: ['tools'], connect: 'required' }),
    ...may(
      'callers',
      'mcp-authz',
      ['Group team-a-developers'],
      rule('call', 'servers/tools', { group: 'mcp-authz.dev' }),
    ),
    ...may(
      'connected',
      'mcp-authz',
      ['User alice', 'Group viewers'],
      rule('connect', 'servers', { group: 'mcp-authz.dev' }),
      rule('list', 'servers/tools', { group: 'mcp-authz.dev' }),
    ),
    ...may(
      'one',
      'mcp-authz',
      ['Group viewers'],
      rule('call', 'tools', { group: 'mcp-authz.dev', names: ['kubernetes.logs_1'] }),
    ),
  ]),
  set(
    'a budget, and a tool that calls others',
    [
      server({
        catalog: 'matrix',
        require: ['grants'],
        metaTools: [{ tool: 'about_0' }],
        lists: {
          toolBudget: {
            maxTools: 9,
            priority: ['run_*', '*_1'],
            agents: [{ names: ['demo:release-*'], maxTools: 4, priority: ['pods_list_*'] }],
          },
        },
      }),
      grant('some', { tools: ['pods_*', 'run_*', 'about_*', 'logs_*'], subjects: everybody }),
      guardrail('viewers-read', { access: ['write'], subjects: viewers }, ['false']),
    ],
    {
      extras: [{ name: 'pods_get_0', arguments: { namespace: 'team-a', name: 'web' } }],
      budget: person =>
        person === 'alice'
          ? undefined
          : person === 'bob by release-planner'
            ? { maxTools: 4, first: [/^pods_list_/] }
            : { maxTools: 9, first: [/^run_/, /_1$/] },
    },
  ),
  set('a Server in Audit', [
    server({ catalog: 'matrix', require: ['grants'], mode: 'Audit' }),
    grant('one', { tools: ['about_0'], subjects: developers }),
    guardrail('closed', {}, ['false']),
  ]),
]
