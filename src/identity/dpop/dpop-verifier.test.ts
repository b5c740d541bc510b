import { createHash, randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { RequestHeaders } from '../../protocol/request-headers.js'
import type { ProofUse } from '../authenticator.js'
import { epoch, unsigned } from '../identity.fixture.js'
import { DpopNonce } from './dpop-nonce.js'
import { type DpopRules, DpopVerifier } from './dpop-verifier.js'

const url = 'https://mcp.example.com/mcp'
const token = 'header.claims.signature'
const ath = createHash('sha256').update(token).digest('base64url')

interface Pair {
  readonly privateKey: CryptoKey
  readonly publicJwk: JWK
  readonly privateJwk: JWK
  readonly jkt: string
}

async function pairOf(algorithm: string): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  const publicJwk = await exportJWK(publicKey)
  const { kty, crv, x, y, e, n } = publicJwk
  const canonical = kty === 'EC' ? { crv, kty, x, y } : { e, kty, n }
  const jkt = createHash('sha256').update(JSON.stringify(canonical)).digest('base64url')
  return { privateKey, publicJwk, privateJwk: await exportJWK(privateKey), jkt }
}

let client: Pair
let thief: Pair
let rsa: Pair
beforeAll(async () => {
  ;[client, thief, rsa] = await Promise.all([pairOf('ES256'), pairOf('ES256'), pairOf('RS256')])
})

const claims = (more: Readonly<Record<string, unknown>> = {}) => ({
  jti: randomUUID(),
  htm: 'POST',
  htu: url,
  iat: epoch,
  ath,
  ...more,
})

interface Signing {
  readonly pair?: Pair
  readonly algorithm?: string
  readonly header?: Readonly<Record<string, unknown>>
}

function sign(
  payload: Readonly<Record<string, unknown>>,
  { pair = client, algorithm = 'ES256', header }: Signing = {},
) {
  return new SignJWT(payload)
    .setProtectedHeader({ alg: algorithm, typ: 'dpop+jwt', jwk: pair.publicJwk, ...header })
    .sign(pair.privateKey)
}

const plainRules: DpopRules = { leeway: 300_000, nonce: undefined }

function check(
  verifier: DpopVerifier,
  proof: string | readonly string[],
  rules = plainRules,
  jkt = client.jkt,
  use?: ProofUse,
) {
  const values = typeof proof === 'string' ? [proof] : proof
  const headers = RequestHeaders.from(values.map(value => ['dpop', value] as const))
  return verifier.check({ request: { method: 'POST', headers }, token, jkt, owner: jkt, urls: [url] }, rules, use)
}

const show = (verifier: DpopVerifier, proof: string, rules = plainRules) =>
  check(verifier, proof, rules, client.jkt, 'shown')

const verifierAt = (clock = { seconds: epoch }, limits = {}) =>
  new DpopVerifier({ now: () => clock.seconds * 1000, ...limits })

describe('a good proof', () => {
  it.each(['ES256', 'ES384', 'ES512', 'RS256', 'PS256'])('may be signed with %s', async algorithm => {
    const pair = await pairOf(algorithm)
    const proof = await sign(claims(), { pair, algorithm })
    expect(await check(verifierAt(), proof, plainRules, pair.jkt)).toEqual({ ok: true })
  })

  it.each([
    ['a query in htu', { htu: `${url}?a=b` }],
    ['a fragment in htu', { htu: `${url}#a` }],
    ['capitals and the default port in htu', { htu: 'HTTPS://MCP.example.com:443/mcp' }],
    ['the oldest issue time', { iat: epoch - 300 }],
    ['the latest issue time', { iat: epoch + 300 }],
    ['a nonce that nobody asked for', { nonce: 'x' }],
    ['an expiry', { exp: epoch + 1 }],
  ])('may have %s', async (_, more) => {
    expect(await check(verifierAt(), await sign(claims(more)))).toEqual({ ok: true })
  })

  it('is for every URL of the server', async () => {
    const headers = RequestHeaders.from([['dpop', await sign(claims({ htu: 'https://mcp.example.com/messages' }))]])
    const proven = { request: { method: 'POST', headers }, token, jkt: client.jkt, owner: 'alice' }
    const urls = ['https://mcp.example.com/sse', 'https://mcp.example.com/messages']
    expect(await verifierAt().check({ ...proven, urls }, plainRules)).toEqual({ ok: true })
  })
})

