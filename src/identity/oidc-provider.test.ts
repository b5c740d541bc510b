import { createServer } from 'node:http'
import { exportJWK, generateKeyPair } from 'jose'
import { Provider } from 'oidc-provider'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { AcceptedAudience, Authenticator } from './authenticator.js'
import { createAuthenticator } from './create-authenticator.js'
import { authenticationYaml, configurationOf, identityYaml, requestWith } from './identity.fixture.js'
import { KeyRing } from './key-ring.js'
import { TokenVerifier } from './token-verifier.js'

/** A certified OpenID provider in this process, against the real clock: discovery, keys and tokens as others make them. */
const resource = 'https://mcp.example.com/mcp'
const otherResource = 'https://other.example.com/mcp'
const delegation = 'urn:example:delegation'
const accepted: AcceptedAudience = { server: 'kubernetes', audiences: [resource], identity: 'token', anonymous: 'Deny' }

let issuer = ''
let authenticator: Authenticator
let close = () => {}

beforeAll(async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  vi.spyOn(console, 'info').mockImplementation(() => undefined)
  const keys = await Promise.all(
    ['ES256', 'RS256'].map(async alg => ({
      ...(await exportJWK((await generateKeyPair(alg, { extractable: true })).privateKey)),
      alg,
      kid: alg,
      use: 'sig',
    })),
  )
  let handle: ReturnType<Provider['callback']> | undefined
  const server = createServer((incoming, outgoing) => handle?.(incoming, outgoing))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  issuer = `http://127.0.0.1:${address.port}`
  handle = provider(keys).callback()

  const authentication = authenticationYaml(`- issuer: { url: "${issuer}", audiences: ["${resource}"] }
  claimMappings: { username: { claim: sub, prefix: "" }, groups: { claim: groups, prefix: "" } }`)
  const configuration = configurationOf(authentication, identityYaml(`{ issuers: { "${issuer}": { alias: acme } } }`), {
    insecureLoopbackIssuers: true,
  })
  authenticator = createAuthenticator({
    configuration,
    keyRing: new KeyRing({ now: Date.now }),
    verifier: new TokenVerifier({ now: Date.now }),
    now: Date.now,
  })
  await authenticator.start()
  close = () => {
    authenticator.stop()
    server.closeAllConnections()
    server.close()
  }
})
afterAll(() => close())

function provider(keys: readonly object[]): Provider {
  const resourceServer = (audience: string, alg: 'ES256' | 'RS256') => ({
    scope: 'mcp:tools mcp:read',
    audience,
    accessTokenTTL: 300,
    accessTokenFormat: 'jwt' as const,
    jwt: { sign: { alg } },
  })
  const oidc = new Provider(issuer, {
    jwks: { keys: [...keys] },
    clients: [
      {
        client_id: 'agent',
        client_secret: 'agent-secret',
        grant_types: ['client_credentials', delegation],
        redirect_uris: [],
        response_types: [],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    scopes: ['openid', 'mcp:tools', 'mcp:read'],
    findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      dPoP: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo: (_, asked) => resourceServer(asked, asked === resource ? 'ES256' : 'RS256'),
      },
    },
    extraTokenClaims: (_, token) => ({
      groups: ['platform'],
      ...('accountId' in token && token.accountId !== undefined && { act: { sub: token.clientId } }),
    }),
  })
  // A delegation as in RFC 8693, with the person named in the request: the login itself is not what is tested here.
  oidc.registerGrantType(
    delegation,
    async context => {
      const { params, client } = context.oidc
      if (client === undefined || params === undefined) throw new Error('no client')
      const accessToken = new oidc.AccessToken({
        accountId: String(params.person),
        client,
        grantId: 'none',
        gty: delegation,
        scope: 'mcp:read',
      } as never)
      Object.assign(accessToken, {
        resourceServer: new oidc.ResourceServer(resource, resourceServer(resource, 'ES256')),
      })
      context.body = { access_token: await accessToken.save(), token_type: 'Bearer', expires_in: 300 }
    },
    ['person', 'scope'],
  )
  return oidc
}

async function token(parameters: Readonly<Record<string, string>>): Promise<string> {
  const response = await request(`${issuer}/token`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `Basic ${Buffer.from('agent:agent-secret').toString('base64')}`,
    },
    body: new URLSearchParams(parameters).toString(),
  })
  const body: unknown = await response.body.json()
  if (typeof body !== 'object' || body === null || !('access_token' in body) || typeof body.access_token !== 'string')
    throw new Error(`no token: ${JSON.stringify(body)}`)
  return body.access_token
}

const authenticate = async (jwt: string) =>
  authenticator.authenticate(requestWith({ authorization: `Bearer ${jwt}` }), accepted)

describe('oidc-provider', () => {
  it('is discovered', () => {
    expect(authenticator.pending).toEqual([])
    expect(authenticator.issuers).toEqual([{ url: issuer, alias: 'acme' }])
  })

  it('client credentials with a resource: a machine', async () => {
    const answer = await authenticate(await token({ grant_type: 'client_credentials', resource, scope: 'mcp:tools' }))
    expect(answer).toMatchObject({
      ok: true,
      principal: {
        kind: 'machine',
        user: { username: 'agent', groups: ['platform', 'system:authenticated'] },
        scopes: ['mcp:tools'],
        agent: { id: 'agent', issuer: 'acme', assurance: 'attested' },
        agentUser: { username: 'agent:acme:agent' },
        actors: [],
        chainId: '',
      },
    })
  })

  it('delegation: a person through an agent', async () => {
    const answer = await authenticate(await token({ grant_type: delegation, person: 'alice' }))
    expect(answer).toMatchObject({
      ok: true,
      principal: {
        kind: 'user',
        user: { username: 'alice' },
        scopes: ['mcp:read'],
        agent: { id: 'agent', assurance: 'attested' },
        throughAgent: true,
        actors: [{ subject: 'agent', issuer }],
      },
    })
    expect(answer.ok && answer.principal.chainId).toHaveLength(43)
  })

  it('a token for another resource, under another key, is refused for its audience', async () => {
    const jwt = await token({ grant_type: 'client_credentials', resource: otherResource })
    expect(await authenticate(jwt)).toMatchObject({ ok: false, reason: 'identity.audience' })
  })

  it('a token that was changed is refused for its signature', async () => {
    const [header, payload, signature = ''] = (await token({ grant_type: 'client_credentials', resource })).split('.')
    const changed = `${header}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
    expect(await authenticate(changed)).toMatchObject({ ok: false, reason: 'identity.signature' })
  })
})
