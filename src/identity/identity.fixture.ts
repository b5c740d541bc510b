import { type CryptoKey, exportJWK, generateKeyPair, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose'
import { readDocuments } from '../documents/read-documents.js'
import type { SourceDocument } from '../documents/source-document.js'
import type { InboundRequest, ListenerTrust } from '../protocol/inbound-request.js'
import type { JsonObject } from '../protocol/json-value.js'
import { RequestHeaders } from '../protocol/request-headers.js'
import { parseStrictJson } from '../protocol/strict-json.js'
import { type AuthenticationOptions, readAuthenticationConfiguration } from './authentication-configuration.js'
import type { AcceptedAudience } from './authenticator.js'
import { createAuthenticator } from './create-authenticator.js'
import type { Fetcher } from './fetch-bytes.js'
import { combineIdentity, type IdentityConfiguration } from './identity-configuration.js'
import { readIdentityDocument } from './identity-document.js'
import type { IdentityEvent } from './identity-event.js'
import { KeyRing } from './key-ring.js'
import type { KeySetTimings } from './key-set.js'
import type { ClusterConnections } from './load-keys.js'
import { TokenVerifier, type TokenVerifierOptions } from './token-verifier.js'

export const issuerUrl = 'https://idp.example.com/realms/acme'
export const audience = 'mcp-gateway'
/** 2026-11-21, in seconds. */
export const epoch = 1_795_219_200

export function documentOf(text: string): SourceDocument {
  const { documents, findings } = readDocuments('/etc/mcp-authz/identity.yaml', text)
  const [document] = documents
  if (document === undefined || findings.length > 0)
    throw new Error(`fixture does not load: ${JSON.stringify(findings)}`)
  return document
}

export const authenticationYaml = (jwt = '') => `
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
${
  jwt === ''
    ? `- issuer: { url: "${issuerUrl}", audiences: [${audience}] }
  claimMappings: { username: { claim: sub, prefix: "" }, groups: { claim: groups, prefix: "" } }`
    : jwt
}
`

export const identityYaml = (spec: string) => `
apiVersion: mcp-authz.dev/v1alpha1
kind: Identity
metadata: { name: default }
spec: ${spec}
`

/** A configuration from texts; throws when they do not load without errors. */
export function configurationOf(
  authentication = authenticationYaml(),
  identity?: string,
  options: AuthenticationOptions = {},
): IdentityConfiguration {
  const read = readAuthenticationConfiguration(documentOf(authentication), options)
  const said = identity === undefined ? undefined : readIdentityDocument(documentOf(identity), options)
  const findings = [...read.findings, ...(said?.findings ?? [])]
  if (read.value === undefined || (said !== undefined && said.value === undefined))
    throw new Error(`fixture does not load: ${JSON.stringify(findings)}`)
  const combined = combineIdentity([read.value], said?.value)
  if (combined.value === undefined) throw new Error(`fixture does not combine: ${JSON.stringify(combined.findings)}`)
  return combined.value
}

export function claimsOf(claims: Readonly<Record<string, unknown>>): JsonObject {
  const parsed = parseStrictJson(Buffer.from(JSON.stringify(claims)))
  if (!parsed.ok || !(parsed.value instanceof Map)) throw new Error('fixture claims are not an object')
  return parsed.value
}

export interface SigningKey {
  readonly kid: string
  readonly algorithm: string
  readonly privateKey: CryptoKey
  readonly publicJwk: Readonly<Record<string, unknown>>
  sign(claims: JWTPayload, header?: Partial<JWTHeaderParameters>): Promise<string>
}

export async function signingKey(kid: string, algorithm = 'ES256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  const publicJwk = { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' }
  const sign: SigningKey['sign'] = (claims, header = {}) =>
    new SignJWT(claims).setProtectedHeader({ alg: algorithm, kid, typ: 'at+jwt', ...header }).sign(privateKey)
  return { kid, algorithm, privateKey, publicJwk, sign }
}