describe('a proof of something else', () => {
  it.each([
    ['another key', () => sign(claims(), { pair: thief }), 'another key'],
    [
      "the client's key in the header, signed by another",
      () => sign(claims(), { pair: { ...thief, publicJwk: client.publicJwk } }),
      'signature',
    ],
    ['another method', () => sign(claims({ htm: 'GET' })), 'htm'],
    ['a method in other case', () => sign(claims({ htm: 'post' })), 'htm'],
    ['another path', () => sign(claims({ htu: 'https://mcp.example.com/other' })), 'htu'],
    ['a longer path', () => sign(claims({ htu: `${url}/` })), 'htu'],
    ['another host', () => sign(claims({ htu: 'https://evil.example/mcp' })), 'htu'],
    ['another scheme', () => sign(claims({ htu: 'http://mcp.example.com/mcp' })), 'htu'],
    ['our host as user information', () => sign(claims({ htu: 'https://mcp.example.com@evil.example/mcp' })), 'htu'],
    ['no URL', () => sign(claims({ htu: '/mcp' })), 'htu'],
    ['another token', () => sign(claims({ ath: createHash('sha256').update('x').digest('base64url') })), 'ath'],
    ['the hash in hexadecimal', () => sign(claims({ ath: createHash('sha256').update(token).digest('hex') })), 'ath'],
    ['no token', () => sign(claims({ ath: undefined })), 'ath'],
    ['long ago', () => sign(claims({ iat: epoch - 301 })), 'too old'],
    ['the future', () => sign(claims({ iat: epoch + 301 })), 'future'],
    ['an expired one', () => sign(claims({ exp: epoch })), 'too old'],
    ['one that is not valid yet', () => sign(claims({ nbf: epoch + 301 })), 'future'],
    ['no time', () => sign(claims({ iat: undefined })), 'iat'],
    ['a time that is text', () => sign(claims({ iat: String(epoch) })), 'iat'],
    ['no jti', () => sign(claims({ jti: undefined })), 'jti'],
    ['an empty jti', () => sign(claims({ jti: '' })), 'jti'],
    ['a jti that is too long', () => sign(claims({ jti: 'x'.repeat(257) })), 'jti'],
    ['no htm', () => sign(claims({ htm: undefined })), 'htm'],
    ['no htu', () => sign(claims({ htu: undefined })), 'htu'],
  ])('%s', async (_, make, message) => {
    const checked = await check(verifierAt(), await make())
    expect(checked).toMatchObject({ ok: false, reason: 'identity.proof_invalid' })
    expect(checked.ok ? '' : checked.message).toContain(message)
  })
})

