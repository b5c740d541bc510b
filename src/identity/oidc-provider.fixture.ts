import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWTPayload, SignJWT } from 'jose'
import { Provider } from 'oidc-provider'
import { request } from 'undici'
import { vi } from 'vitest'
import type { AcceptedAudience, Authenticator } from './authenticator.js'
import { createAuthenticator } from './create-authenticator.js'
import { authenticationYaml, configurationOf, identityYaml } from './identity.fixture.js'
import type { IdentityEvent } from './identity-event.js'
import { KeyRing } from './key-ring.js'
import type { KeySetTimings } from './key-set.js'
import { TokenVerifier } from './token-verifier.js'

/** A certified OpenID provider in this process, against the real clock: discovery, keys and tokens as others make them. */
export interface TestProvider {
  readonly issuer: string
  /** The private keys that it publishes the public part of, the first of each algorithm signs. */
  readonly keys: readonly PrivateJwk[]
  /** Requests for the key set so far. */
  readonly fetches: number
  /** Changes the keys at once, without notice. */
  rotate(keys: readonly PrivateJwk[]): void
  /** Answers every request itself until it is called with undefined: an outage. */
  interrupt(handler: ((request: IncomingMessage, response: ServerResponse) => void) | undefined): void
  /** From the token endpoint, for the client `agent`. */
  token(parameters: Readonly<Record<string, string>>): Promise<string>
  /** Signed with one of its own keys: whatever its administrator could have made. */
  sign(claims: JWTPayload | string, header?: Readonly<Record<string, unknown>>): Promise<string>
  close(): void
}

export interface PrivateJwk {
  readonly kid: string
  readonly alg: string
  readonly [name: string]: unknown
}

export const resource = 'https://mcp.example.com/mcp'
export const otherResource = 'https://other.example.com/mcp'
export const delegation = 'urn:example:delegation'

export const accepted: AcceptedAudience = {
  server: 'kubernetes',
  audiences: [resource],
  urls: [resource],
  identity: 'token',
  anonymous: 'Deny',
}

export interface AuthenticatorOptions {
  /** Default: the clock. */
  readonly now?: () => number
  readonly timings?: Partial<KeySetTimings>
  readonly onEvent?: (event: IdentityEvent) => void
}

/** An authenticator, not yet started, for some providers with the aliases acme0, acme1, …: discovery and keys over HTTP. */
export function authenticatorFor(
  providers: readonly TestProvider[],
  { now = Date.now, timings = {}, onEvent = () => undefined }: AuthenticatorOptions = {},
): Authenticator {
  const jwt = providers.map(
    ({ issuer }) => `- issuer: { url: "${issuer}", audiences: ["${resource}"] }
  claimMappings: { username: { claim: sub, prefix: "" }, groups: { claim: groups, prefix: "" } }`,
  )
  const aliases = providers.map(({ issuer }, index) => `"${issuer}": { alias: acme${index} }`)
  const configuration = configurationOf(
    authenticationYaml(jwt.join('\n')),
    identityYaml(`{ issuers: { ${aliases.join(', ')} } }`),
    { insecureLoopbackIssuers: true },
  )
  return createAuthenticator({
    configuration,
    keyRing: new KeyRing({ now, timings, onEvent }),
    verifier: new TokenVerifier({ now }),
    now,
  })
}

export async function privateJwk(alg: 'ES256' | 'RS256', kid: string = alg): Promise<PrivateJwk> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  return { ...(await exportJWK(privateKey)), alg, kid, use: 'sig' }
}

/** ES256 for `resource`, RS256 for all others. */
export async function startProvider(): Promise<TestProvider> {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  vi.spyOn(console, 'info').mockImplementation(() => undefined)
  let keys: readonly PrivateJwk[] = await Promise.all([privateJwk('ES256'), privateJwk('RS256')])
  let fetches = 0
  let handle: ReturnType<Provider['callback']> | undefined
  let interruption: ((request: IncomingMessage, response: ServerResponse) => void) | undefined
  const server = createServer((incoming, outgoing) => {
    if (incoming.url === '/jwks') fetches++
    if (interruption !== undefined) interruption(incoming, outgoing)
    else handle?.(incoming, outgoing)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const issuer = `http://127.0.0.1:${address.port}`
  const serve = () => {
    handle = provider(issuer, keys).callback()
  }
  serve()
  return {
    issuer,
    get keys() {
      return keys
    },
    get fetches() {
      return fetches
    },
    rotate: next => {
      keys = next
      serve()
    },
    interrupt: handler => {
      interruption = handler
    },
    token: parameters => tokenOf(issuer, parameters),
    sign: async (claims, header = {}) => {
      const jwk = keys.find(({ alg, kid }) => alg === (header.alg ?? 'ES256') && kid === (header.kid ?? kid)) ?? keys[0]
      if (jwk === undefined) throw new Error('no key')
      const key = await importJWK({ ...jwk }, jwk.alg)
      if (key instanceof Uint8Array) throw new Error('not a private key')
      return signed(claims, { alg: jwk.alg, kid: jwk.kid, typ: 'at+jwt', ...header }, key)
    },
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** A token of any claims (a text is taken as it is) under any header that jose does not itself refuse. */
export async function signed(
  claims: JWTPayload | string,
  header: Readonly<Record<string, unknown>> & { readonly alg: string },
  key: CryptoKey,
): Promise<string> {
  if (typeof claims === 'string') {
    const { CompactSign } = await import('jose')
    return new CompactSign(Buffer.from(claims)).setProtectedHeader(header).sign(key)
  }
  return new SignJWT(claims).setProtectedHeader(header).sign(key)
}

function provider(issuer: string, keys: readonly PrivateJwk[]): Provider {
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

async function tokenOf(issuer: string, parameters: Readonly<Record<string, string>>): Promise<string> {
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
