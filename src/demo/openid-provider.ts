import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLocalJWKSet, exportJWK, generateKeyPair, type JWK, jwtVerify } from 'jose'
import type Provider from 'oidc-provider'
import type { ClientMetadata, Configuration, ResourceServer } from 'oidc-provider'
import * as z from 'zod'
import { authorizationCodeLogin, requestToken } from './authorization-code-login.js'
import { loginPage } from './login-page.js'
import { startLoopbackServer, type TlsPair } from './loopback-server.js'
import { createOidcMemoryAdapter } from './oidc-memory-adapter.js'
import { DEMO_ACCOUNTS, DEMO_CLIENTS, type DemoAccount, type DemoClient } from './openid-people.js'

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const REDIRECT_URI = 'http://127.0.0.1/callback'
const TOOLS_SCOPE = 'mcp:tools'
/** Tokens with this scope live for one second. */
const SHORT_LIVED_SCOPE = 'demo:one-second'
const CONSOLE = 'ops-console'
const AGENT = 'sre-agent'

export interface OpenIdProviderOptions {
  /** Default: a free one. */
  readonly port?: number
  /** Audience of the access tokens (RFC 8707); the only resource for which people and programs log in. */
  readonly resource: string
  /** Other resources for which such a token can be exchanged. */
  readonly exchangeable?: readonly string[]
  /** Default: alice and bob, see openid-people.ts. */
  readonly accounts?: readonly DemoAccount[]
  /** Default: ops-console (public) and sre-agent (confidential). */
  readonly clients?: readonly DemoClient[]
  /** Default 300. */
  readonly accessTokenSeconds?: number
  /** What clients may ask for beside `openid`, `mcp:tools` and `offline_access`. Default: nothing. */
  readonly scopes?: readonly string[]
  /** Whether anybody may register a client (RFC 7591), as MCP clients do that nobody has set up. Default: false. */
  readonly registration?: boolean
  /** Serves https, as API servers demand of an issuer. `ca`: what to know the certificate by. Default: plain http. */
  readonly tls?: TlsPair & { readonly ca: string }
}

/** All tokens are access tokens in JWT form (RFC 9068: `typ: at+jwt`, ES256), each issued upon real protocol requests. */
export interface OpenIdProvider {
  readonly issuer: string
  readonly jwksUri: string
  readonly port: number
  /** Signs `username` in through `client` (default ops-console): authorization code flow with PKCE. */
  login(username: string, client?: string): Promise<string>
  /** A token that `client` (default sre-agent) gets for itself: client credentials. `sub` is the client id. */
  clientToken(client?: string): Promise<string>
  /** RFC 8693: `client` (default sre-agent) exchanges a person's token for one that names it in `act`. */
  exchange(subjectToken: string, client?: string): Promise<string>
  /** A token as from `login`, issued for one second, returned `ageSeconds` (default 1) after it has expired. */
  expiredToken(username: string, client?: string, ageSeconds?: number): Promise<string>
  stop(): Promise<void>
}

const Act: z.ZodType<Act> = z.lazy(() => z.object({ sub: z.string(), act: Act.optional() }))
interface Act {
  sub: string
  act?: Act | undefined
}
const SubjectClaims = z.object({ sub: z.string(), scope: z.string().optional(), act: Act.optional() })
const TokenExtra = z.object({ act: Act.optional() }).optional()

