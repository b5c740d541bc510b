import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type RawAnswer, rawPost } from '../../src/demo/raw-post.js'
import { decisionIdOf, errorOf } from './support/answers.js'
import { initialize, modern, toolsCall } from './support/messages.js'
import { type Stand, startStand } from './support/stand.js'

let stand: Stand
let alice: string
beforeAll(async () => {
  stand = await startStand({ upstream: 'kubernetes-stateless' })
  alice = await stand.idp.login('alice')
})
afterAll(() => stand?.stop())
beforeEach(() => stand.proxy.forget())

const call = toolsCall('pods_list_in_namespace', { namespace: 'team-a' })

function post(body: string, headers: Record<string, string> | string[] = {}, token = alice): Promise<RawAnswer> {
  return rawPost({ url: stand.url, token, body, headers })
}

/** Every value that the server got under names that it could take for `name`, whatever the spelling. */
function received(name: string): string[] {
  const raw = stand.proxy.last()?.rawHeaders ?? []
  return raw.filter((_, at) => at % 2 === 1 && raw[at - 1]?.toLowerCase().replaceAll('_', '-') === name)
}

describe('headers that a client forges', () => {
  const forged: readonly { readonly header: string; readonly arrives: readonly string[] }[] = [
    { header: 'x-mcp-authz-user', arrives: ['alice'] },
    { header: 'X-MCP-Authz-User', arrives: ['alice'] },
    { header: 'x_mcp_authz_user', arrives: ['alice'] },
    { header: 'x-mcp_authz-user', arrives: ['alice'] },
    { header: 'x-mcp-authz-groups', arrives: ['team-a-developers,system:authenticated'] },
    { header: 'x-mcp-authz-groups-omitted', arrives: [] },
    { header: 'x-mcp-authz-agent', arrives: [] },
    { header: 'x-mcp-authz-tenant', arrives: ['team-a'] },
    { header: 'x-mcp-authz-chain', arrives: [] },
    { header: 'x-mcp-authz-context', arrives: [] },
    { header: 'x-mcp-authz-team', arrives: ['team-a'] },
    { header: 'x-mcp-authz-not-known-yet', arrives: [] },
    { header: 'impersonate-user', arrives: [] },
    { header: 'impersonate-group', arrives: [] },
    { header: 'impersonate-uid', arrives: [] },
    { header: 'impersonate-extra-scopes', arrives: [] },
    { header: 'impersonate_user', arrives: [] },
    { header: 'kubernetes-authorization', arrives: [] },
    { header: 'kubernetes_authorization', arrives: [] },
    { header: 'x-forwarded-user', arrives: [] },
    { header: 'mcp-param-namespace', arrives: [] },
  ]
  it.each(forged)('$header arrives as $arrives', async ({ header, arrives }) => {
    expect(await post(call, { [header]: 'root' })).toMatchObject({ status: 200 })
    expect(stand.proxy.count()).toBe(1)
    expect(received(header.toLowerCase().replaceAll('_', '-'))).toEqual(arrives)
  })

  it('arrive once when they come twice', async () => {
    const answer = await post(call, ['x-mcp-authz-user', 'root', 'X-Mcp-Authz-User', 'admin'])
    expect(answer.status).toBe(200)
    expect(received('x-mcp-authz-user')).toEqual(['alice'])
  })

  it('are removed also where an Enrichment does not apply', async () => {
    expect(await post(initialize, { 'x-mcp-authz-team': 'root' })).toMatchObject({ status: 200 })
    expect(received('x-mcp-authz-team')).toEqual([])
  })

  it('do not choose the Server', async () => {
    expect(await post(call, { 'mcp-server': 'other' })).toMatchObject({ status: 200 })
    expect((await stand.authz.record(decisionIdOf(await post(call)))).server).toBe('kubernetes')
  })

  it('may be anything that is not ours', async () => {
    await post(call, { 'x-request-colour': 'blue' })
    expect(received('x-request-colour')).toEqual(['blue'])
  })
})