describe('a proof that is none', () => {
  const of = (header: Readonly<Record<string, unknown>>) => () =>
    unsigned({ typ: 'dpop+jwt', alg: 'ES256', jwk: client.publicJwk, ...header }, claims())

  it.each([
    ['another type', of({ typ: 'jwt' })],
    ['no type', of({ typ: undefined })],
    ['an access token', of({ typ: 'at+jwt' })],
    ['no algorithm', of({ alg: 'none' })],
    ['HS256 with the public key', of({ alg: 'HS256' })],
    ['EdDSA', of({ alg: 'EdDSA' })],
    ['an algorithm that is a list', of({ alg: ['ES256'] })],
    ['an algorithm of another curve', of({ alg: 'ES384' })],
    ['an algorithm of another kind of key', of({ alg: 'RS256' })],
    ['no key', of({ jwk: undefined })],
    ['a key that is text', of({ jwk: 'x' })],
    ['a private key', () => of({ jwk: client.privateJwk })()],
    ['a symmetric key', of({ jwk: { kty: 'oct', k: 'AAAA' } })],
    ['a key without a point', () => of({ jwk: { ...client.publicJwk, y: undefined } })()],
    ['a key that is not base64url', () => of({ jwk: { ...client.publicJwk, y: '+'.repeat(43) } })()],
    ['a key id in the place of a key', of({ jwk: undefined, kid: 'one' })],
    ['a URL in the place of a key', of({ jwk: undefined, jku: 'https://evil.example/keys' })],
    ['a small RSA key', of({ alg: 'RS256', jwk: { kty: 'RSA', e: 'AQAB', n: 'A'.repeat(171) } })],
    ['a huge RSA key', of({ alg: 'RS256', jwk: { kty: 'RSA', e: 'AQAB', n: 'A'.repeat(2731) } })],
    ['a huge exponent', () => of({ alg: 'RS256', jwk: { ...rsa.publicJwk, e: 'A'.repeat(300) } })()],
    ['critical extensions', of({ crit: ['b64'], b64: false })],
    ['two parts', () => 'a.b'],
    ['four parts', () => 'a.b.c.d'],
    ['no signature', () => `${unsigned({}, {})}`.replace(/[^.]+$/, '')],
    ['characters that are not base64url', () => 'a+b.c.d'],
    ['a header that is a list', () => unsigned([], claims())],
    ['a header with a key twice', () => unsigned('{"typ":"dpop+jwt","typ":"dpop+jwt"}', claims())],
    ['claims that are no JSON', () => unsigned({ typ: 'dpop+jwt', alg: 'ES256', jwk: client.publicJwk }, 'x')],
    ['empty', () => ''],
    ['too long', () => 'a'.repeat(9000)],
    ['two headers', () => ['a.b.c', 'a.b.c']],
    ['two that a gateway joined', () => 'a.b.c, a.b.c'],
  ])('%s', async (_, make) => {
    const verifier = verifierAt()
    expect(await check(verifier, make())).toMatchObject({ ok: false, reason: 'identity.proof_invalid' })
    expect(verifier.size).toEqual({ used: 0, pending: 0 })
  })

  it('a point that is not on the curve', async () => {
    const jwk = { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'A'.repeat(43) }
    const canonical = { crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y }
    const jkt = createHash('sha256').update(JSON.stringify(canonical)).digest('base64url')
    const proof = unsigned({ typ: 'dpop+jwt', alg: 'ES256', jwk }, claims())
    expect(await check(verifierAt(), proof, plainRules, jkt)).toMatchObject({ reason: 'identity.proof_invalid' })
  })

  it('none at all', () => {
    expect(check(verifierAt(), [])).toMatchObject({ ok: false, reason: 'identity.proof_missing' })
  })
})

describe('a proof that is used again', () => {
  it('is refused', async () => {
    const verifier = verifierAt()
    const proof = await sign(claims())
    expect(await check(verifier, proof)).toEqual({ ok: true })
    expect(await check(verifier, proof)).toMatchObject({ ok: false, reason: 'identity.proof_replayed' })
  })

  it('is refused when it comes many times at once', async () => {
    const verifier = verifierAt()
    const proof = await sign(claims())
    const checked = await Promise.all(Array.from({ length: 20 }, () => check(verifier, proof)))
    expect(checked.filter(({ ok }) => ok)).toHaveLength(1)
  })

  it('is refused with another good signature over the same', async () => {
    const verifier = verifierAt()
    const same = claims()
    expect(await check(verifier, await sign(same))).toEqual({ ok: true })
    expect(await check(verifier, await sign(same))).toMatchObject({ reason: 'identity.proof_replayed' })
  })

  it('is refused as long as its time is accepted, and forgotten after', async () => {
    const clock = { seconds: epoch }
    const verifier = verifierAt(clock)
    const proof = await sign(claims({ iat: epoch + 300 }))
    await check(verifier, proof)
    clock.seconds = epoch + 600
    expect(await check(verifier, proof)).toMatchObject({ reason: 'identity.proof_replayed' })
    clock.seconds = epoch + 700
    expect(await check(verifier, await sign(claims({ iat: epoch + 700 })))).toEqual({ ok: true })
    expect(verifier.size.used).toBe(1)
  })

  it('is another one with the key of another client', async () => {
    const verifier = verifierAt()
    const same = claims()
    await check(verifier, await sign(same))
    expect(await check(verifier, await sign(same, { pair: thief }), plainRules, thief.jkt)).toEqual({ ok: true })
  })

  it('is not remembered when its signature was wrong', async () => {
    const verifier = verifierAt()
    const same = claims()
    await check(verifier, await sign(same, { pair: { ...thief, publicJwk: client.publicJwk } }))
    expect(await check(verifier, await sign(same))).toEqual({ ok: true })
  })
})