/** Starts an OpenID provider (oidc-provider) on 127.0.0.1 with a fresh ES256 key. */
export async function startOpenIdProvider(options: OpenIdProviderOptions): Promise<OpenIdProvider> {
  const { resource, accounts = DEMO_ACCOUNTS, clients = DEMO_CLIENTS, accessTokenSeconds = 300 } = options
  const { scopes: moreScopes = [], registration = false, exchangeable = [], tls } = options
  // Imported late: it prints a warning on Node 20, which concerns only who starts the provider.
  const { Provider, errors } = await import('oidc-provider')
  const keys = await createKeys()

  const resourceServer: ResourceServer = {
    scope: [TOOLS_SCOPE, SHORT_LIVED_SCOPE, ...moreScopes].join(' '),
    audience: resource,
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: 'ES256' } },
  }
  const scopes = ['openid', TOOLS_SCOPE, SHORT_LIVED_SCOPE, ...moreScopes]
  // Clients that register themselves ask for it wherever it is offered.
  if (registration) scopes.push('offline_access')
  const lifetime = (granted: ReadonlySet<string>): number => (granted.has(SHORT_LIVED_SCOPE) ? 1 : accessTokenSeconds)
  const configuration: Configuration = {
    adapter: createOidcMemoryAdapter(),
    jwks: { keys: [keys.privateJwk] },
    cookies: { keys: [crypto.randomUUID()] },
    clients: clients.map(metadataOf),
    clientAuthMethods: ['client_secret_basic', 'none'],
    // What registers itself knows nothing of our keys.
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    scopes,
    pkce: { required: () => true },
    findAccount: (_ctx, id) => {
      const account = accounts.find(({ username }) => username === id)
      return account && { accountId: id, claims: () => ({ sub: id, ...claimsOf(account) }) }
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    // Nobody is asked for consent: the demo's clients are the organisation's own.
    loadExistingGrant: async ctx => {
      const { session, client } = ctx.oidc
      if (!session?.accountId || !client) return undefined
      const grant = new ctx.oidc.provider.Grant({ accountId: session.accountId, clientId: client.clientId })
      grant.addOIDCScope(scopes.join(' '))
      grant.addResourceScope(resource, resourceServer.scope)
      await grant.save()
      return grant
    },
    extraTokenClaims: (_ctx, token) => {
      if (token.kind === 'ClientCredentials') {
        const client = clients.find(({ id }) => id === token.clientId)
        return client && clientClaims(client)
      }
      const account = accounts.find(({ username }) => username === token.accountId)
      return account && { ...claimsOf(account), ...TokenExtra.parse(token.extra) }
    },
    renderError: (ctx, { error, error_description }) => {
      ctx.type = 'text/plain'
      ctx.body = `${error}: ${error_description}`
    },
    ttl: {
      AccessToken: (_ctx, token) => lifetime(token.scopes),
      ClientCredentials: accessTokenSeconds,
      Grant: 3_600,
      IdToken: 300,
      Interaction: 600,
      Session: 3_600,
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      registration: { enabled: registration },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, indicator) => {
          if (indicator !== resource) throw new errors.InvalidTarget()
          return resourceServer
        },
      },
    },
  }

  let handle: (request: IncomingMessage, response: ServerResponse) => void = (_request, response) => {
    response.writeHead(503).end()
  }
  const server = await startLoopbackServer((request, response) => handle(request, response), options.port, tls)
  const issuer = server.url
  const place = { issuer, ...(tls === undefined ? {} : { ca: tls.ca }) }
  const provider = new Provider(issuer, configuration)
  registerTokenExchange(provider)
  const callback = provider.callback()
  const signIn = loginPage(provider, accounts)
  handle = (request, response) => {
    if (request.url?.startsWith('/interaction/')) signIn(request, response)
    else callback(request, response)
  }

  /** RFC 8693. The subject token must be one of ours, for this resource and still valid; `act` keeps the whole chain. */
  function registerTokenExchange(issuing: Provider): void {
    const parameters = ['subject_token', 'subject_token_type', 'resource', 'audience', 'scope', 'requested_token_type']
    issuing.registerGrantType<Readonly<Record<string, unknown>>>(
      TOKEN_EXCHANGE,
      async ctx => {
        const { params, client } = ctx.oidc
        if (typeof params.subject_token !== 'string' || params.subject_token_type !== ACCESS_TOKEN) {
          throw new errors.InvalidRequest('subject_token must be an access token')
        }
        const target = typeof params.resource === 'string' ? params.resource : resource
        if (target !== resource && !exchangeable.includes(target)) throw new errors.InvalidTarget()
        const subject = await verifySubject(params.subject_token)
        if (subject === undefined) throw new errors.InvalidGrant('subject_token is not valid')
        const act: Act = { sub: client.clientId, ...(subject.act === undefined ? {} : { act: subject.act }) }
        const token = new issuing.AccessToken({
          accountId: subject.sub,
          client,
          grantId: crypto.randomUUID(),
          gty: TOKEN_EXCHANGE,
          extra: { act },
          ...(subject.scope === undefined ? {} : { scope: subject.scope }),
        })
        token.resourceServer = new issuing.ResourceServer(target, { ...resourceServer, audience: target })
        const value = await token.save()
        ctx.body = {
          access_token: value,
          issued_token_type: ACCESS_TOKEN,
          token_type: 'Bearer',
          expires_in: token.expiration,
        }
      },
      parameters,
    )
  }

  async function verifySubject(token: string): Promise<z.infer<typeof SubjectClaims> | undefined> {
    try {
      const { payload } = await jwtVerify(token, createLocalJWKSet({ keys: [keys.publicJwk] }), {
        issuer,
        audience: resource,
        typ: 'at+jwt',
        algorithms: ['ES256'],
      })
      return SubjectClaims.parse(payload)
    } catch {
      return undefined
    }
  }

  const knownClient = (id: string): DemoClient => {
    const client = clients.find(candidate => candidate.id === id)
    if (client === undefined) throw new Error(`the demo's OpenID provider knows no client ${id}`)
    return client
  }
  const signInWith = (username: string, clientId: string, scope: string): Promise<string> =>
    authorizationCodeLogin({
      ...place,
      clientId,
      clientSecret: knownClient(clientId).secret,
      redirectUri: REDIRECT_URI,
      resource,
      scope,
      username,
      password: accounts.find(account => account.username === username)?.password ?? '',
    })

  return {
    issuer,
    jwksUri: `${issuer}/jwks`,
    port: server.port,
    login: (username, client = CONSOLE) => signInWith(username, client, `openid ${TOOLS_SCOPE}`),
    clientToken: (client = AGENT) =>
      requestToken(place, client, knownClient(client).secret, {
        grant_type: 'client_credentials',
        resource,
        scope: TOOLS_SCOPE,
      }),
    exchange: (subjectToken, client = AGENT) =>
      requestToken(place, client, knownClient(client).secret, {
        grant_type: TOKEN_EXCHANGE,
        subject_token: subjectToken,
        subject_token_type: ACCESS_TOKEN,
        resource,
      }),
    async expiredToken(username, client = CONSOLE, ageSeconds = 1) {
      const token = await signInWith(username, client, `openid ${TOOLS_SCOPE} ${SHORT_LIVED_SCOPE}`)
      // One second of life; `exp` has whole seconds, so it is over at most one second later.
      await sleep(1_000 * (1 + ageSeconds))
      return token
    },
    stop: () => server.stop(),
  }
}

