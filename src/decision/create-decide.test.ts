import { describe, expect, it } from 'vitest'
import { type InboundOptions, inbound, toolsCall } from '../../test/support/inbound.js'
import { catalogs, demo, memorySource, namesAsTokens, person, storeOf, through } from '../../test/support/policies.js'
import type { Authenticated } from '../identity/authenticator.js'
import type { PolicySource } from '../policy/source.js'
import { abandon } from './abandoned-requests.js'
import { createDecide } from './create-decide.js'
import type { Decision } from './decision.js'

const alice = person('alice', ['team-a-developers'], { tenant: 'team-a' })
const people = {
  alice,
  bob: person('bob', ['viewers']),
  'alice-via-agent': through(alice, 'sre-agent'),
  'alice-via-unknown-agent': through(alice, 'other-agent', 'claimed'),
  scoped: person('carol', [], { scopes: ['files:read'] }),
}

function setUp(sources: readonly PolicySource[]) {
  const store = storeOf([catalogs, ...sources], namesAsTokens(people))
  const report = store.load()
  if (!report.inForce) throw new Error(report.findings.map(finding => finding.message).join('\n'))
  const records: string[] = []
  const decide = createDecide({ snapshot: () => store.current, onDecided: decided => records.push(decided.record()) })
  return {
    records,
    judge(as: string | undefined, options: InboundOptions): Decision {
      const headers = { ...(as !== undefined && { authorization: `Bearer ${as}` }), ...options.headers }
      const decision = decide(inbound({ ...options, headers }))
      if (decision instanceof Promise) throw new Error('the pipeline waited although everything is warm')
      return decision
    },
  }
}

function bodyOf(decision: Decision): { status: number; body: unknown; headers: Map<string, string> } {
  if (decision.answer.kind !== 'respond') throw new Error('it was allowed')
  const { status, body, headers } = decision.answer
  return {
    status,
    body: body === '' ? undefined : JSON.parse(body),
    headers: new Map(headers.map(({ name, value }) => [name, value])),
  }
}

const scale = (replicas: unknown, namespace = 'team-a') =>
  toolsCall('resources_scale', { apiVersion: 'apps/v1', kind: 'Deployment', namespace, name: 'web', scale: replicas })
const pod = (image: string) =>
  `apiVersion: v1\nkind: Pod\nmetadata: { name: x, namespace: team-a }\nspec: { containers: [{ name: c, image: "${image}" }] }\n`

