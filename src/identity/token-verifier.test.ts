import { generateKeyPairSync } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { epoch, FakeIssuer, goodClaims, issuerUrl, type SigningKey, signingKey } from './identity.fixture.js'
import { KeySet } from './key-set.js'
import { loadKeys } from './load-keys.js'
import { TokenVerifier, type TokenVerifierOptions } from './token-verifier.js'

let [one, two, rsa]: SigningKey[] = []
beforeAll(async () => {
  ;[one, two, rsa] = await Promise.all([signingKey('one'), signingKey('two'), signingKey('rsa', 'RS256')])
})

/** Key sets of the fixture's issuer with these keys, and a verifier. */
async function setUp(keys: readonly object[], options: Partial<TokenVerifierOptions> = {}) {
  const issuer = new FakeIssuer([])
  issuer.keys = keys.map(key => ({ ...key }))
  const now = () => epoch * 1000
  const source = {
    issuer: issuerUrl,
    from: { kind: 'discovery', url: `${issuerUrl}/.well-known/openid-configuration` },
    certificateAuthority: undefined,
    revision: '',
  } as const
  const timings = { refresh: 600_000, coolDown: 30_000, maxAge: 86_400_000, retry: 1000 }
  const load = () => loadKeys(source, issuer.fetcher)
  const keySet = new KeySet({ issuer: issuerUrl, load, now, timings, onEvent: () => undefined })
  await keySet.refresh()
  const verifier = new TokenVerifier({ now, ...options })
  const keySets = new Map([[issuerUrl, keySet]])
  const verify = async (token: string) => {
    const verification = await verifier.verify(token, keySets)
    return verification.ok ? 'ok' : verification.reason
  }
  return { issuer, keySet, verifier, keySets, verify }
}

const sign = (key: SigningKey | undefined, header = {}) => key?.sign(goodClaims, header) ?? ''
const rsaJwk = (modulusLength: number) =>
  generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'jwk' })

describe('the key of a token', () => {
  it('is the one with its id and its algorithm, whatever else is published', async () => {
    // As Keycloak does: a key for encryption of the same kind; as others do: one id for two kinds of keys.
    const { verify } = await setUp([
      { ...rsaJwk(2048), kid: 'rsa', use: 'enc', alg: 'RSA-OAEP' },
      { ...one?.publicJwk, kid: 'rsa' },
      { ...rsa?.publicJwk },
      { kty: 'oct', k: 'AAAA', kid: 'rsa', alg: 'HS256' },
    ])
    expect(await verify(await sign(rsa))).toBe('ok')
    expect(await verify(await sign(one, { kid: 'rsa' }))).toBe('ok')
    expect(await verify(await sign(one))).toBe('identity.key_unknown')
  })

  it('may be any of a few that share the id', async () => {
    const many = await Promise.all(Array.from({ length: 4 }, () => signingKey('same')))
    const { verify } = await setUp([...many.map(({ publicJwk }) => publicJwk)])
    for (const key of many) expect(await verify(await sign(key))).toBe('ok')
    expect(await verify(await sign(two, { kid: 'same' }))).toBe('identity.signature')
  })

  it('is one of four at most: more would be a way to make us work', async () => {
    const many = await Promise.all(Array.from({ length: 5 }, () => signingKey('same')))
    const { verify } = await setUp([...many.map(({ publicJwk }) => publicJwk)])
    expect(await verify(await sign(many[3]))).toBe('ok')
    expect(await verify(await sign(many[4]))).toBe('identity.signature')
  })

  it('without ids is any that fits', async () => {
    const { verify } = await setUp([one, two].map(key => ({ ...key?.publicJwk, kid: undefined })))
    for (const key of [one, two]) expect(await verify(await sign(key, { kid: undefined }))).toBe('ok')
    // An id that is published nowhere is no id of a key without one.
    expect(await verify(await sign(one))).toBe('identity.key_unknown')
  })

  it('counts only with 2048 bits', async () => {
    const { verify } = await setUp([{ ...rsaJwk(1024), kid: 'rsa', alg: 'RS256' }, { ...one?.publicJwk }])
    expect(await verify(await sign(rsa))).toBe('identity.key_unknown')
  })
})

describe('a flood', () => {
  it('of tokens under unknown keys leaves room for those under known ones', async () => {
    const { issuer, verifier, keySets, verify } = await setUp([{ ...one?.publicJwk }], { maxPending: 4 })
    issuer.hangs = true
    const strange = await Promise.all(['a', 'b', 'c', 'd', 'e'].map(kid => sign(two, { kid })))
    const waiting = strange.map(token => verifier.verify(token, keySets))
    expect(verifier.size.pending).toBe(4)
    // Two may wait for keys, so that two places come free.
    expect(await waiting[2]).toMatchObject({ reason: 'dependency.keys_unavailable' })
    expect(await waiting[3]).toMatchObject({ reason: 'dependency.keys_unavailable' })
    expect(waiting[4]).toMatchObject({ reason: 'dependency.timeout' })
    expect(await verify(await sign(one))).toBe('ok')
  })

  it('of large tokens leaves room for others, however few they are', async () => {
    const { issuer, verifier, keySets, verify } = await setUp([{ ...one?.publicJwk }], { maxPendingBytes: 640_000 })
    issuer.hangs = true
    // Four kilobytes, of which the reader makes a thousand maps of some 180 bytes each.
    const claims = { ...goodClaims, heap: Array.from({ length: 1000 }, () => ({})) }
    const strange = await Promise.all(['a', 'b', 'c'].map(kid => two?.sign(claims, { kid }) ?? ''))
    const waiting = strange.map(token => verifier.verify(token, keySets))
    expect(verifier.size.pendingBytes).toBeGreaterThan(600_000)
    // Those who wait for keys have half of it.
    expect(await waiting[1]).toMatchObject({ reason: 'dependency.keys_unavailable' })
    expect(await waiting[2]).toMatchObject({ reason: 'dependency.keys_unavailable' })
    expect(verifier.size).toMatchObject({ pending: 1 })
    expect(await verify(await sign(one))).toBe('ok')
    const known = await Promise.all(['x', 'y', 'z'].map(jti => one?.sign({ ...claims, jti }) ?? ''))
    const [first, second, third] = known.map(token => verifier.verify(token, keySets))
    expect(third).toMatchObject({ reason: 'dependency.timeout' })
    expect(await first).toMatchObject({ ok: true })
    expect(await second).toMatchObject({ ok: true })
    expect(verifier.size.pendingBytes).toBeLessThan(250_000)
  })

  it('of tokens with wrong signatures asks the issuer twice, and then believes what it has', async () => {
    const { issuer, verify } = await setUp([{ ...one?.publicJwk }])
    const asked = issuer.fetches
    for (let index = 0; index < 10; index++)
      expect(await verify(await sign(two, { kid: 'one' }))).toBe('identity.signature')
    expect(issuer.fetches - asked).toBe(2)
    expect(await verify(await sign(one))).toBe('ok')
  })

  it('of one token is one token', async () => {
    const { verifier, keySets } = await setUp([{ ...one?.publicJwk }], { maxPending: 1, maxCallers: 10 })
    const token = await sign(one)
    const answers = await Promise.all(Array.from({ length: 12 }, () => verifier.verify(token, keySets)))
    expect(answers.map(answer => (answer.ok ? 'ok' : answer.reason))).toEqual([
      ...Array.from({ length: 10 }, () => 'ok'),
      ...Array.from({ length: 2 }, () => 'dependency.timeout'),
    ])
  })
})
