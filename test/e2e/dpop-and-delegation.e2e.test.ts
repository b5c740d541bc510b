import { execFileSync } from 'node:child_process'
import { createHash, randomUUID, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type RequestOptions, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startLoopbackServer } from '../../src/demo/loopback-server.js'
import { DEMO_CLIENTS } from '../../src/demo/openid-people.js'
import type { RawAnswer } from '../../src/demo/raw-post.js'
import { readBody } from '../../src/demo/read-body.js'
import { decisionIdOf, errorOf } from './support/answers.js'
import { toolsCall } from './support/messages.js'
import { type Stand, startStand } from './support/stand.js'

const PARTNER = 'https://partner.example.com'
const PEOPLE = 'people-through-agents'
const WORKLOAD = 'spiffe://acme.com/ns/agents/sa/kagent'

interface Certificate {
  readonly key: string
  readonly cert: string
  readonly file: string
  /** As tokens name it (RFC 8705). */
  readonly thumbprint: string
}

const directory = mkdtempSync(join(tmpdir(), 'mcp-authz-bound-'))
let gateway: Certificate
let kagent: Certificate
let unlisted: Certificate
let partnerKey: CryptoKey
let proofKey: CryptoKey
let proofJwk: JWK
let stand: Stand

beforeAll(async () => {
  gateway = certificate('gateway', 'IP:127.0.0.1')
  kagent = certificate('kagent', `URI:${WORKLOAD}`)
  unlisted = certificate('unlisted', 'URI:spiffe://acme.com/ns/other/sa/kagent')
  writeFileSync(join(directory, 'ca.pem'), kagent.cert + unlisted.cert)
  const partner = await generateKeyPair('ES256')
  partnerKey = partner.privateKey
  const jwk = { ...(await exportJWK(partner.publicKey)), kid: 'partner', alg: 'ES256', use: 'sig' }
  writeFileSync(join(directory, 'partner.json'), JSON.stringify({ keys: [jwk] }))
  const proof = await generateKeyPair('ES256')
  proofKey = proof.privateKey
  proofJwk = await exportJWK(proof.publicKey)
  stand = await startStand({
    startServer: async () => {
      const server = await startLoopbackServer((_, response) => response.end('{"jsonrpc":"2.0","id":1,"result":{}}'))
      return { origin: server.url, stop: server.stop }
    },
    trust: 'network',
    policies: { 'all.yaml': policies },
    adaptEnvoy: overTls,
  })
})
afterAll(async () => {
  await stand?.stop()
  rmSync(directory, { recursive: true, force: true })
})
beforeEach(() => stand.proxy.forget())

const policies = `
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer: { url: "https://idp.example.com", audiences: ["https://mcp.example.com/mcp"] }
  claimMappings: { username: { claim: preferred_username, prefix: "" }, groups: { claim: groups, prefix: "" } }
- issuer: { url: "${PARTNER}", audiences: ["https://mcp.example.com/mcp", ${PEOPLE}], audienceMatchPolicy: MatchAny }
  claimMappings: { username: { claim: sub, prefix: "partner:" }, groups: { claim: groups, prefix: "partner:" } }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Identity
metadata: { name: default }
spec:
  issuers:
    "https://idp.example.com": { alias: demo }
    "${PARTNER}": { alias: partner, jwksFile: "${join(directory, 'partner.json')}" }
  proofs: { dpop: {}, mtls: {} }
  onBehalfOf:
  - { header: x-on-behalf-of, format: jwt, agents: ["demo:sre-agent"], audiences: [${PEOPLE}] }
  - { header: x-acting-for, format: plain, workloads: ["spiffe://acme.com/ns/agents/sa/*"], prefix: "kagent:" }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: kubernetes }
spec: { resource: "https://mcp.example.com/mcp", require: [grants] }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Grant
metadata: { name: everybody }
spec: { match: { servers: [kubernetes], subjects: [{ kind: Group, name: "system:authenticated" }] } }
`