describe('the demo policies', () => {
  const { judge } = setUp([demo])
  it.each<[string, string | undefined, unknown, string]>([
    ['own namespace', 'alice', toolsCall('pods_list_in_namespace', { namespace: 'team-a' }), 'allow'],
    ['another tenant', 'alice', toolsCall('pods_list_in_namespace', { namespace: 'team-b' }), 'authorization.rbac'],
    ['all namespaces', 'alice', toolsCall('pods_list'), 'authorization.rbac'],
    [
      'path traversal in a namespace',
      'alice',
      toolsCall('pods_list_in_namespace', { namespace: 'team-a/../kube-system' }),
      'authorization.namespace',
    ],
    ['viewer reads everywhere', 'bob', toolsCall('pods_list'), 'allow'],
    ['viewer may not write', 'bob', scale(3), 'authorization.rbac'],
    ['an invented tool', 'alice', toolsCall('pods_restart'), 'authorization.tool_unknown'],
    ['a tool in other case', 'alice', toolsCall('Pods_list'), 'authorization.tool_unknown'],
    ['3 replicas', 'alice', scale(3), 'allow'],
    ['10 replicas', 'alice', scale(10), 'guardrail.violated'],
    [
      '3.0 replicas',
      'alice',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"resources_scale","arguments":{"apiVersion":"apps/v1","kind":"Deployment","namespace":"team-a","name":"web","scale":3.0}}}',
      'authorization.argument',
    ],
    ['replicas as text', 'alice', scale('3'), 'authorization.argument'],
    [
      'replicas under a folded key',
      'alice',
      toolsCall('resources_scale', {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        namespace: 'team-a',
        name: 'web',
        Scale: 10,
      }),
      'message.argument',
    ],
    [
      'an approved image',
      'alice',
      toolsCall('pods_run', { image: 'registry.example.com/web:1.2', namespace: 'team-a' }),
      'allow',
    ],
    [
      'an unapproved image',
      'alice',
      toolsCall('pods_run', { image: 'docker.io/evil', namespace: 'team-a' }),
      'guardrail.violated',
    ],
    [
      'an approved image in a manifest',
      'alice',
      toolsCall('resources_create_or_update', { resource: pod('registry.example.com/web:1') }),
      'allow',
    ],
    [
      'an unapproved image in a manifest',
      'alice',
      toolsCall('resources_create_or_update', { resource: pod('docker.io/evil') }),
      'guardrail.violated',
    ],
    ['no namespace', 'alice', toolsCall('pods_get', { name: 'web' }), 'authorization.namespace'],
    ['a person deletes', 'alice', toolsCall('pods_delete', { name: 'x', namespace: 'team-a' }), 'allow'],
    [
      'an agent deletes',
      'alice-via-agent',
      toolsCall('pods_delete', { name: 'x', namespace: 'team-a' }),
      'guardrail.violated',
    ],
    [
      'an agent that nobody attested deletes',
      'alice-via-unknown-agent',
      toolsCall('pods_delete', { name: 'x', namespace: 'team-a' }),
      'guardrail.violated',
    ],
    ['an agent reads', 'alice-via-agent', toolsCall('pods_list_in_namespace', { namespace: 'team-a' }), 'allow'],
    ['a tool that is refused for all', 'alice', toolsCall('configuration_view'), 'authorization.tool_refused'],
    ['no token', undefined, toolsCall('pods_list'), 'identity.token_missing'],
    ['a bad token', 'mallory', toolsCall('pods_list'), 'identity.signature'],
    [
      'initialize',
      'bob',
      {
        jsonrpc: '2.0',
        id: 0,
        method: 'initialize',
        params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
      },
      'allow',
    ],
    ['a list', 'bob', { jsonrpc: '2.0', id: 2, method: 'tools/list' }, 'allow'],
    ['a notification', 'bob', { jsonrpc: '2.0', method: 'notifications/initialized' }, 'allow'],
    ['an unknown method', 'bob', { jsonrpc: '2.0', id: 2, method: 'admin/reset' }, 'method.unknown'],
    [
      'a method of servers',
      'bob',
      { jsonrpc: '2.0', id: 2, method: 'sampling/createMessage', params: {} },
      'method.direction',
    ],
    ['a batch', 'alice', [toolsCall('pods_list')], 'message.batch'],
    [
      'a repeated key',
      'alice',
      '{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}',
      'message.duplicate_key',
    ],
    [
      'a resource that no catalogue speaks of',
      'alice',
      { jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri: 'file:///etc/passwd' } },
      'authorization.no_operation',
    ],
  ])('%s', (_name, as, body, expected) => {
    const decision = judge(as, { body })
    expect(decision.failure?.reason ?? decision.outcome).toBe(expected)
  })

  it('tells the model what to do, under the same id', () => {
    const { status, body } = bodyOf(
      judge('alice', {
        body: toolsCall(
          'resources_scale',
          { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'team-a', name: 'web', scale: 10 },
          'req-ü',
        ),
      }),
    )
    expect(status).toBe(200)
    expect(body).toMatchObject({
      id: 'req-ü',
      result: {
        isError: true,
        content: [{ type: 'text', text: expect.stringContaining('at most 5 replicas; you asked for 10') }],
      },
    })
    expect(JSON.stringify(body)).toContain('Ask for 5 or fewer')
    expect(JSON.stringify(body)).toContain('ReplicaCap')
  })

  it('challenges without a token, and says invalid_token only for a bad one', () => {
    const missing = bodyOf(judge(undefined, { body: toolsCall('pods_list') }))
    expect(missing.status).toBe(401)
    expect(missing.headers.get('www-authenticate')).toBe(
      'Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"',
    )
    expect(bodyOf(judge('mallory', { body: toolsCall('pods_list') })).headers.get('www-authenticate')).toMatch(
      /^Bearer error="invalid_token"/,
    )
  })

  it('answers metadata of the protected resource without a token, at its own path only', () => {
    const document = judge(undefined, { method: 'GET', path: '/.well-known/oauth-protected-resource/mcp' })
    expect(document.outcome).toBe('respond')
    expect(bodyOf(document)).toMatchObject({
      status: 200,
      body: { resource: 'https://mcp.example.com/mcp', authorization_servers: ['https://idp.example.com'] },
    })
    for (const path of [
      '/.well-known/oauth-protected-resource',
      '/.well-known/oauth-protected-resource/other',
      '/.well-known/oauth-authorization-server',
      '/.well-known/openid-configuration/mcp',
    ]) {
      expect(bodyOf(judge(undefined, { method: 'GET', path })).status).toBe(404)
    }
  })

  it('refuses other paths and hosts', () => {
    expect(judge('alice', { path: '/mcp/admin', body: toolsCall('pods_list') }).failure?.reason).toBe('server.path')
    expect(judge('alice', { path: '/stats', body: toolsCall('pods_list') }).failure?.reason).toBe('server.unknown')
    expect(judge('alice', { authority: 'evil.example.com', body: toolsCall('pods_list') }).failure?.reason).toBe(
      'server.unknown',
    )
    expect(judge('alice', { extensions: { 'mcp-server': 'nope' }, body: toolsCall('pods_list') }).failure?.reason).toBe(
      'server.unknown',
    )
  })

  it('refuses a GET stream with 405, which clients take for "no stream"', () => {
    expect(
      judge('alice', { method: 'GET', headers: { accept: 'text/event-stream', 'mcp-session-id': 'abc' } }).outcome,
    ).toBe('allow')
    const { status } = bodyOf(judge('alice', { method: 'PUT', body: '{}' }))
    expect(status).toBe(405)
  })
})

