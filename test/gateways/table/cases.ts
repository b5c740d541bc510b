import type { GatewayCase } from './case.js'
import { framing, otherMethods } from './cases-of-http.js'
import { ask, call, modernCall, notification } from './messages.js'

const rewritten = 'the gateway has read the message and writes it anew'
const forged = [
  ['x-mcp-authz-user', 'root'],
  ['X-Mcp-Authz-Groups', 'admins'],
  ['x-mcp-authz-desk', 'corner office'],
  ['x-mcp-authz-tenant', 'other'],
  ['x-mcp-authz-context', 'eyJ'],
  ['impersonate-user', 'root'],
  ['Impersonate-Group', 'system:masters'],
  ['impersonate-extra-scopes', 'all'],
  ['x-remote-user', 'root'],
  ['kubernetes-authorization', 'Bearer x'],
  ['x-forwarded-user', 'root'],
  ['x-forwarded-client-cert', 'By=x;URI=spiffe://cluster.local/ns/kube-system/sa/root'],
] as const
const gone = { 'impersonate-user': undefined, 'x-remote-user': undefined, authorization: undefined } as const

const identity: readonly GatewayCase[] = [
  { name: 'no token', who: 'nobody', body: call('echo'), expected: 'identity.token_missing' },
  { name: 'a token that is none', who: 'no JWT', body: call('echo'), expected: 'identity.token_malformed' },
  { name: 'a forged token', who: 'a forged token', body: call('echo'), expected: 'identity.signature' },
  { name: 'an old token', who: 'an old token', body: call('echo'), expected: 'identity.expired' },
  {
    name: 'a token from the future',
    who: 'a token from the future',
    body: call('echo'),
    expected: 'identity.not_yet_valid',
  },
  { name: 'a token for others', who: 'a token for others', body: call('echo'), expected: 'identity.audience' },
  { name: 'an unknown issuer', who: 'a token of a stranger', body: call('echo'), expected: 'identity.issuer_unknown' },
  { name: 'an ID token', who: 'an ID token', body: call('echo'), expected: 'identity.token_type' },
  { name: 'a reserved name', who: 'a token of the system', body: call('echo'), expected: 'identity.reserved_name' },
  { name: 'a token without a name', who: 'a token without a name', body: call('echo'), expected: 'identity.claims' },
  {
    name: 'no agent where one is needed',
    who: 'alice',
    server: 'agents',
    body: call('echo'),
    expected: 'identity.agent_missing',
  },
  {
    ...{ name: 'a token that is bound to a key, with its proof', who: 'alice with a key', body: call('echo') },
    expected: 'allow',
    cannot: { explain: 'a proof is made for one request of one URL, which is not made here' },
    serverGets: { ...gone, dpop: undefined, 'x-mcp-authz-user': 'alice' },
  },
  {
    ...{
      name: 'a token that is bound to a key, as a bearer',
      who: 'alice with a key, as a bearer',
      body: call('echo'),
    },
    expected: 'identity.proof_missing',
  },
  { name: 'a stranger where strangers may', who: 'nobody', server: 'public', body: call('echo'), expected: 'allow' },
  {
    ...{ name: 'a bad token where strangers may', who: 'an old token', server: 'public', body: call('echo') },
    expected: 'identity.expired',
  },
]

