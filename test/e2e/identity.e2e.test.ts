import {
  ClientCredentialsProvider,
  Client as ClientV2,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client'
import { decodeJwt, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { connectV1 } from '../../src/demo/clients.js'
import { type OpenIdProvider, startOpenIdProvider } from '../../src/demo/openid-provider.js'
import { type RawAnswer, rawPost } from '../../src/demo/raw-post.js'
import { decisionIdOf, errorOf, resultOf } from './support/answers.js'
import { initialize, toolsCall } from './support/messages.js'
import { decisionOf } from './support/meta.js'
import { type Stand, startStand } from './support/stand.js'

/** An issuer that the policies know, whose tokens are for somebody else. */
let partner: OpenIdProvider
/** An issuer that the policies do not know, whose tokens are for us. */
let stranger: OpenIdProvider
let stand: Stand
let alice: string

beforeAll(async () => {
  partner = await startOpenIdProvider({ resource: 'https://other.example.com/mcp' })
  stand = await startStand({
    upstream: 'kubernetes-stateless',
    policies: demo => ({ ...demo, 'partner.yaml': partnerConfiguration(partner.issuer) }),
  })
  stranger = await startOpenIdProvider({ resource: stand.url })
  alice = await stand.idp.login('alice')
})
afterAll(async () => {
  await stand?.stop()
  await partner?.stop()
  await stranger?.stop()
})
beforeEach(() => stand.proxy.forget())

const partnerConfiguration = (issuer: string): string => `
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer: { url: ${issuer}, audiences: ["https://mcp.example.com/mcp"] }
  claimMappings:
    username: { claim: preferred_username, prefix: "partner:" }
    groups: { claim: groups, prefix: "partner:" }
`

function post(body: string, headers: Record<string, string> | string[]): Promise<RawAnswer> {
  return rawPost({ url: stand.url, body, headers })
}

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })

describe('a request without a token', () => {
  it('is answered 401 with a challenge that says where to log in', async () => {
    const answer = await post(initialize, {})
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toBe(`Bearer resource_metadata="${metadataUrl()}"`)
    expect(errorOf(answer)).toMatchObject({ code: -31401, data: { reason: 'identity.token_missing' } })
    expect(stand.proxy.count()).toBe(0)
  })

  it('finds the metadata of the resource at the gateway', async () => {
    const { headers } = await post(initialize, {})
    const [, url = ''] = /resource_metadata="([^"]+)"/.exec(String(headers['www-authenticate'])) ?? []
    const response = await fetch(url)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(await response.json()).toMatchObject({
      resource: stand.url,
      authorization_servers: [stand.idp.issuer, partner.issuer],
      bearer_methods_supported: ['header'],
    })
    expect(stand.proxy.count()).toBe(0)
  })

  it.each([
    'oauth-protected-resource',
    'oauth-protected-resource/other',
    'oauth-authorization-server',
    'openid-configuration',
  ])('finds nothing at /.well-known/%s', async name => {
    expect((await fetch(new URL(`/.well-known/${name}`, stand.url))).status).toBe(404)
    expect(stand.proxy.count()).toBe(0)
  })

  const metadataUrl = (): string => stand.url.replace('/mcp', '/.well-known/oauth-protected-resource/mcp')
})

describe('a token that does not count here', () => {
  const cases: readonly {
    readonly what: string
    readonly authorization: () => Promise<string | string[]> | string | string[]
    readonly reason: string
    readonly status?: number
  }[] = [
    { what: 'expired', authorization: () => stand.idp.expiredToken('alice'), reason: 'identity.expired' },
    { what: 'for another audience', authorization: () => partner.login('alice'), reason: 'identity.audience' },
    { what: 'of an unknown issuer', authorization: () => stranger.login('alice'), reason: 'identity.issuer_unknown' },
    { what: 'no token at all', authorization: () => 'garbage', reason: 'identity.token_malformed' },
    { what: 'three parts of nothing', authorization: () => 'a.b.c', reason: 'identity.token_malformed' },
    { what: 'signed by somebody else', authorization: () => forged(alice), reason: 'identity.key_unknown' },
    { what: 'with a changed signature', authorization: () => tampered(alice), reason: 'identity.signature' },
    { what: 'with changed claims', authorization: () => promoted(alice), reason: 'identity.signature' },
    {
      what: 'not signed',
      authorization: () => new UnsecuredJWT(decodeJwt(alice)).encode(),
      reason: 'identity.algorithm',
    },
    { what: 'one of two', authorization: () => [alice, alice], reason: 'framing.header_repeated', status: 400 },
  ]
  it.each(cases)('$what: $reason', async ({ authorization, reason, status = 401 }) => {
    const tokens = [await authorization()].flat()
    const answer = await post(
      initialize,
      tokens.flatMap(token => ['authorization', `Bearer ${token}`]),
    )
    expect(answer.status).toBe(status)
    expect(errorOf(answer).data.reason).toBe(reason)
    if (status === 401) expect(answer.headers['www-authenticate']).toMatch(/^Bearer error="invalid_token", /)
    expect(await stand.authz.record(decisionIdOf(answer))).toMatchObject({ decision: 'deny', reason })
    expect(stand.proxy.count()).toBe(0)
  })

  it('has no second place to come from', async () => {
    const answer = await rawPost({ url: `${stand.url}?access_token=${alice}`, body: initialize })
    expect(errorOf(answer).data.reason).toBe('framing.token_in_query')
    expect(stand.proxy.count()).toBe(0)
  })

  it('is written nowhere', async () => {
    await post(initialize, bearer(alice))
    const signature = alice.split('.')[2] ?? ''
    expect([...stand.authz.child.lines, ...stand.envoy.child.lines].filter(line => line.includes(signature))).toEqual(
      [],
    )
  })
})