describe('headers of an allowed request', () => {
  const { judge } = setUp([demo])
  const allowed = (headers: Record<string, string>, as = 'alice') => {
    const { answer } = judge(as, { headers, body: toolsCall('pods_list_in_namespace', { namespace: 'team-a' }) })
    if (answer.kind !== 'allow') throw new Error('it was denied')
    return {
      set: Object.fromEntries(answer.setHeaders.map(({ name, value }) => [name, value])),
      remove: new Set(answer.removeHeaders),
    }
  }

  it('names the human, the agent and the tenant', () => {
    expect(allowed({}, 'alice-via-agent').set).toMatchObject({
      'x-mcp-authz-user': 'alice',
      'x-mcp-authz-groups': 'team-a-developers,system:authenticated',
      'x-mcp-authz-agent': 'demo:sre-agent;assurance=attested',
      'x-mcp-authz-tenant': 'team-a',
      'x-mcp-authz-team': 'team-a',
    })
  })

  it.each([
    'authorization',
    'impersonate-user',
    'impersonate-group',
    'impersonate-extra-scopes',
    'kubernetes-authorization',
    'x-mcp-authz-agent',
    'x-mcp-authz-anything',
    'x_mcp_authz_user',
    'X-mcp-authz_user'.toLowerCase(),
    'impersonate_user',
    'mcp-method',
    'mcp-name',
    'mcp-param-x',
    'x-forwarded-user',
  ])('removes what the client wrote as %s', name => {
    const value = { 'mcp-method': 'tools/call', 'mcp-name': 'pods_list_in_namespace' }[name] ?? 'evil'
    expect(allowed(name === 'authorization' ? {} : { [name]: value }).remove).toContain(name)
  })

  it('never sets and removes one name', () => {
    const { set, remove } = allowed({ 'x-mcp-authz-user': 'evil', 'x-mcp-authz-team': 'evil' })
    expect(Object.keys(set).filter(name => remove.has(name))).toEqual([])
    expect(set['x-mcp-authz-user']).toBe('alice')
  })

  it('leaves nothing of the client under a header whose value cannot be computed', () => {
    const { remove, set } = allowed({ 'x-mcp-authz-team': 'evil' }, 'bob')
    expect(set['x-mcp-authz-team']).toBeUndefined()
    expect(remove).toContain('x-mcp-authz-team')
  })
})