describe('a proof that is shown', () => {
  const replayed = { ok: false, reason: 'identity.proof_replayed' }

  it('is not used up, however often, and can be used once after that', async () => {
    const verifier = verifierAt()
    const proof = await sign(claims())
    for (let times = 0; times < 3; times++) expect(await show(verifier, proof)).toEqual({ ok: true })
    expect(verifier.size.used).toBe(0)
    expect(await check(verifier, proof)).toEqual({ ok: true })
    expect(await check(verifier, proof)).toMatchObject(replayed)
    expect(await show(verifier, proof)).toMatchObject(replayed)
  })

  it('is used once when it is shown and used many times at once, whatever comes first', async () => {
    const uses: readonly ProofUse[] = ['shown', 'use']
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...uses), { minLength: 1, maxLength: 12 }), async order => {
        const verifier = verifierAt()
        const proof = await sign(claims())
        const checked = await Promise.all(
          order.map(async use => ({ use, ok: (await check(verifier, proof, plainRules, client.jkt, use)).ok })),
        )
        expect(checked.filter(one => one.use === 'use' && one.ok)).toHaveLength(order.includes('use') ? 1 : 0)
        expect(await check(verifier, proof)).toMatchObject(order.includes('use') ? replayed : { ok: true })
        expect(await check(verifier, proof)).toMatchObject(replayed)
      }),
      { numRuns: 30 },
    )
  })

  it('is refused after the use of another good signature over the same', async () => {
    const verifier = verifierAt()
    const same = claims()
    const [one, other] = [await sign(same), await sign(same)]
    expect(await show(verifier, one)).toEqual({ ok: true })
    expect(await check(verifier, other)).toEqual({ ok: true })
    expect(await show(verifier, one)).toMatchObject(replayed)
    expect(await check(verifier, one)).toMatchObject(replayed)
  })

  it('is checked in everything', async () => {
    const verifier = verifierAt()
    const forged = () => sign(claims(), { pair: { ...thief, publicJwk: client.publicJwk } })
    const wrong = [forged, () => sign(claims({ htm: 'GET' })), () => sign(claims({ htu: `${url}/` }))]
    const more = [() => sign(claims({ ath: 'x' })), () => sign(claims({ iat: epoch - 301 })), () => 'a.b']
    for (const make of [...wrong, ...more])
      expect(await show(verifier, await make())).toMatchObject({ ok: false, reason: 'identity.proof_invalid' })
    const rules = { ...plainRules, nonce: new DpopNonce(Buffer.alloc(32, 1)) }
    expect(await show(verifier, await sign(claims()), rules)).toMatchObject({ reason: 'identity.proof_nonce' })
  })

  it('needs its signature checked once, and everything else whenever it comes', async () => {
    const clock = { seconds: epoch }
    const verifier = verifierAt(clock)
    const proof = await sign(claims())
    await show(verifier, proof)
    expect(check(verifier, `${proof.slice(0, -4)}AAAA`)).toBeInstanceOf(Promise)
    clock.seconds = epoch + 301
    expect(check(verifier, proof)).toMatchObject({ ok: false, reason: 'identity.proof_invalid' })
    clock.seconds = epoch
    expect(check(verifier, proof)).toEqual({ ok: true })
  })

  it('does not become good by a wrong signature', async () => {
    const verifier = verifierAt()
    const forged = await sign(claims(), { pair: { ...thief, publicJwk: client.publicJwk } })
    for (let times = 0; times < 2; times++)
      expect(await show(verifier, forged)).toMatchObject({ ok: false, reason: 'identity.proof_invalid' })
    expect(await check(verifier, forged)).toMatchObject({ ok: false, reason: 'identity.proof_invalid' })
  })
})