/** Self-signed, so that it is its own authority. */
function certificate(name: string, subjectAltName: string): Certificate {
  const file = join(directory, name)
  const how = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=${name} -addext subjectAltName=${subjectAltName}`
  execFileSync('openssl', [...how.split(' '), '-keyout', `${file}.key`, '-out', `${file}.pem`], { stdio: 'ignore' })
  const cert = readFileSync(`${file}.pem`, 'utf8')
  const thumbprint = createHash('sha256').update(new X509Certificate(cert).raw).digest('base64url')
  return { key: readFileSync(`${file}.key`, 'utf8'), cert, file, thumbprint }
}

/** TLS towards clients, whose certificates are asked for, but not required. */
function overTls(template: string): string {
  const [chains, service] = ['    filter_chains:\n    - filters:\n', '              transport_api_version: V3\n']
  if (!template.includes(chains) || !template.includes(service)) throw new Error('envoy/ext-authz.yaml looks different')
  const context = {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
    common_tls_context: {
      tls_certificates: [
        { certificate_chain: { filename: `${gateway.file}.pem` }, private_key: { filename: `${gateway.file}.key` } },
      ],
      validation_context: { trusted_ca: { filename: join(directory, 'ca.pem') } },
    },
  }
  const socket = JSON.stringify({ name: 'envoy.transport_sockets.tls', typed_config: context })
  return template
    .replace(chains, `    filter_chains:\n    - transport_socket: ${socket}\n      filters:\n`)
    .replace(service, `${service}              include_peer_certificate: true\n`)
}

interface Post {
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  /** Of the client. */
  readonly certificate?: Certificate | undefined
}

async function post({ headers, certificate }: Post): Promise<RawAnswer> {
  const body = toolsCall('echo', {})
  const options: RequestOptions = {
    host: '127.0.0.1',
    port: new URL(stand.url).port,
    path: '/mcp',
    method: 'POST',
    ca: gateway.cert,
    agent: false,
    ...(certificate && { key: certificate.key, cert: certificate.cert }),
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'content-length': Buffer.byteLength(body),
      ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat()])),
    },
  }
  return new Promise((resolve, reject) => {
    const sent = request(options, response => {
      readBody(response, 1_048_576).then(
        bytes => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: String(bytes ?? '') }),
        reject,
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

const received = (name: string) => stand.proxy.last()?.headers[name]

async function proofFor(url: string, claims: JWTPayload = {}): Promise<string> {
  return new SignJWT({ jti: randomUUID(), htm: 'POST', htu: url, ...claims })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: proofJwk })
    .setIssuedAt()
    .sign(proofKey)
}

/** As a client gets it, with a proof for the token endpoint. */
async function boundToken(): Promise<string> {
  const url = `${stand.idp.issuer}/token`
  const secret = DEMO_CLIENTS.find(({ id }) => id === 'sre-agent')?.secret
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`sre-agent:${secret}`).toString('base64')}`,
      dpop: await proofFor(url),
    },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: stand.url, scope: 'mcp:tools' }),
  })
  const answer: unknown = await response.json()
  expect(answer).toMatchObject({ token_type: 'DPoP' })
  return typeof answer === 'object' && answer !== null && 'access_token' in answer ? String(answer.access_token) : ''
}

const athOf = (token: string) => createHash('sha256').update(token).digest('base64url')

function partnerToken(claims: JWTPayload): Promise<string> {
  return new SignJWT({ iss: PARTNER, aud: stand.url, ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'partner', typ: 'at+jwt' })
    .setExpirationTime('5m')
    .sign(partnerKey)
}

describe('a token that is bound to a DPoP key', () => {
  it('is good once per proof, and the challenge says what was wrong', async () => {
    const token = await boundToken()
    const proof = await proofFor(stand.url, { ath: athOf(token) })
    const headers = { authorization: `DPoP ${token}`, dpop: proof }
    expect(await post({ headers })).toMatchObject({ status: 200 })
    expect(received('x-mcp-authz-agent')).toBe('demo:sre-agent;assurance=attested')
    expect([received('dpop'), received('authorization')]).toEqual([undefined, undefined])
    const replayed = await post({ headers })
    expect(replayed.status).toBe(401)
    expect(errorOf(replayed).data.reason).toBe('identity.proof_replayed')
    expect(replayed.headers['www-authenticate']).toMatch(
      /^Bearer .+, DPoP error="invalid_dpop_proof", .*algs="[^"]*ES256/,
    )
    expect(
      await post({ headers: { ...headers, dpop: await proofFor(stand.url, { ath: athOf(token) }) } }),
    ).toMatchObject({ status: 200 })
    expect(stand.proxy.count()).toBe(2)
  })

  it.each<[string, (token: string) => Promise<Post['headers']>, string]>([
    ['as a bearer token', async token => ({ authorization: `Bearer ${token}` }), 'identity.proof_missing'],
    ['without proof', async token => ({ authorization: `DPoP ${token}` }), 'identity.proof_missing'],
    [
      'with a proof for another place',
      async token => ({
        authorization: `DPoP ${token}`,
        dpop: await proofFor('https://evil.example/mcp', { ath: athOf(token) }),
      }),
      'identity.proof_invalid',
    ],
  ])('is refused %s', async (_, headers, reason) => {
    const answer = await post({ headers: await headers(await boundToken()) })
    expect(answer.status).toBe(401)
    expect(errorOf(answer).data.reason).toBe(reason)
    expect(stand.proxy.count()).toBe(0)
  })

  it.each(['authorization', 'dpop'])('is refused with a second header %s', async name => {
    const token = await boundToken()
    const once = { authorization: `DPoP ${token}`, dpop: await proofFor(stand.url, { ath: athOf(token) }) }
    const second = { authorization: `Bearer ${token}`, dpop: await proofFor(stand.url, { ath: athOf(token) }) }
    const twice = name === 'dpop' ? [once.dpop, second.dpop] : [once.authorization, second.authorization]
    const answer = await post({ headers: { ...once, [name]: twice } })
    expect(answer.status).toBe(400)
    expect(errorOf(answer).data.reason).toBe('framing.header_repeated')
    expect(stand.proxy.count()).toBe(0)
  })
})