const rules: readonly GatewayCase[] = [
  {
    ...{ name: 'a call that is given', who: 'alice', body: call('echo', { a: 1 }), expected: 'allow' },
    serverGets: { ...gone, 'x-mcp-authz-user': 'alice', 'x-mcp-authz-desk': 'desk of alice' },
  },
  { name: 'a call of the modern era', who: 'alice', ...modernCall('echo'), expected: 'allow' },
  {
    ...{ name: 'headers that the client has no right to', who: 'alice', body: call('echo'), headers: forged },
    expected: 'allow',
    serverGets: {
      ...gone,
      'x-mcp-authz-user': 'alice',
      'x-mcp-authz-groups': 'staff,system:authenticated',
      'x-mcp-authz-desk': 'desk of alice',
      'x-mcp-authz-tenant': undefined,
      'x-mcp-authz-context': undefined,
      'impersonate-group': undefined,
      'impersonate-extra-scopes': undefined,
      'kubernetes-authorization': undefined,
      'x-forwarded-user': undefined,
      'x-forwarded-client-cert': undefined,
    },
  },
  {
    ...{ name: 'an agent', who: 'alice through an agent', body: call('echo'), expected: 'allow' },
    serverGets: { ...gone, 'x-mcp-authz-agent': 'acme:sre-agent;assurance=attested' },
  },
  { name: 'what nobody has given', who: 'bob', body: call('echo'), expected: 'authorization.grant' },
  { name: 'what others were given', who: 'alice', body: call('wipe'), expected: 'authorization.grant' },
  { name: 'what one group of several was given', who: 'alice in two groups', body: call('wipe'), expected: 'allow' },
  { name: 'a scope that is missing', who: 'alice', body: call('sign'), expected: 'authorization.scope' },
  { name: 'a scope that is there', who: 'alice with a scope', body: call('sign'), expected: 'allow' },
  { name: 'a tool that nobody knows', who: 'alice', body: call('melt'), expected: 'authorization.tool_unknown' },
  { name: 'a tool that is refused to all', who: 'alice', body: call('secret'), expected: 'authorization.tool_refused' },
  {
    name: 'an argument that is not listed',
    who: 'alice',
    body: call('scale', { n: 1, force: true }),
    expected: 'message.argument',
  },
  { name: 'a guardrail that holds', who: 'alice', body: call('scale', { n: 5 }), expected: 'allow' },
  { name: 'a guardrail that is broken', who: 'alice', body: call('scale', { n: 6 }), expected: 'guardrail.violated' },
  { name: 'a guardrail that fails', who: 'alice', body: call('odd'), expected: 'guardrail.error' },
  { name: 'a guardrail that only warns', who: 'alice', body: call('noisy'), expected: 'allow' },
  {
    ...{ name: 'RBAC that allows', who: 'alice', server: 'kubernetes', expected: 'allow' },
    body: call('pods_list_in_namespace', { namespace: 'team-a' }),
  },
  {
    ...{ name: 'RBAC of another namespace', who: 'alice', server: 'kubernetes', expected: 'authorization.rbac' },
    body: call('pods_list_in_namespace', { namespace: 'team-b' }),
  },
  {
    ...{ name: 'RBAC of another verb', who: 'alice', server: 'kubernetes', expected: 'authorization.rbac' },
    body: call('pods_delete', { namespace: 'team-a', name: 'web' }),
  },
  { name: 'RBAC on tools', who: 'alice', server: 'virtual', body: call('echo'), expected: 'allow' },
  {
    name: 'RBAC on tools that denies',
    who: 'alice',
    server: 'virtual',
    body: call('scale', { n: 1 }),
    expected: 'authorization.virtual',
  },
  { name: 'RBAC on connecting', who: 'bob', server: 'virtual', body: ask('ping'), expected: 'authorization.connect' },
  {
    ...{ name: 'a Server in Audit', who: 'bob', server: 'audited', body: call('scale', { n: 6 }), expected: 'allow' },
    would: ['authorization.grant', 'guardrail.violated'],
    // Nothing is said for a caller who would be denied, and nothing of the client's passes for ours.
    headers: forged,
    serverGets: { 'x-mcp-authz-user': undefined, 'x-mcp-authz-groups': undefined },
  },
  {
    ...{ name: 'nobody at a Server in Audit', who: 'nobody', server: 'audited', body: call('echo'), expected: 'allow' },
    would: ['identity.token_missing'],
  },
]