describe('the record', () => {
  const { judge, records } = setUp([demo])
  it('names person, agent and outcome, and holds no token and no argument', () => {
    judge('alice-via-agent', {
      body: toolsCall('resources_create_or_update', { resource: pod('docker.io/SECRET-ARGUMENT') }),
    })
    const line = records.at(-1) ?? ''
    expect(JSON.parse(line)).toMatchObject({
      version: 'mcp-authz.dev/decision/v1',
      decision: 'deny',
      reason: 'guardrail.violated',
      policy: 'Guardrail/approved-images',
      policy_reason: 'UnapprovedImage',
      subject: { user: 'alice' },
      agent: { id: 'sre-agent' },
      tenant: 'team-a',
      server: 'kubernetes',
      mcp: { method: 'tools/call', target: { kind: 'tool', name: 'resources_create_or_update' }, id: 1 },
      http: { method: 'POST', path: '/mcp', status: 200 },
    })
    expect(line).not.toContain('SECRET-ARGUMENT')
    expect(line).not.toContain('Bearer')
    expect(line).not.toContain('\n')
  })
})

const audit = (yaml: string) => yaml.replace('mode: Enforce', 'mode: Audit')
const serverOf = (spec: string) =>
  `apiVersion: mcp-authz.dev/v1alpha1\nkind: Server\nmetadata: { name: files }\nspec: { resource: "https://mcp.example.com/mcp"${spec} }\n`
const grantOf = (name: string, spec: string) =>
  `apiVersion: mcp-authz.dev/v1alpha1\nkind: Grant\nmetadata: { name: ${name} }\nspec: ${spec}\n`

describe('a Server in Audit', () => {
  const { judge, records } = setUp([
    memorySource({ 's.yaml': audit(serverOf(', catalog: kubernetes-mcp-server, mode: Enforce')) }),
  ])
  it.each<[string, string | undefined, InboundOptions]>([
    ['a call that RBAC refuses', 'alice', { body: toolsCall('pods_list') }],
    ['an invented tool', 'alice', { body: toolsCall('nope') }],
    ['no token', undefined, { body: toolsCall('pods_list') }],
    ['a broken message', 'alice', { body: '{' }],
    ['a compressed body', 'alice', { body: '{}', headers: { 'content-encoding': 'gzip' } }],
    [
      'another path of a route that names it',
      'alice',
      { path: '/mcp/x', extensions: { 'mcp-server': 'files' }, body: toolsCall('pods_list') },
    ],
  ])('lets %s pass and records what it would have done', (_name, as, options) => {
    const decision = judge(as, options)
    expect(decision.outcome).toBe('allow')
    expect(decision.would.length).toBeGreaterThan(0)
    expect(JSON.parse(records.at(-1) ?? '')).toMatchObject({
      mode: 'audit',
      decision: 'allow',
      would_deny: decision.would.map(({ reason }) => ({ reason })),
    })
  })

  it('asks on behind a refusal, so that the record holds all that the call needs', () => {
    const scale = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'team-a', name: 'web', scale: 3 }
    const decision = judge('alice', { body: toolsCall('resources_scale', scale) })
    const { rbac } = JSON.parse(records.at(-1) ?? '')
    expect(rbac.map((one: { verb: string; allowed: boolean }) => [one.verb, one.allowed])).toEqual([
      ['get', false],
      ['update', false],
    ])
    expect(decision.would.map(({ reason, message }) => [reason, message])).toEqual([
      ['authorization.rbac', expect.stringContaining('cannot get')],
    ])
  })

  it('asks all of several requirements, of which the first to refuse is noted', () => {
    const strict = serverOf(', catalog: kubernetes-mcp-server, require: [grants, tools, operations], mode: Audit')
    const { judge: ask, records: lines } = setUp([memorySource({ 's.yaml': strict })])
    const { would } = ask('alice', { body: toolsCall('pods_list_in_namespace', { namespace: 'team-a' }) })
    expect(would.map(({ reason }) => reason)).toEqual(['authorization.grant'])
    const { rbac } = JSON.parse(lines.at(-1) ?? '')
    expect(rbac.map((one: { resource: string }) => one.resource)).toEqual(expect.arrayContaining(['tools', 'pods']))
  })

  it.each(['/mcp/x', '/x/../mcp', '//mcp', '/%6dcp'])(
    'does not take %s for its own where only the address says so',
    path => {
      expect(judge(undefined, { path, body: toolsCall('pods_list') }).outcome).toBe('deny')
    },
  )

  it('leaves the credentials of the caller, and cleans only what is ours', () => {
    const { answer } = judge('alice', {
      body: toolsCall('pods_list'),
      headers: { 'x-mcp-authz-user': 'evil', 'impersonate-user': 'x' },
    })
    if (answer.kind !== 'allow') throw new Error('it was denied')
    expect(answer.removeHeaders).toContain('x-mcp-authz-user')
    expect(answer.removeHeaders).not.toContain('authorization')
    expect(answer.removeHeaders).not.toContain('impersonate-user')
  })
})