describe('a token that is bound to a certificate', () => {
  const bound = () => partnerToken({ sub: 'carol', cnf: { 'x5t#S256': kagent.thumbprint } })

  it('is good over a connection with it', async () => {
    const headers = { authorization: `Bearer ${await bound()}` }
    expect(await post({ headers, certificate: kagent })).toMatchObject({ status: 200 })
    expect(received('x-mcp-authz-user')).toBe('partner:carol')
  })

  it.each<[string, () => Certificate | undefined, string]>([
    ['without one', () => undefined, 'identity.proof_missing'],
    ['with another', () => unlisted, 'identity.proof_invalid'],
  ])('is refused %s, whatever a header says', async (_, certificate, reason) => {
    const claim = `Hash=x;Cert="${encodeURIComponent(kagent.cert)}"`
    const headers = { authorization: `Bearer ${await bound()}`, 'x-forwarded-client-cert': claim }
    const answer = await post({ headers, certificate: certificate() })
    expect(answer.status).toBe(401)
    expect(errorOf(answer).data.reason).toBe(reason)
    expect(stand.proxy.count()).toBe(0)
  })
})

describe('a person named beside the token of an agent', () => {
  const person = (claims: JWTPayload = {}) => partnerToken({ sub: 'dave', aud: PEOPLE, groups: ['sre'], ...claims })
  const agent = async (client = 'sre-agent') => `Bearer ${await stand.idp.clientToken(client)}`

  it('is the user, and the agent the agent, in headers and record', async () => {
    const answer = await post({ headers: { authorization: await agent(), 'x-on-behalf-of': await person() } })
    expect(answer.status).toBe(200)
    expect(received('x-mcp-authz-user')).toBe('partner:dave')
    expect(received('x-mcp-authz-groups')).toBe('partner:sre,system:authenticated')
    expect(received('x-mcp-authz-agent')).toBe('demo:sre-agent;assurance=attested')
    expect([received('x-on-behalf-of'), received('authorization')]).toEqual([undefined, undefined])
    expect(await stand.authz.record(decisionIdOf(answer))).toMatchObject({
      decision: 'allow',
      subject: { user: 'partner:dave', issuer: PARTNER },
      agent: { id: 'sre-agent', issuer: 'demo', assurance: 'attested' },
      actors: ['sre-agent'],
      chain_id: received('x-mcp-authz-chain'),
      on_behalf_of: 'jwt',
    })
  })

  it('may be named by a workload that is listed', async () => {
    const headers = { authorization: await agent(), 'x-acting-for': 'erin' }
    const answer = await post({ headers, certificate: kagent })
    expect(answer.status).toBe(200)
    expect([received('x-mcp-authz-user'), received('x-acting-for')]).toEqual(['kagent:erin', undefined])
    expect(await stand.authz.record(decisionIdOf(answer))).toMatchObject({ workload: WORKLOAD, on_behalf_of: 'plain' })
  })

  it.each<[string, () => Promise<Post>]>([
    [
      'by an agent that is not listed',
      async () => ({ headers: { authorization: await agent('release-planner'), 'x-on-behalf-of': await person() } }),
    ],
    [
      'by a person',
      async () => ({
        headers: { authorization: `Bearer ${await stand.idp.login('alice')}`, 'x-on-behalf-of': await person() },
      }),
    ],
    [
      'twice',
      async () => ({ headers: { authorization: await agent(), 'x-on-behalf-of': [await person(), await person()] } }),
    ],
    [
      'by a token for the server itself',
      async () => ({
        headers: { authorization: await agent(), 'x-on-behalf-of': await person({ aud: stand.url }) },
      }),
    ],
    ['by name without mTLS', async () => ({ headers: { authorization: await agent(), 'x-acting-for': 'erin' } })],
    [
      'by name from a workload that is not listed',
      async () => ({ headers: { authorization: await agent(), 'x-acting-for': 'erin' }, certificate: unlisted }),
    ],
    [
      'by an encoded name',
      async () => ({ headers: { authorization: await agent(), 'x-acting-for': 'er%69n' }, certificate: kagent }),
    ],
  ])('is refused %s', async (_, make) => {
    const answer = await post(await make())
    expect(await stand.authz.record(decisionIdOf(answer))).toMatchObject({
      decision: 'deny',
      reason: 'identity.on_behalf_of',
    })
    expect(stand.proxy.count()).toBe(0)
  })

  it('in a header with underscores names nobody, and goes no further', async () => {
    const answer = await post({ headers: { authorization: await agent(), x_on_behalf_of: await person() } })
    expect(answer.status).toBe(200)
    expect(received('x-mcp-authz-user')).toBe('service-account-sre-agent')
    expect(received('x_on_behalf_of')).toBe(undefined)
  })
})