const methods: readonly GatewayCase[] = [
  {
    ...{ name: 'initialize', who: 'bob', expected: 'allow' },
    body: ask('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'c', version: '1' },
    }),
  },
  { name: 'a list', who: 'bob', body: ask('tools/list'), expected: 'allow' },
  { name: 'a list of templates', who: 'bob', body: ask('resources/templates/list'), expected: 'allow' },
  { name: 'a ping', who: 'bob', body: ask('ping'), expected: 'allow' },
  { name: 'a resource', who: 'alice', body: ask('resources/read', { uri: 'file:///shared/a' }), expected: 'allow' },
  {
    ...{ name: 'a resource that nobody has given', who: 'alice', expected: 'authorization.grant' },
    body: ask('resources/read', { uri: 'file:///etc/passwd' }),
  },
  {
    name: 'a prompt that nobody has given',
    who: 'alice',
    body: ask('prompts/get', { name: 'p' }),
    expected: 'authorization.grant',
  },
  {
    ...{ name: 'a notification', who: 'alice', body: notification('notifications/initialized'), expected: 'allow' },
    cannot: { ExtMcp: 'notifications are not shown to it' },
  },
  {
    ...{ name: 'a notification of servers', who: 'alice', expected: 'method.direction' },
    body: notification('notifications/tools/list_changed'),
    cannot: { ExtMcp: 'notifications are not shown to it' },
  },
  {
    ...{ name: 'a method that nobody knows', who: 'alice', body: ask('admin/reset'), expected: 'method.unknown' },
    cannot: { ExtMcp: 'the gateway refuses it' },
  },
  {
    ...{ name: 'a method of servers', who: 'alice', body: ask('sampling/createMessage'), expected: 'method.direction' },
    cannot: { ExtMcp: 'the gateway refuses it' },
  },
  {
    ...{ name: 'a task', who: 'alice', body: ask('tasks/get', { taskId: 't' }), expected: 'method.not_enabled' },
    cannot: { ExtMcp: 'tasks are not shown to it' },
  },
  {
    ...{ name: 'a method of the other era', who: 'alice', body: ask('server/discover'), expected: 'method.era' },
  },
]

const noBytes = { AuthZEN: 'it carries JSON that was read', ExtMcp: rewritten } as const

const messages: readonly GatewayCase[] = [
  { name: 'no JSON', who: 'alice', body: '{"jsonrpc":', expected: 'message.not_json', cannot: noBytes },
  { name: 'no JSON-RPC', who: 'alice', body: { hello: 1 }, expected: 'message.not_jsonrpc', cannot: noBytes },
  {
    ...{ name: 'a name that comes twice', who: 'alice', expected: 'message.duplicate_key' },
    body: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","name":"wipe","arguments":{}}}',
    cannot: noBytes,
  },
  {
    ...{ name: 'an id that is no id', who: 'alice', body: call('echo', {}, 1.5), expected: 'message.id' },
    cannot: { ...noBytes, ExtMcp: 'the gateway takes it for a notification' },
  },
  {
    ...{ name: 'a call without an id', who: 'alice', expected: 'message.id' },
    body: notification('tools/call', { name: 'echo', arguments: {} }),
    cannot: { ...noBytes, ExtMcp: 'the gateway takes it for a notification' },
  },
  {
    ...{ name: 'bytes that are not UTF-8', who: 'alice', expected: 'message.encoding' },
    body: Buffer.from('7b2261223a22ff227d', 'hex'),
    cannot: noBytes,
    instead: [['text', 'framing.body_incomplete', 'the bytes are not shown as they are']],
  },
  {
    ...{ name: 'a call with an exclamation mark', who: 'alice', expected: 'allow' },
    body: call('scale', { n: 1, note: 'now!' }),
    instead: [
      ['agentgateway', 'allow', 'its text says U+FFFD for what is not UTF-8'],
      ['text', 'framing.body_incomplete', 'Envoy writes "!" for every byte that is not UTF-8'],
    ],
  },
  {
    ...{ name: 'a call in other letters', who: 'alice', expected: 'allow' },
    body: call('scale', { n: 1, note: 'žluťoučký 猫 🐎' }),
  },
  {
    ...{ name: 'a header that names another tool', who: 'alice', expected: 'message.header_mismatch' },
    body: modernCall('wipe').body,
    headers: modernCall('echo').headers,
    cannot: { ExtMcp: 'the gateway refuses it' },
  },
  {
    ...{ name: 'a batch', who: 'alice', body: [call('echo'), call('echo', {}, 2)], expected: 'message.batch' },
    cannot: { ...noBytes, AuthZEN: 'one evaluation is one message' },
  },
  {
    ...{ name: 'a batch where they are taken', who: 'alice', server: 'batched', expected: 'allow' },
    body: [call('echo'), call('scale', { n: 2 }, 2)],
    cannot: { ...noBytes, AuthZEN: 'one evaluation is one message' },
  },
  {
    ...{ name: 'a batch of which one call is denied', who: 'alice', server: 'batched', expected: 'guardrail.violated' },
    body: [call('echo'), call('scale', { n: 9 }, 2)],
    cannot: { ...noBytes, AuthZEN: 'one evaluation is one message' },
  },
]

export const cases: readonly GatewayCase[] = [
  ...rules,
  ...identity,
  ...methods,
  ...messages,
  ...framing,
  ...otherMethods,
]