describe('grants', () => {
  const { judge } = setUp([
    memorySource({
      's.yaml': serverOf(''),
      'g.yaml': grantOf('readers', '{ match: { servers: [files], tools: ["read_*"] }, scopes: [files:read] }'),
      'h.yaml': grantOf(
        'agents',
        '{ match: { servers: [files], tools: [list_files], agents: [{ kind: Agent, name: "demo:sre-agent" }] } }',
      ),
      'i.yaml': grantOf(
        'claimed',
        '{ match: { servers: [files], tools: [ping_files], agents: [{ kind: Agent, name: "demo:*" }] }, allowClaimed: true }',
      ),
      'j.yaml': grantOf(
        'conditional',
        '{ match: { servers: [files], tools: [write_file], subjects: [{ kind: User, name: alice }] }, matchConditions: [{ name: c, expression: "args.path.startsWith(\'/tmp/\')" }] }',
      ),
      'k.yaml': grantOf(
        'resources',
        '{ match: { servers: [files], resources: ["file:///pub/*"], subjects: [{ kind: Group, name: "system:authenticated" }] } }',
      ),
    }),
  ])
  it.each<[string, string, unknown, string]>([
    ['by scope', 'scoped', toolsCall('read_file'), 'allow'],
    ['nothing given', 'bob', toolsCall('delete_file'), 'authorization.grant'],
    ['an attested agent', 'alice-via-agent', toolsCall('list_files'), 'allow'],
    ['no agent', 'alice', toolsCall('list_files'), 'authorization.grant'],
    ['a claimed agent', 'alice-via-unknown-agent', toolsCall('list_files'), 'authorization.grant'],
    ['a claimed agent where that is enough', 'alice-via-unknown-agent', toolsCall('ping_files'), 'allow'],
    ['a condition that holds', 'alice', toolsCall('write_file', { path: '/tmp/a' }), 'allow'],
    ['a condition that does not', 'alice', toolsCall('write_file', { path: '/etc/a' }), 'authorization.grant'],
    ['a condition that fails', 'alice', toolsCall('write_file', { path: 7 }), 'authorization.grant'],
    [
      'a resource',
      'bob',
      { jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri: 'file:///pub/a' } },
      'allow',
    ],
    [
      'another resource',
      'bob',
      { jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri: 'file:///etc/a' } },
      'authorization.grant',
    ],
  ])('%s', (_name, as, body, expected) => {
    const decision = judge(as, { body })
    expect(decision.failure?.reason ?? decision.outcome).toBe(expected)
  })

  it('asks for scopes where only scopes are missing, whatever the denial mode', () => {
    const { status, headers } = bodyOf(judge('bob', { body: toolsCall('read_file') }))
    expect(status).toBe(403)
    expect(headers.get('www-authenticate')).toBe(
      'Bearer error="insufficient_scope", scope="files:read", resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"',
    )
  })

  it('judges every target of a subscription', () => {
    const listen = (uris: string[]) => ({
      headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'subscriptions/listen' },
      body: {
        jsonrpc: '2.0',
        id: 1,
        method: 'subscriptions/listen',
        params: {
          notifications: { resourceSubscriptions: uris },
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientCapabilities': {},
          },
        },
      },
    })
    expect(judge('bob', listen(['file:///pub/a', 'file:///pub/b'])).outcome).toBe('allow')
    expect(judge('bob', listen(['file:///pub/a', 'file:///etc/b'])).failure?.reason).toBe('authorization.grant')
  })
})

