import { execFileSync } from 'node:child_process'
import { createHash, randomUUID, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request as httpsRequest, type RequestOptions } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { DEMO_CLIENTS } from '../../src/demo/openid-people.js'
import type { RawAnswer } from '../../src/demo/raw-post.js'
import { readBody } from '../../src/demo/read-body.js'
import { decisionIdOf, errorOf } from './support/answers.js'
import { eventually } from './support/eventually.js'
import { serverSession, startListingServer } from './support/listing-server.js'
import { initialize, request } from './support/messages.js'
import { type Stand, startStand } from './support/stand.js'

/** Callers whose tokens are bound to keys, where answers are seen. */

const PARTNER = 'https://partner.example.com'
const directory = mkdtempSync(join(tmpdir(), 'mcp-authz-bound-callers-'))
const keyFiles = ['current', 'other'].map(name => join(directory, name))
const [current = '', other = ''] = keyFiles
const sessionKey = (letter: string) => letter.repeat(43)

interface Certificate {
  readonly key: string
  readonly cert: string
  readonly file: string
  /** As tokens name it (RFC 8705). */
  readonly thumbprint: string
}

/** Self-signed, so that it is its own authority. */
function certificate(name: string, subjectAltName: string): Certificate {
  const file = join(directory, name)
  const how = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=${name} -addext subjectAltName=${subjectAltName}`
  execFileSync('openssl', [...how.split(' '), '-keyout', `${file}.key`, '-out', `${file}.pem`], { stdio: 'ignore' })
  const cert = readFileSync(`${file}.pem`, 'utf8')
  const thumbprint = createHash('sha256').update(new X509Certificate(cert).raw).digest('base64url')
  return { key: readFileSync(`${file}.key`, 'utf8'), cert, file, thumbprint }
}

let gateway: Certificate
let mine: Certificate
let another: Certificate
let partnerKey: CryptoKey
let proofKey: CryptoKey
let proofJwk: JWK
let stand: Stand

beforeAll(async () => {
  gateway = certificate('gateway', 'IP:127.0.0.1')
  mine = certificate('mine', 'URI:spiffe://acme.com/ns/agents/sa/mine')
  another = certificate('another', 'URI:spiffe://acme.com/ns/agents/sa/another')
  writeFileSync(join(directory, 'ca.pem'), mine.cert + another.cert)
  const partner = await generateKeyPair('ES256')
  partnerKey = partner.privateKey
  const jwk = { ...(await exportJWK(partner.publicKey)), kid: 'partner', alg: 'ES256', use: 'sig' }
  writeFileSync(join(directory, 'partner.json'), JSON.stringify({ keys: [jwk] }))
  const proof = await generateKeyPair('ES256')
  proofKey = proof.privateKey
  proofJwk = await exportJWK(proof.publicKey)
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const policies = `
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer: { url: "https://idp.example.com", audiences: ["https://mcp.example.com/mcp"] }
  claimMappings: { username: { claim: preferred_username, prefix: "" }, groups: { claim: groups, prefix: "" } }
- issuer: { url: "${PARTNER}", audiences: ["https://mcp.example.com/mcp"] }
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
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: kubernetes }
spec: { resource: "https://mcp.example.com/mcp", require: [grants] }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Grant
metadata: { name: get }
spec: { match: { servers: [kubernetes], tools: [pods_get], subjects: [{ kind: Group, name: "system:authenticated" }] } }
`

/** TLS towards clients, whose certificates are asked for, but not required. */
function overTls(template: string): string {
  const [chains, service] = ['    filter_chains:\n    - filters:\n', '              transport_api_version: V3\n']
  if (!template.includes(chains)) throw new Error('the configuration looks different')
  const context = {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
    require_client_certificate: false,
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
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  readonly certificate?: Certificate | undefined
}

async function post({ body, headers, certificate }: Post): Promise<RawAnswer> {
  const options: RequestOptions = {
    ...{ host: '127.0.0.1', port: new URL(stand.url).port, path: '/mcp', method: 'POST', agent: false },
    ca: gateway.cert,
    ...(certificate && { key: certificate.key, cert: certificate.cert }),
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'content-length': Buffer.byteLength(body),
      ...headers,
    },
  }
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(options, response => {
      readBody(response, 1_048_576).then(
        bytes => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: String(bytes ?? '') }),
        reject,
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

const list = request('tools/list', {})
const namesIn = ({ body }: RawAnswer): unknown =>
  JSON.parse(body).result?.tools?.map((tool: { name: string }) => tool.name)

function proofFor(url: string, claims: JWTPayload = {}): Promise<string> {
  return new SignJWT({ jti: randomUUID(), htm: 'POST', htu: url, ...claims })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: proofJwk })
    .setIssuedAt()
    .sign(proofKey)
}

async function dpopToken(): Promise<string> {
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
  return typeof answer === 'object' && answer !== null && 'access_token' in answer ? String(answer.access_token) : ''
}

const athOf = (token: string) => createHash('sha256').update(token).digest('base64url')

const headersWithProof = async (token: string) => ({
  authorization: `DPoP ${token}`,
  dpop: await proofFor(stand.url, { ath: athOf(token) }),
})

function partnerToken(claims: JWTPayload): Promise<string> {
  return new SignJWT({ iss: PARTNER, aud: stand.url, ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'partner', typ: 'at+jwt' })
    .setExpirationTime('5m')
    .sign(partnerKey)
}

const doors = [
  { door: 'ext_proc beside ext_authz', alone: false },
  { door: 'ext_proc alone', alone: true },
]

describe.each(doors)('$door', ({ alone }) => {
  beforeAll(async () => {
    writeFileSync(current, sessionKey('a'))
    writeFileSync(other, '')
    stand = await startStand({
      startServer: () => startListingServer(),
      trust: 'network',
      policies: { 'all.yaml': policies },
      responseDoor: { keys: [], alone },
      config: { sessions: { keys: keyFiles.map(file => ({ file })) } },
      adaptEnvoy: overTls,
    })
  })
  afterAll(() => stand?.stop())
  beforeEach(() => stand.proxy.forget())

  describe('a caller with DPoP proofs', () => {
    it('sees lists, and has a session of its own', async () => {
      const token = await dpopToken()
      const begun = await post({ body: initialize, headers: await headersWithProof(token) })
      expect(begun.status).toBe(200)
      const session = String(begun.headers['mcp-session-id'])
      expect(session).toMatch(new RegExp(`^${serverSession}~`))
      const answer = await post({
        body: list,
        headers: { ...(await headersWithProof(token)), 'mcp-session-id': session, 'x-mcp-authz-session': 'forged' },
      })
      expect(namesIn(answer)).toEqual(['pods_get'])
      const received = stand.proxy.last()?.headers
      expect(received).toMatchObject({ 'mcp-session-id': serverSession })
      expect(received).not.toHaveProperty('x-mcp-authz-session')
      expect(await stand.authz.record(decisionIdOf(answer))).toMatchObject({
        decision: 'allow',
        mcp: { method: 'tools/list', session: 'bound' },
      })
    })

    it('can use each proof once, however many come at the same time', async () => {
      const headers = await headersWithProof(await dpopToken())
      const answers = await Promise.all(Array.from({ length: 8 }, () => post({ body: list, headers })))
      expect(answers.filter(({ status }) => status === 200).map(namesIn)).toEqual([['pods_get']])
      const refused = answers.filter(({ status }) => status !== 200)
      expect(refused.map(answer => [answer.status, errorOf(answer).data.reason])).toEqual(
        Array(7).fill([401, 'identity.proof_replayed']),
      )
      expect((await post({ body: list, headers })).status).toBe(401)
      expect(stand.proxy.count()).toBe(1)
    })

    it('is refused with a proof that is wrong, and is told so', async () => {
      const token = await dpopToken()
      const dpop = await proofFor('https://evil.example/mcp', { ath: athOf(token) })
      const answer = await post({ body: list, headers: { authorization: `DPoP ${token}`, dpop } })
      expect([answer.status, errorOf(answer).data.reason]).toEqual([401, 'identity.proof_invalid'])
    })
  })

  describe('a caller whose token is bound to a certificate', () => {
    const bearer = async () => ({
      authorization: `Bearer ${await partnerToken({ sub: 'carol', cnf: { 'x5t#S256': mine.thumbprint } })}`,
    })

    it('sees lists, and has a session of its own', async () => {
      const begun = await post({ body: initialize, headers: await bearer(), certificate: mine })
      const session = String(begun.headers['mcp-session-id'])
      expect(session).toMatch(new RegExp(`^${serverSession}~`))
      const headers = { ...(await bearer()), 'mcp-session-id': session }
      const answer = await post({ body: list, headers, certificate: mine })
      expect(namesIn(answer)).toEqual(['pods_get'])
      expect(await stand.authz.record(decisionIdOf(answer))).toMatchObject({ mcp: { session: 'bound' } })
    })

    it.each<[string, () => Certificate | undefined, string]>([
      ['without it', () => undefined, 'identity.proof_missing'],
      ['with another', () => another, 'identity.proof_invalid'],
    ])('is refused %s', async (_, certificate, reason) => {
      const answer = await post({ body: list, headers: await bearer(), certificate: certificate() })
      expect([answer.status, errorOf(answer).data.reason]).toEqual([401, reason])
      expect(stand.proxy.count()).toBe(0)
    })
  })

  describe('session keys', () => {
    // Takes two looks of ten seconds.
    it.skipIf(alone)(
      'are rotated while it runs',
      async () => {
        const bearer = { authorization: `Bearer ${await partnerToken({ sub: 'dave' })}` }
        const begin = async () => String((await post({ body: initialize, headers: bearer })).headers['mcp-session-id'])
        const use = async (session: string) =>
          (await post({ body: list, headers: { ...bearer, 'mcp-session-id': session } })).status
        const old = await begin()
        writeFileSync(other, sessionKey('a'))
        writeFileSync(current, sessionKey('b'))
        await eventually(
          'the new keys',
          () => stand.authz.logs.find(line => line.message === 'session keys reloaded'),
          60_000,
        )
        const fresh = await begin()
        expect(fresh.split('~')[1]).not.toBe(old.split('~')[1])
        expect([await use(old), await use(fresh)]).toEqual([200, 200])
      },
      120_000,
    )
  })

  it('complains of nothing', () => {
    expect(stand.envoy.child.lines.filter(line => /\[(?:warning|error|critical)\]/.test(line))).toEqual([])
    expect(stand.authz.logs.filter(({ level }) => level !== 'info')).toEqual([])
  })
})