describe('what the server gets', () => {
  it('is not the token', async () => {
    await post(call)
    expect(received('authorization')).toEqual([])
    expect(stand.cluster.requests.map(({ user }) => user)).not.toContain('unknown-token')
  })

  it('is the decision and the policies by which it was made', async () => {
    const id = decisionIdOf(await post(call))
    const { policy_revision } = await stand.authz.record(id)
    expect(received('x-mcp-authz-decision-id')).toEqual([id])
    expect(received('x-mcp-authz-policy-revision')).toEqual([policy_revision])
  })

  it('is the agent, where one acts', async () => {
    await post(call, {}, await stand.idp.exchange(alice))
    expect(received('x-mcp-authz-user')).toEqual(['alice'])
    expect(received('x-mcp-authz-agent')).toEqual(['demo:sre-agent;assurance=attested'])
  })
})

describe('routing headers in the legacy era', () => {
  it.each(['mcp-name', 'mcp-method'])('deny when %s says something else than the body', async header => {
    const answer = await post(call, { [header]: 'root' })
    expect(answer.status).toBe(400)
    // The modern era's own code would make a client take a legacy server for a modern one.
    expect(errorOf(answer)).toMatchObject({ code: -32600, data: { reason: 'message.header_mismatch' } })
    expect(stand.proxy.count()).toBe(0)
  })

  it('do not arrive, even when they are right', async () => {
    const headers = { 'mcp-method': 'tools/call', 'mcp-name': 'pods_list_in_namespace' }
    expect(await post(call, headers)).toMatchObject({ status: 200 })
    expect([...received('mcp-method'), ...received('mcp-name')]).toEqual([])
  })
})

describe('routing headers in the modern era', () => {
  const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call' }
  const body = modern('tools/call', { name: 'pods_list_in_namespace', arguments: { namespace: 'team-a' } })

  it('arrive when they say what the body says', async () => {
    expect(await post(body, { ...headers, 'mcp-name': 'pods_list_in_namespace' })).toMatchObject({ status: 200 })
    expect(received('mcp-name')).toEqual(['pods_list_in_namespace'])
  })

  it('deny when they say something else', async () => {
    const answer = await post(body, { ...headers, 'mcp-name': 'pods_delete' })
    expect(answer.status).toBe(400)
    expect(errorOf(answer)).toMatchObject({ code: -32020, data: { reason: 'message.header_mismatch' } })
    expect(stand.proxy.count()).toBe(0)
  })
})

describe('the decision id', () => {
  const outcomes: readonly {
    readonly what: string
    readonly ask: () => Promise<RawAnswer>
    readonly record: object
  }[] = [
    { what: 'allowed', ask: () => post(call), record: { decision: 'allow' } },
    {
      what: 'denied',
      ask: () => post(toolsCall('pods_list_in_namespace', { namespace: 'team-b' })),
      record: { decision: 'deny', reason: 'authorization.rbac' },
    },
    {
      what: 'refused for want of a token',
      ask: () => rawPost({ url: stand.url, body: call }),
      record: { decision: 'deny', reason: 'identity.token_missing' },
    },
  ]

  it.each(outcomes)('of a request that was $what reaches the client and is that of the record', async one => {
    const answer = await one.ask()
    expect(await stand.authz.record(decisionIdOf(answer))).toMatchObject(one.record)
  })

  it.each(outcomes)("of a request that was $what stands in Envoy's access log", async one => {
    const answer = await one.ask()
    const line = await stand.accessLog(decisionIdOf(answer))
    expect(line).toMatchObject({ method: 'POST', path: '/mcp', code: answer.status, authz: one.record })
  })

  it('comes with what a log reader asks first', async () => {
    const { authz } = await stand.accessLog(decisionIdOf(await post(call)))
    const about = { server: 'kubernetes', subject: 'alice', method: 'tools/call', tool: 'pods_list_in_namespace' }
    expect(authz).toMatchObject(about)
  })
})