describe('denial modes', () => {
  const forMode = (mode: string) => setUp([memorySource({ 's.yaml': serverOf(`, denial: ${mode}`) })]).judge
  const resource = { jsonrpc: '2.0', id: 9, method: 'resources/read', params: { uri: 'file:///x' } }
  it.each<[string, unknown, number, unknown]>([
    ['toolError', toolsCall('x'), 200, { id: 1, result: { isError: true } }],
    ['toolError', resource, 200, { id: 9, error: { code: -31403 } }],
    ['jsonrpcError', toolsCall('x'), 200, { id: 1, error: { code: -31403, data: { reason: 'authorization.grant' } } }],
    ['http403', toolsCall('x'), 403, { id: 1, error: { code: -31403 } }],
    ['hide', toolsCall('x'), 200, { id: 1, error: { code: -32602, message: 'Tool x not found' } }],
  ])('%s', (mode, body, status, expected) => {
    const answer = bodyOf(forMode(mode)('bob', { body }))
    expect(answer.status).toBe(status)
    expect(answer.body).toMatchObject(expected as object)
  })

  it('hide says nothing of ours', () => {
    const { headers, body } = bodyOf(forMode('hide')('bob', { body: toolsCall('x') }))
    expect([...headers.keys()].some(name => name.startsWith('x-mcp-authz'))).toBe(false)
    expect(JSON.stringify(body)).not.toMatch(/polic|den(y|ied)|decision/i)
  })

  it('hide does not tell which arguments a tool takes', () => {
    const { judge } = setUp([memorySource({ 's.yaml': serverOf(', denial: hide, catalog: kubernetes-mcp-server') })])
    const { answer } = judge('bob', { body: toolsCall('pods_exec', { nope: 1 }) })
    const unknown = judge('bob', { body: toolsCall('no_such_tool', { nope: 1 }) }).answer
    expect(answer).toMatchObject({ status: 200, body: expect.stringContaining('unknown tool \\"pods_exec\\"') })
    expect(JSON.stringify(answer).replace('pods_exec', 'no_such_tool')).toBe(JSON.stringify(unknown))
  })

  it.each([
    ['legacy', {}, {}, 200],
    [
      'modern',
      { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'foo/bar' },
      {
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
      404,
    ],
  ] as const)('an unknown method is told in the way of the %s era', (_era, headers, params, status) => {
    const answer = bodyOf(
      forMode('toolError')('bob', { headers, body: { jsonrpc: '2.0', id: 1, method: 'foo/bar', params } }),
    )
    expect(answer).toMatchObject({ status, body: { id: 1, error: { code: -32601 } } })
  })

  it('answers 4xx where a body could not be read', () => {
    const judge = forMode('toolError')
    expect(bodyOf(judge('bob', { body: { jsonrpc: '2.0', method: 'notifications/unknown' } })).status).toBe(403)
  })
})

describe('principals: [user, agent]', () => {
  const rbac = (user: string, kind: string) => `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: b-${user.replaceAll(':', '-')} }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: callers }
subjects: [{ kind: ${kind}, apiGroup: rbac.authorization.k8s.io, name: "${user}" }]
`
  const role = `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: callers }
rules: [{ apiGroups: [mcp-authz.dev], resources: [tools], resourceNames: [files.read], verbs: [call] }]
`
  const both = setUp([
    memorySource({
      's.yaml': serverOf(', require: [tools], principals: [user, agent]'),
      'r.yaml': role,
      'b.yaml': rbac('alice', 'User'),
      'c.yaml': rbac('agent:demo:sre-agent', 'User'),
    }),
  ])
  const userOnly = setUp([
    memorySource({
      's.yaml': serverOf(', require: [tools], principals: [user, agent]'),
      'r.yaml': role,
      'b.yaml': rbac('alice', 'User'),
    }),
  ])
  it('needs both', () => {
    expect(both.judge('alice-via-agent', { body: toolsCall('read') }).outcome).toBe('allow')
    expect(both.judge('alice-via-agent', { body: toolsCall('write') }).failure?.reason).toBe('authorization.virtual')
    expect(userOnly.judge('alice-via-agent', { body: toolsCall('read') }).failure?.reason).toBe('authorization.virtual')
    expect(both.judge('alice', { body: toolsCall('read') }).failure?.reason).toBe('identity.agent_missing')
  })
})

describe('a catalogue whose Server requires no operations', () => {
  const everything = grantOf(
    'all',
    '{ match: { servers: [files], subjects: [{ kind: Group, name: "system:authenticated" }] } }',
  )
  const { judge } = setUp([
    memorySource({ 's.yaml': serverOf(', catalog: kubernetes-mcp-server, require: [grants]'), 'g.yaml': everything }),
  ])
  it.each<[string, unknown, string]>([
    ['a tool that is refused for all', toolsCall('configuration_view'), 'authorization.tool_refused'],
    ['an invented tool', toolsCall('no_such_tool'), 'authorization.tool_unknown'],
    ['an unmapped cluster', toolsCall('pods_list', { context: 'prod' }), 'authorization.cluster_unknown'],
    [
      'path traversal',
      toolsCall('pods_list_in_namespace', { namespace: 'a/../kube-system' }),
      'authorization.namespace',
    ],
    ['a plain call', toolsCall('pods_list_in_namespace', { namespace: 'a' }), 'allow'],
  ])('%s', (_name, body, expected) => {
    const { failure, outcome } = judge('bob', { body })
    expect(failure?.reason ?? outcome).toBe(expected)
  })
})

describe('methods that only the Server names', () => {
  const run = { jsonrpc: '2.0', id: 1, method: 'vendor/run', params: { name: 'x' } }
  const methods = serverOf(', methods: ["vendor/run", "tasks/*"]')
  it('need to be given like everything that has a target', () => {
    const without = setUp([memorySource({ 's.yaml': methods })])
    expect(without.judge('alice', { body: run }).failure?.reason).toBe('authorization.grant')
    expect(without.judge('alice', { body: { ...run, method: 'tasks/list' } }).failure?.reason).toBe(
      'authorization.grant',
    )
    const given = grantOf(
      'run',
      '{ match: { servers: [files], methods: [vendor/run], subjects: [{ kind: User, name: alice }] } }',
    )
    expect(setUp([memorySource({ 's.yaml': methods, 'g.yaml': given })]).judge('alice', { body: run }).outcome).toBe(
      'allow',
    )
  })
})

describe('an agent that nobody attested', () => {
  const server = serverOf(', principals: [user, agent]')
  const everybody = (more: string) =>
    grantOf('all', `{ match: { servers: [files], subjects: [{ kind: Group, name: "system:authenticated" }] }${more} }`)
  it('is not authorized on its own unless the Grant says that a claim is enough', () => {
    const strict = setUp([memorySource({ 's.yaml': server, 'g.yaml': everybody('') })])
    expect(strict.judge('alice-via-agent', { body: toolsCall('x') }).outcome).toBe('allow')
    expect(strict.judge('alice-via-unknown-agent', { body: toolsCall('x') }).failure?.reason).toBe(
      'authorization.grant',
    )
    const loose = setUp([memorySource({ 's.yaml': server, 'g.yaml': everybody(', allowClaimed: true') })])
    expect(loose.judge('alice-via-unknown-agent', { body: toolsCall('x') }).outcome).toBe('allow')
  })
})

describe('a Guardrail in Warn', () => {
  it('allows, and tells the caller', () => {
    const { judge } = setUp([
      memorySource({
        's.yaml': serverOf(''),
        'g.yaml': grantOf('all', '{ match: { servers: [files], subjects: [{ kind: User, name: alice }] } }'),
        'r.yaml':
          'apiVersion: mcp-authz.dev/v1alpha1\nkind: Guardrail\nmetadata: { name: w }\nspec: { mode: Warn, match: { servers: [files] }, validations: [{ expression: "false", message: "soon für\\nbidden" }] }\n',
      }),
    ])
    const { answer, outcome } = judge('alice', { body: toolsCall('x') })
    expect(outcome).toBe('allow')
    expect(answer.kind === 'allow' && answer.responseHeaders).toContainEqual({
      name: 'x-mcp-authz-warning',
      value: 'soon f?r bidden',
    })
  })
})

describe('a catalogue beside other requirements', () => {
  const { judge } = setUp([
    memorySource({
      's.yaml': serverOf(', catalog: kubernetes-mcp-server, require: [grants]'),
      'g.yaml': grantOf('all', '{ match: { servers: [files], subjects: [{ kind: User, name: alice }] } }'),
      'r.yaml':
        'apiVersion: mcp-authz.dev/v1alpha1\nkind: Guardrail\nmetadata: { name: cap }\nspec: { match: { servers: [files], tools: [resources_scale] }, validations: [{ expression: "replicas.all(n, n <= 5)" }] }\n',
    }),
  ])
  it('lets guardrails see what the call would set', () => {
    expect(judge('alice', { body: scale(3) }).outcome).toBe('allow')
    expect(judge('alice', { body: scale(10) }).failure?.reason).toBe('guardrail.violated')
  })

  it('denies where that cannot be known', () => {
    expect(judge('alice', { body: scale('many') }).failure?.reason).toBe('authorization.argument')
  })
})

describe('a decision that nobody waits for any more', () => {
  it('is not recorded: the door has recorded what it answered', async () => {
    let settle: (result: Authenticated) => void = () => undefined
    const slow = new Promise<Authenticated>(resolve => {
      settle = resolve
    })
    const store = storeOf([catalogs, demo], { ...namesAsTokens({}), authenticate: () => slow })
    store.load()
    const records: string[] = []
    const decide = createDecide({ snapshot: () => store.current, onDecided: decided => records.push(decided.record()) })
    const request = inbound({ body: toolsCall('pods_list') })
    const pending = decide(request)
    abandon(request)
    settle({ ok: true, principal: people.bob })
    expect((await pending).outcome).toBe('allow')
    expect(records).toEqual([])
  })
})

describe('what breaks inside', () => {
  it('denies while nothing is loaded', () => {
    const decide = createDecide({ snapshot: () => undefined })
    expect(decide(inbound({ body: toolsCall('x') }))).toMatchObject({
      outcome: 'deny',
      failure: { reason: 'policy.not_loaded' },
    })
  })

  it('denies when a part of ours throws', async () => {
    const store = storeOf([catalogs, demo], {
      ...namesAsTokens({}),
      authenticate: () => {
        throw new Error('bug')
      },
    })
    store.load()
    const decide = createDecide({ snapshot: () => store.current })
    expect(decide(inbound({ body: toolsCall('x') }))).toMatchObject({
      outcome: 'deny',
      failure: { reason: 'internal.error' },
      answer: { status: 503 },
    })
    const rejecting = storeOf([catalogs, demo], {
      ...namesAsTokens({}),
      authenticate: () => Promise.reject(new Error('bug')),
    })
    rejecting.load()
    const later = createDecide({ snapshot: () => rejecting.current })
    expect(await later(inbound({ body: toolsCall('x') }))).toMatchObject({
      outcome: 'deny',
      failure: { reason: 'internal.error' },
    })
  })
})