/** A JWT of anything, signed by nobody. */
export function unsigned(header: unknown, claims: unknown, signature = 'AAAA'): string {
  const encode = (value: unknown) =>
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
  return `${encode(header)}.${encode(claims)}.${signature}`
}

export const accepted: AcceptedAudience = {
  server: 'kubernetes',
  audiences: [audience],
  urls: ['https://mcp.example.com/mcp'],
  identity: 'token',
  anonymous: 'Deny',
}

export interface RequestInput {
  readonly authorization?: string | readonly string[]
  readonly principal?: string
  readonly trust?: ListenerTrust
  readonly filterMetadata?: ReadonlyMap<string, JsonObject>
  readonly deadline?: number
  /** Beside `authorization`. */
  readonly headers?: readonly (readonly [name: string, value: string])[]
  readonly certificate?: string
  readonly certificateThumbprint?: string
  readonly extensions?: ReadonlyMap<string, string>
}

export function requestWith({
  authorization = [],
  principal = '',
  trust = 'none',
  filterMetadata = new Map(),
  deadline,
  headers = [],
  certificate,
  certificateThumbprint,
  extensions = new Map(),
}: RequestInput): InboundRequest {
  const values = typeof authorization === 'string' ? [authorization] : authorization
  return {
    method: 'POST',
    scheme: 'https',
    authority: 'mcp.example.com',
    path: '/mcp',
    query: undefined,
    headers: RequestHeaders.from([...values.map(value => ['authorization', value] as const), ...headers]),
    body: { state: 'absent' },
    peer: {
      ...{ address: '', principal },
      ...(certificate !== undefined && { certificate }),
      ...(certificateThumbprint !== undefined && { certificateThumbprint }),
    },
    context: { extensions, routeMetadata: new Map(), filterMetadata },
    traceparent: undefined,
    deadline,
    listener: { name: 'default', door: 'ext-authz', profile: 'envoy', trust },
  }
}

/** Answers for discovery documents and key sets from memory, and counts. */
export class FakeIssuer {
  keys: readonly Readonly<Record<string, unknown>>[]
  down = false
  hangs = false
  fetches = 0
  readonly issuer: string

  constructor(keys: readonly SigningKey[], issuer = issuerUrl) {
    this.keys = keys.map(({ publicJwk }) => publicJwk)
    this.issuer = issuer
  }

  readonly fetcher: Fetcher = async ({ url }) => {
    if (this.hangs) return new Promise(() => undefined)
    if (this.down) return { ok: false, message: 'down' }
    const discovery = url.endsWith('/.well-known/openid-configuration')
    if (!discovery) this.fetches++
    const answer = discovery ? { issuer: this.issuer, jwks_uri: `${this.issuer}/certs` } : { keys: this.keys }
    return { ok: true, bytes: Buffer.from(JSON.stringify(answer)) }
  }
}

export interface SetUp {
  readonly issuer: FakeIssuer
  readonly configuration?: IdentityConfiguration
  readonly timings?: Partial<KeySetTimings>
  readonly verifier?: Partial<TokenVerifierOptions>
  readonly clusters?: ClusterConnections
}

/** A started authenticator with a clock that tests move. */
export async function setUp({ issuer, configuration = configurationOf(), timings, verifier: limits, clusters }: SetUp) {
  const clock = { seconds: epoch }
  const now = () => clock.seconds * 1000
  const events: IdentityEvent[] = []
  const common = { now, onEvent: (event: IdentityEvent) => events.push(event), ...(clusters && { clusters }) }
  const keyRing = new KeyRing({ ...common, fetcher: issuer.fetcher, ...(timings && { timings }) })
  const verifier = new TokenVerifier({ now, ...limits })
  const authenticator = createAuthenticator({ ...common, configuration, keyRing, verifier })
  await authenticator.start()
  return { authenticator, verifier, keyRing, clock, now, events }
}

export const goodClaims = {
  iss: issuerUrl,
  aud: audience,
  sub: 'alice',
  exp: epoch + 300,
  groups: ['staff'],
  client_id: 'cli',
}
