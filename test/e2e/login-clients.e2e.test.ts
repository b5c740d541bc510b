import { decodeJwt } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { requestToken } from '../../src/demo/authorization-code-login.js'
import { type OpenIdProvider, startOpenIdProvider } from '../../src/demo/openid-provider.js'
import { type Login, type LoginClient, type Session, sdkV1, sdkV2 } from './support/login-clients.js'
import type { PolicyFiles } from './support/policy-directory.js'
import { pythonSdk } from './support/python-login-client.js'
import { type Stand, startStand } from './support/stand.js'

/** Anybody may call echo; two tools need a scope each; nobody may have the environment. */
const policies = (demo: PolicyFiles): PolicyFiles => ({
  'identity.yaml': demo['identity.yaml'] ?? '',
  'everything.yaml': `
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: everything }
spec: { resource: https://mcp.example.com/mcp, catalog: server-everything, require: [grants] }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Grant
metadata: { name: echo }
spec: { match: { servers: [everything], tools: [echo], subjects: [{ kind: Group, name: "system:authenticated" }] } }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Grant
metadata: { name: sums }
spec: { match: { servers: [everything], tools: [get-sum] }, scopes: ["tools:sum"] }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Grant
metadata: { name: images }
spec: { match: { servers: [everything], tools: [get-tiny-image] }, scopes: ["tools:image"] }
`,
})

const clients: readonly (readonly [name: string, client: LoginClient])[] = [
  ['SDK v1', sdkV1],
  ['SDK v2', sdkV2('legacy')],
  ['SDK v2 that asks for the era', sdkV2('auto')],
  ['Python', pythonSdk('legacy')],
  ['Python that asks for the era', pythonSdk('auto')],
]

const scopes = ['tools:sum', 'tools:image']
const echo = { name: 'echo', arguments: { message: 'x' } }
const sum = { name: 'get-sum', arguments: { a: 2, b: 3 } }
const image = { name: 'get-tiny-image' }
const environment = { name: 'get-env' }
const alice = { username: 'alice', password: 'wonderland' }
const secret = { clientId: 'sre-agent', clientSecret: 'sre-agent-demo-secret' }

let stand: Stand
/** Known to the policies, but its tokens are for somebody else. */
let partner: OpenIdProvider
beforeAll(async () => {
  stand = await startStand({
    upstream: 'everything',
    serverName: 'everything',
    idp: { scopes, registration: true },
    policies,
  })
  partner = await startOpenIdProvider({ resource: 'https://other.example.com/mcp' })
})
afterAll(async () => {
  await partner?.stop()
  await stand?.stop()
})
beforeEach(() => stand.proxy.forget())

const agent = (): Login => ({ way: 'secret', ...secret, issuer: stand.idp.issuer, scope: scopes.join(' ') })
const session = (login: Login, calls: Session['calls'], token?: Session['token']): Session => ({
  ...{ url: stand.url, login, calls },
  ...(token !== undefined && { token }),
})

/** A token with these scopes and no others. */
async function tokenWith(scope: string): Promise<NonNullable<Session['token']>> {
  const parameters = { grant_type: 'client_credentials', resource: stand.url, scope }
  return { value: await requestToken(stand.idp, secret.clientId, secret.clientSecret, parameters), scope }
}

const scopesOf = (token: string): readonly string[] =>
  String(decodeJwt(token).scope ?? '')
    .split(' ')
    .sort()
const tokenRequests = (traffic: readonly string[]): number => traffic.filter(one => one === 'POST /token 200').length

const metadataPath = '/.well-known/oauth-protected-resource/mcp'
const issuerPath = '/.well-known/oauth-authorization-server'

describe.each(clients)('%s', (_, run) => {
  it('logs in with its secret, knowing nothing but the URL of the server', async () => {
    const { calls, traffic, token } = await run(session(agent(), [echo, sum]))
    expect(calls).toEqual(['ok', 'ok'])
    expect(traffic.slice(0, 4)).toEqual([
      'POST /mcp 401',
      `GET ${metadataPath} 200`,
      `GET ${issuerPath} 200`,
      'POST /token 200',
    ])
    // A server of the old era answers 400 to whom asks for the new one.
    expect(traffic[4]).toMatch(/^POST \/mcp (200|400)$/)
    expect(tokenRequests(traffic)).toBe(1)
    expect(decodeJwt(token)).toMatchObject({ iss: stand.idp.issuer, aud: stand.url, sub: secret.clientId })
    expect(scopesOf(token)).toEqual([...scopes].sort())
  })

  it('registers itself, and has a person sign in', async () => {
    const { calls, traffic, token } = await run(session({ way: 'person', person: alice }, [sum, image]))
    expect(calls).toEqual(['ok', 'ok'])
    expect(traffic).toContain('POST /reg 201')
    expect(tokenRequests(traffic)).toBe(1)
    expect(decodeJwt(token)).toMatchObject({ iss: stand.idp.issuer, aud: stand.url, sub: 'alice' })
    expect(stand.proxy.last()?.headers['x-mcp-authz-user']).toBe('alice')
  })

  it('asks for more scopes when told that one is missing, and keeps those that it had', async () => {
    const { calls, traffic, token } = await run(session(agent(), [image, sum, image], await tokenWith('tools:image')))
    expect(calls).toEqual(['ok', 'ok', 'ok'])
    expect(traffic.filter(one => one === 'POST /mcp 403')).toHaveLength(1)
    expect(traffic.filter(one => one === 'POST /mcp 401')).toEqual([])
    expect(tokenRequests(traffic)).toBe(1)
    expect(scopesOf(token)).toEqual([...scopes].sort())
  })

  it('has the person sign in once more for another scope', async () => {
    const login: Login = { way: 'person', person: alice, clientId: 'ops-console' }
    const token = { value: await stand.idp.login('alice'), scope: 'mcp:tools' }
    const report = await run(session(login, [echo, sum], token))
    expect(report.calls).toEqual(['ok', 'ok'])
    expect(report.traffic.filter(one => one === 'POST /mcp 403')).toHaveLength(1)
    expect(tokenRequests(report.traffic)).toBe(1)
    expect(decodeJwt(report.token).sub).toBe('alice')
  })

  it('replaces a token that is for somebody else', async () => {
    const token = { value: await partner.clientToken(), scope: 'mcp:tools' }
    const { calls, traffic } = await run(session(agent(), [echo], token))
    expect(calls).toEqual(['ok'])
    expect(traffic[0]).toBe('POST /mcp 401')
    expect(tokenRequests(traffic)).toBe(1)
  })

  it('does not log in for what no scope gives', async () => {
    const { calls, traffic } = await run(session(agent(), [environment, sum], await tokenWith('tools:sum')))
    expect(calls).toEqual([expect.stringMatching(/^toolError: .*Denied by policy/), 'ok'])
    expect(tokenRequests(traffic)).toBe(0)
    expect(traffic.filter(one => /40[13]$/.test(one))).toEqual([])
  })
})
