import { execFileSync } from 'node:child_process'
import { createHash, randomUUID, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { certificateThumbprint } from './client-certificate.js'
import {
  accepted,
  claimsOf,
  configurationOf,
  epoch,
  FakeIssuer,
  goodClaims,
  identityYaml,
  type RequestInput,
  requestWith,
  type SigningKey,
  setUp,
  signingKey,
} from './identity.fixture.js'

let key: SigningKey
let pem = ''
let otherPem = ''
const directory = mkdtempSync(join(tmpdir(), 'key-proof-'))
beforeAll(async () => {
  key = await signingKey('one')
  pem = certificate('a')
  otherPem = certificate('b')
})
afterAll(() => rmSync(directory, { recursive: true }))

function certificate(name: string): string {
  const path = join(directory, name)
  const how = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=${name}`
  execFileSync('openssl', [...how.split(' '), '-keyout', `${path}.key`, '-out', `${path}.crt`], { stdio: 'ignore' })
  return readFileSync(`${path}.crt`, 'utf8')
}

const thumbprint = (text: string) => createHash('sha256').update(new X509Certificate(text).raw).digest('base64url')

async function client() {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const jwk = await exportJWK(publicKey)
  const { crv, kty, x, y } = jwk
  const jkt = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url')
  const prove = (token: string, more: Readonly<Record<string, unknown>> = {}) =>
    new SignJWT({
      jti: randomUUID(),
      htm: 'POST',
      htu: 'https://mcp.example.com/mcp',
      iat: epoch,
      ath: createHash('sha256').update(token).digest('base64url'),
      ...more,
    })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
      .sign(privateKey)
  return { jkt, prove }
}

const both = '{ proofs: { dpop: {}, mtls: {} } }'

interface Asked {
  readonly spec?: string
  readonly cnf?: unknown
  readonly claims?: Readonly<Record<string, unknown>>
  readonly scheme?: string
  /** Given the token. */
  readonly proof?: (token: string) => Promise<string>
  readonly request?: RequestInput
}

async function ask({ spec = both, cnf, claims, scheme = 'Bearer', proof, request }: Asked) {
  const { authenticator } = await setUp({
    issuer: new FakeIssuer([key]),
    configuration: configurationOf(undefined, identityYaml(spec)),
  })
  const token = await key.sign({ ...goodClaims, ...claims, ...(cnf !== undefined && { cnf }) })
  const input: RequestInput = {
    authorization: `${scheme} ${token}`,
    headers: proof === undefined ? [] : [['dpop', await proof(token)]],
    trust: 'mtls',
    ...request,
  }
  const answer = await authenticator.authenticate(requestWith(input), accepted)
  return answer.ok ? 'ok' : answer.reason
}

describe('a token that is bound to a DPoP key', () => {
  it('is good with a proof, in any case of the scheme, whether or not the gateway is known', async () => {
    const { jkt, prove } = await client()
    for (const scheme of ['DPoP', 'dpop', 'DPOP'])
      expect(await ask({ cnf: { jkt }, scheme, proof: prove, request: { trust: 'none' } })).toBe('ok')
  })

  it('may say so as Keycloak does', async () => {
    const { jkt, prove } = await client()
    const cnf = { jkt, 'kc-jkt-type': 'DPoP' }
    expect(await ask({ cnf, claims: { typ: 'DPoP' }, scheme: 'DPoP', proof: prove })).toBe('ok')
  })

  it('can be shown before it is used, and be used once', async () => {
    const { jkt, prove } = await client()
    const { authenticator } = await setUp({
      issuer: new FakeIssuer([key]),
      configuration: configurationOf(undefined, identityYaml(both)),
    })
    const token = await key.sign({ ...goodClaims, cnf: { jkt } })
    const request = requestWith({ authorization: `DPoP ${token}`, headers: [['dpop', await prove(token)]] })
    const shown = () => authenticator.authenticate(request, accepted, { proof: 'shown' })
    const used = () => authenticator.authenticate(request, accepted)
    const replayed = { ok: false, reason: 'identity.proof_replayed' }
    for (let times = 0; times < 2; times++) expect(await shown()).toMatchObject({ ok: true })
    expect(await used()).toMatchObject({ ok: true })
    expect(await used()).toMatchObject(replayed)
    expect(await shown()).toMatchObject(replayed)
  })

  it('is no bearer token', async () => {
    const { jkt, prove } = await client()
    expect(await ask({ cnf: { jkt }, proof: prove })).toBe('identity.proof_missing')
    expect(await ask({ cnf: { jkt } })).toBe('identity.proof_missing')
    expect(await ask({ cnf: { jkt }, scheme: 'DPoP' })).toBe('identity.proof_missing')
  })

  it('is refused with the proof of another client', async () => {
    const [{ jkt }, { prove }] = [await client(), await client()]
    expect(await ask({ cnf: { jkt }, scheme: 'DPoP', proof: prove })).toBe('identity.proof_invalid')
  })

  it('is refused with a proof for another token, method or URL', async () => {
    const { jkt, prove } = await client()
    for (const more of [{ htm: 'GET' }, { htu: 'https://other.example.com/mcp' }, { ath: 'x' }])
      expect(await ask({ cnf: { jkt }, scheme: 'DPoP', proof: token => prove(token, more) })).toBe(
        'identity.proof_invalid',
      )
  })

  it('is refused where proofs are not configured', async () => {
    const { jkt, prove } = await client()
    expect(await ask({ spec: '{}', cnf: { jkt }, scheme: 'DPoP', proof: prove })).toBe('identity.token_bound')
    expect(await ask({ spec: '{ proofs: { mtls: {} } }', cnf: { jkt }, scheme: 'DPoP', proof: prove })).toBe(
      'identity.token_bound',
    )
  })

  it('is refused where the gateway verified it, because the proof covers its text', async () => {
    const { jkt } = await client()
    const { authenticator } = await setUp({
      issuer: new FakeIssuer([key]),
      configuration: configurationOf(undefined, identityYaml(both)),
    })
    const filterMetadata = new Map([
      [
        'envoy.filters.http.jwt_authn',
        claimsOf({ p: { ...goodClaims, cnf: { jkt } }, h: { alg: 'ES256', typ: 'at+jwt' } }),
      ],
    ])
    const answer = await authenticator.authenticate(requestWith({ trust: 'mtls', filterMetadata }), {
      ...accepted,
      identity: 'gatewayMetadata',
    })
    expect(answer).toMatchObject({ ok: false, reason: 'identity.token_bound' })
  })
})

describe('a token that is bound to nothing', () => {
  it('may come with a proof that nobody looks at, but not with the scheme DPoP', async () => {
    const { prove } = await client()
    expect(await ask({ proof: prove })).toBe('ok')
    expect(await ask({ scheme: 'DPoP', proof: prove })).toBe('identity.proof_invalid')
    expect(await ask({ spec: '{}', scheme: 'DPoP', proof: prove })).toBe('identity.proof_invalid')
  })
})

describe('a token that is bound to a certificate', () => {
  const cnf = (text: string) => ({ 'x5t#S256': thumbprint(text) })

  it('is good over a connection with it', async () => {
    expect(await ask({ cnf: cnf(pem), request: { certificate: pem } })).toBe('ok')
  })

  it('is good where the gateway tells the thumbprint', async () => {
    expect(await ask({ cnf: cnf(pem), request: { certificateThumbprint: thumbprint(pem) } })).toBe('ok')
  })

  it.each<[string, () => RequestInput, string]>([
    ['without one', () => ({}), 'identity.proof_missing'],
    ['with another', () => ({ certificate: otherPem }), 'identity.proof_invalid'],
    [
      'with the thumbprint of another',
      () => ({ certificateThumbprint: thumbprint(otherPem) }),
      'identity.proof_invalid',
    ],
    [
      'with another, whatever thumbprint is told',
      () => ({ certificate: otherPem, certificateThumbprint: thumbprint(pem) }),
      'identity.proof_invalid',
    ],
    [
      'with the thumbprint behind a gateway that is not known',
      () => ({ certificateThumbprint: thumbprint(pem), trust: 'none' }),
      'identity.gateway_untrusted',
    ],
    ['with it as the second of two', () => ({ certificate: otherPem + pem }), 'identity.proof_invalid'],
    ['with something that is none', () => ({ certificate: 'x' }), 'identity.proof_invalid'],
    ['behind a gateway that is not known', () => ({ certificate: pem, trust: 'none' }), 'identity.gateway_untrusted'],
    [
      'with it in a header, which anybody can write',
      () => ({ headers: [['x-forwarded-client-cert', `Cert="${encodeURIComponent(pem)}"`]] }),
      'identity.proof_missing',
    ],
  ])('is refused %s', async (_, request, expected) => {
    expect(await ask({ cnf: cnf(pem), request: request() })).toBe(expected)
  })

  it('is refused where that is not configured', async () => {
    expect(await ask({ spec: '{ proofs: { dpop: {} } }', cnf: cnf(pem), request: { certificate: pem } })).toBe(
      'identity.token_bound',
    )
  })

  it('may be bound to a DPoP key as well, and needs both then', async () => {
    const { jkt, prove } = await client()
    const bound = { ...cnf(pem), jkt }
    expect(await ask({ cnf: bound, scheme: 'DPoP', proof: prove, request: { certificate: pem } })).toBe('ok')
    expect(await ask({ cnf: bound, scheme: 'DPoP', proof: prove })).toBe('identity.proof_missing')
    expect(await ask({ cnf: bound, request: { certificate: pem } })).toBe('identity.proof_missing')
  })
})

describe('a token that is bound in another way', () => {
  it.each([
    ['a key', { jwk: {} }],
    ['a key id', { kid: 'x' }],
    ['a URL', { jku: 'https://evil.example' }],
    ['a key beside a thumbprint', { jkt: 'A'.repeat(43), jwk: {} }],
    ['a thumbprint of another length', { jkt: 'A' }],
    ['a thumbprint that is a number', { jkt: 1 }],
    ['an unknown method', { other: 'x' }],
    ['nothing', {}],
    ['null', null],
    ['a list', []],
  ])('%s', async (_, cnf) => {
    expect(await ask({ cnf, scheme: 'DPoP' })).toBe('identity.token_bound')
  })
})

describe('certificateThumbprint', () => {
  it.each([
    ['no end', '-----BEGIN CERTIFICATE-----\nAAAA'],
    ['nothing inside', '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----'],
    ['other characters', '-----BEGIN CERTIFICATE-----\n%%%%\n-----END CERTIFICATE-----'],
    ['a key', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----'],
  ])('%s', (_, text) => {
    expect(certificateThumbprint(text)).toBeUndefined()
  })
})

describe('a key for nonces', () => {
  const spec = (path: string) => `{ proofs: { dpop: { nonceKeyFile: "${path}" } } }`

  it('asks for a nonce when it can be read', async () => {
    const path = join(directory, 'nonce')
    writeFileSync(path, Buffer.alloc(32, 7))
    const { jkt, prove } = await client()
    expect(await ask({ spec: spec(path), cnf: { jkt }, scheme: 'DPoP', proof: prove })).toBe('identity.proof_nonce')
  })

  it('is there when the first request comes, and is looked for again while it is not', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const path = join(directory, 'late')
      const { authenticator } = await setUp({
        issuer: new FakeIssuer([key]),
        configuration: configurationOf(undefined, identityYaml(spec(path))),
      })
      expect(authenticator.pending).toEqual([`DPoP nonces: ${path} cannot be read: ENOENT`])
      writeFileSync(path, Buffer.alloc(32, 7))
      await vi.advanceTimersByTimeAsync(5000)
      expect(authenticator.ready).toBe(true)
      authenticator.stop()
    } finally {
      vi.useRealTimers()
    }
  })

  it('that cannot be read, or is too short, opens nothing', async () => {
    const { jkt, prove } = await client()
    writeFileSync(join(directory, 'short'), 'x')
    for (const name of ['missing', 'short'])
      expect(await ask({ spec: spec(join(directory, name)), cnf: { jkt }, scheme: 'DPoP', proof: prove })).toBe(
        'dependency.keys_unavailable',
      )
  })
})
