import { describe, expect, it } from 'vitest'
import { type InboundOptions, inbound } from '../../test/support/inbound.js'
import { policyDocument } from '../../test/support/judge.js'
import { memorySource, namesAsTokens, person, storeOf, through } from '../../test/support/policies.js'
import type { Authenticator } from '../identity/authenticator.js'
import type { Principal } from '../identity/principal.js'
import { createDecide } from './create-decide.js'

const delegated: Principal = {
  ...through(person('alice', ['staff']), 'sre-agent'),
  actors: [
    { subject: 'sre-agent', issuer: 'https://idp.example.com' },
    { subject: 'planner', issuer: 'https://idp.example.com' },
  ],
  chainId: 'chain',
  onBehalfOf: 'jwt',
}
const account = (namespace: string, name: string): Principal['user'] => ({
  username: `system:serviceaccount:${namespace}:${name}`,
  uid: '',
  groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  extra: new Map(),
})
const principals = {
  delegated,
  alice: person('alice'),
  inWorkload: { ...delegated, agentUser: account('agents', 'sre') },
  inOtherWorkload: { ...delegated, agentUser: account('other', 'sre') },
}

const toolsCall = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'read', arguments: {} } }

function setUp(spec: object, documents: readonly string[], more: Partial<Authenticator> = {}) {
  const server = policyDocument('Server', 'srv', { resource: 'https://srv.example.com/mcp', ...spec })
  const files = Object.fromEntries([server, ...documents].map((text, index) => [`${index}.yaml`, text]))
  const store = storeOf([memorySource(files)], { ...namesAsTokens(principals), ...more })
  const report = store.load()
  if (!report.inForce) throw new Error(report.findings.map(finding => finding.message).join('\n'))
  const lines: string[] = []
  const decide = createDecide({ snapshot: () => store.current, onDecided: decided => lines.push(decided.record()) })
  return (token: string, options: InboundOptions = {}) => {
    const headers = { authorization: `Bearer ${token}`, ...options.headers }
    const decision = decide(inbound({ authority: 'srv.example.com', body: toolsCall, ...options, headers }))
    if (decision instanceof Promise) throw new Error('the pipeline waited')
    return { decision, record: JSON.parse(lines.at(-1) ?? '{}') }
  }
}

const everybody = policyDocument('Grant', 'everybody', {
  match: { servers: ['srv'], subjects: [{ kind: 'Group', name: 'system:authenticated' }] },
})

describe('a person through a chain of agents', () => {
  it('is in the record and in the headers, with the chain', () => {
    const { decision, record } = setUp({}, [everybody])('delegated')
    expect(record).toMatchObject({
      decision: 'allow',
      subject: { kind: 'user', user: 'alice' },
      agent: { id: 'sre-agent', issuer: 'demo', assurance: 'attested' },
      actors: ['sre-agent', 'planner'],
      chain_id: 'chain',
      on_behalf_of: 'jwt',
    })
    expect(decision.answer.kind === 'allow' && decision.answer.setHeaders).toEqual(
      expect.arrayContaining([
        { name: 'x-mcp-authz-user', value: 'alice' },
        { name: 'x-mcp-authz-agent', value: 'demo:sre-agent;assurance=attested' },
        { name: 'x-mcp-authz-chain', value: 'chain' },
      ]),
    )
  })

  it('leaves nothing behind of who the client says that it acts for', () => {
    const judge = setUp({}, [everybody], { onBehalfOfHeaders: ['x-user-mail'] })
    for (const name of ['x-user-mail', 'x_user_mail', 'x-on-behalf-of', 'dpop']) {
      const { decision } = judge('alice', { headers: { [name]: 'x' } })
      expect(decision.answer.kind === 'allow' && decision.answer.removeHeaders).toContain(name)
    }
    const { decision } = judge('alice')
    expect(decision.answer.kind === 'allow' && decision.answer.removeHeaders).toContain('x-user-mail')
  })
})

describe('a header that names a person', () => {
  it('is not seen by policies', () => {
    const guardrail = policyDocument('Guardrail', 'none', {
      match: { servers: ['srv'] },
      validations: [
        { expression: "!('x-user-mail' in request.headers) && 'x-other' in request.headers", reason: 'Seen' },
      ],
    })
    const judge = setUp({}, [everybody, guardrail], { onBehalfOfHeaders: ['x-user-mail'] })
    expect(judge('alice', { headers: { 'x-user-mail': 'a.b.c', 'x-other': 'x' } }).decision.outcome).toBe('allow')
  })
})

describe('principals: [user, agent], where the agent is a ServiceAccount by its workload', () => {
  const binding = (name: string, subject: object) =>
    JSON.stringify({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'callers' },
      subjects: [subject],
    })
  const role = JSON.stringify({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'callers' },
    rules: [{ apiGroups: ['mcp-authz.dev'], resources: ['tools'], resourceNames: ['srv.read'], verbs: ['call'] }],
  })
  const user = binding('user', { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'alice' })
  const agent = binding('agent', { kind: 'ServiceAccount', namespace: 'agents', name: 'sre' })
  const spec = { require: ['tools'], principals: ['user', 'agent'] }
  const verdict = (documents: readonly string[], token: string) => {
    const { decision } = setUp(spec, [role, ...documents])(token)
    return decision.failure?.reason ?? decision.outcome
  }

  it.each([
    ['both are bound', [user, agent], 'inWorkload', 'allow'],
    ['only the person is', [user], 'inWorkload', 'authorization.virtual'],
    ['only the agent is', [agent], 'inWorkload', 'authorization.virtual'],
    ['another workload', [user, agent], 'inOtherWorkload', 'authorization.virtual'],
    ['the agent without its workload', [user, agent], 'delegated', 'authorization.virtual'],
    ['the person without an agent', [user, agent], 'alice', 'identity.agent_missing'],
  ])('%s', (_, documents, token, expected) => {
    expect(verdict(documents, token)).toBe(expected)
  })
})

describe('a denial for a proof', () => {
  const refusing = (reason: 'identity.proof_missing' | 'identity.proof_nonce', nonce?: string) =>
    setUp({}, [everybody], {
      authenticate: () => ({ ok: false, reason, message: 'no proof', ...(nonce !== undefined && { nonce }) }),
    })('alice').decision.answer
  const headersOf = (answer: ReturnType<typeof refusing>) =>
    new Map(answer.kind === 'respond' ? answer.headers.map(({ name, value }) => [name, value]) : [])

  it('asks for one, behind the challenge that MCP clients read', () => {
    const answer = refusing('identity.proof_missing')
    expect(answer).toMatchObject({ kind: 'respond', status: 401 })
    const value = headersOf(answer).get('www-authenticate') ?? ''
    expect(value).toMatch(/^Bearer error="invalid_token"/)
    expect(value).toMatch(/, DPoP error="invalid_dpop_proof".* algs="RS256 [A-Z0-9 ]*ES512"/)
  })

  it('tells the nonce', () => {
    const headers = headersOf(refusing('identity.proof_nonce', 'abc'))
    expect(headers.get('dpop-nonce')).toBe('abc')
    expect(headers.get('www-authenticate')).toContain('DPoP error="use_dpop_nonce"')
  })
})