describe('an agent', () => {
  it('that acts for a person: the record names both, and the chain', async () => {
    const token = await stand.idp.exchange(alice)
    const answer = await post(toolsCall('pods_list_in_namespace', { namespace: 'team-a' }), bearer(token))
    expect(resultOf(answer).isError).not.toBe(true)
    const record = await stand.authz.record(decisionIdOf(answer))
    expect(record).toMatchObject({
      decision: 'allow',
      subject: { kind: 'user', user: 'alice' },
      agent: { id: 'sre-agent', issuer: 'demo', assurance: 'attested' },
      actors: ['sre-agent'],
      tenant: 'team-a',
    })
    expect(record.chain_id).toMatch(/./)
    expect(stand.proxy.last()?.headers['x-mcp-authz-chain']).toBe(record.chain_id)
  })

  it('may not do what only the person may', async () => {
    const remove = { name: 'web-none', namespace: 'team-a' }
    const agent = await connectV1({ url: stand.url, token: await stand.idp.exchange(alice) })
    const answer = await agent.callTool('pods_delete', remove)
    expect(answer).toMatchObject({ isError: true })
    expect(decisionOf(answer.meta)).toMatchObject({ reason: 'guardrail.violated', policyReason: 'PeopleOnly' })
    await agent.close()

    const person = await connectV1({ url: stand.url, token: alice })
    // The cluster's own answer: the call was passed on.
    expect((await person.callTool('pods_delete', remove)).text).toContain('not found')
    await person.close()
  })

  it('that acts for itself is a machine with an account of its own', async () => {
    const answer = await post(initialize, bearer(await stand.idp.clientToken()))
    expect(answer.status).toBe(200)
    const record = await stand.authz.record(decisionIdOf(answer))
    expect(record).toMatchObject({ subject: { kind: 'machine', user: 'service-account-sre-agent' } })
  })

  it('logs in by what the challenge says, with nothing but the URL and its own secret', async () => {
    const authProvider = new ClientCredentialsProvider({ clientId: 'sre-agent', clientSecret: 'sre-agent-demo-secret' })
    const client = new ClientV2({ name: 'e2e', version: '1' })
    await client.connect(new StreamableHTTPClientTransport(new URL(stand.url), { authProvider }))
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toContain('pods_list')
    const token = z.object({ access_token: z.string() }).parse(await authProvider.tokens())
    expect(decodeJwt(token.access_token)).toMatchObject({ iss: stand.idp.issuer, aud: stand.url, sub: 'sre-agent' })
    await client.close()
  })
})

/** The same claims under a key of our own. */
async function forged(token: string): Promise<string> {
  const { privateKey } = await generateKeyPair('ES256')
  const header = { alg: 'ES256', typ: 'at+jwt', kid: 'ours' }
  return new SignJWT(decodeJwt(token)).setProtectedHeader(header).sign(privateKey)
}

function tampered(token: string): string {
  const [header = '', claims = '', signature = ''] = token.split('.')
  const bytes = Buffer.from(signature, 'base64url')
  bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0)
  return [header, claims, bytes.toString('base64url')].join('.')
}

function promoted(token: string): string {
  const [header = '', , signature = ''] = token.split('.')
  const claims = { ...decodeJwt(token), groups: ['system:masters'] }
  return [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.')
}