describe('too many proofs', () => {
  it('of one client leave room for others, and nothing is forgotten early', async () => {
    const verifier = verifierAt(undefined, { maxProofs: 16 })
    const [first, second] = [await sign(claims()), await sign(claims())]
    expect(await check(verifier, first)).toEqual({ ok: true })
    expect(await check(verifier, second)).toEqual({ ok: true })
    expect(await check(verifier, await sign(claims()))).toMatchObject({ ok: false, reason: 'dependency.timeout' })
    expect(await check(verifier, first)).toMatchObject({ reason: 'identity.proof_replayed' })
    expect(await check(verifier, await sign(claims(), { pair: thief }), plainRules, thief.jkt)).toEqual({ ok: true })
  })

  it('of one caller with many keys leave room for others too', async () => {
    const verifier = verifierAt(undefined, { maxProofs: 16 })
    const by = async (pair: Pair, owner: string) => {
      const headers = RequestHeaders.from([['dpop', await sign(claims(), { pair })]])
      const proven = { request: { method: 'POST', headers }, token, jkt: pair.jkt, urls: [url], owner }
      return verifier.check(proven, plainRules)
    }
    const pairs = await Promise.all(Array.from({ length: 3 }, () => pairOf('ES256')))
    const answers = []
    for (const pair of pairs) answers.push(await by(pair, 'mallory'))
    expect(answers.map(({ ok }) => ok)).toEqual([true, true, false])
    expect(await by(client, 'alice')).toEqual({ ok: true })
  })

  it('at once are answered without a signature check', async () => {
    const verifier = verifierAt(undefined, { maxPending: 16 })
    const proofs = await Promise.all(Array.from({ length: 4 }, () => sign(claims())))
    const checked = await Promise.all(proofs.map(proof => check(verifier, proof)))
    expect(checked.filter(({ ok }) => ok)).toHaveLength(2)
    expect(checked.at(-1)).toMatchObject({ ok: false, reason: 'dependency.timeout' })
    expect(await check(verifier, await sign(claims()))).toEqual({ ok: true })
    expect(verifier.size.pending).toBe(0)
  })
})

describe('a nonce', () => {
  const nonce = new DpopNonce(Buffer.alloc(32, 1))
  const rules = { ...plainRules, nonce }

  it('is told to whoever has none, and taken from then on', async () => {
    const verifier = verifierAt()
    const first = await check(verifier, await sign(claims()), rules)
    expect(first).toMatchObject({ ok: false, reason: 'identity.proof_nonce', nonce: expect.any(String) })
    const told = first.ok ? undefined : first.nonce
    expect(await check(verifier, await sign(claims({ nonce: told })), rules)).toEqual({ ok: true })
  })

  it('is taken by another replica with the same key, and for one more period', async () => {
    const clock = { seconds: epoch }
    const told = nonce.current(epoch * 1000)
    const other = { ...rules, nonce: new DpopNonce(Buffer.alloc(32, 1)) }
    clock.seconds += 300
    expect(await check(verifierAt(clock), await sign(claims({ nonce: told })), other)).toEqual({ ok: true })
    clock.seconds += 300
    const late = await sign(claims({ nonce: told, iat: clock.seconds }))
    expect(await check(verifierAt(clock), late, other)).toMatchObject({ reason: 'identity.proof_nonce' })
  })

  it.each(['', 'x', new DpopNonce(Buffer.alloc(32, 2)).current(epoch * 1000)])('is not %j', async wrong => {
    const proof = await sign(claims({ nonce: wrong }))
    expect(await check(verifierAt(), proof, rules)).toMatchObject({ reason: 'identity.proof_nonce' })
  })

  it('must be text', async () => {
    const proof = await sign(claims({ nonce: 1 }))
    expect(await check(verifierAt(), proof, rules)).toMatchObject({ reason: 'identity.proof_invalid' })
  })
})