/** Only users' tokens carry a name that people know; a machine's is made from its client id, as Keycloak does. */
function claimsOf({ username, groups, tenant }: DemoAccount): Record<string, unknown> {
  return { preferred_username: username, groups, tenant }
}

function clientClaims({ id, groups = [], tenant }: DemoClient): Record<string, unknown> {
  return { preferred_username: `service-account-${id}`, groups, ...(tenant === undefined ? {} : { tenant }) }
}

function metadataOf({ id, secret }: DemoClient): ClientMetadata {
  const common: ClientMetadata = {
    client_id: id,
    redirect_uris: [REDIRECT_URI],
    response_types: ['code'],
    id_token_signed_response_alg: 'ES256',
  }
  return secret === undefined
    ? { ...common, token_endpoint_auth_method: 'none', grant_types: ['authorization_code'] }
    : {
        ...common,
        client_secret: secret,
        token_endpoint_auth_method: 'client_secret_basic',
        grant_types: ['authorization_code', 'client_credentials', TOKEN_EXCHANGE],
      }
}

async function createKeys(): Promise<{ privateJwk: JWK; publicJwk: JWK }> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const named = { alg: 'ES256', use: 'sig', kid: crypto.randomUUID() }
  return {
    privateJwk: { ...(await exportJWK(privateKey)), ...named },
    publicJwk: { ...(await exportJWK(publicKey)), ...named },
  }
}
