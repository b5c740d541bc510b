import { createHmac } from 'node:crypto'
import { exportSPKI, importJWK } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { createAuthenticator } from './create-authenticator.js'
import {
  accepted,
  audience,
  claimsOf,
  configurationOf,
  epoch,
  FakeIssuer,
  goodClaims,
  identityYaml,
  issuerUrl,
  requestWith,
  type SigningKey,
  setUp,
  signingKey,
  unsigned,
} from './identity.fixture.js'

let key: SigningKey
let rsa: SigningKey
beforeAll(async () => {
  key = await signingKey('one')
  rsa = await signingKey('rsa', 'RS256')
})

const bearer = (token: string) => requestWith({ authorization: `Bearer ${token}` })

describe('a good token', () => {
  it('waits for the signature once and is answered synchronously, with the same principal, from then on', async () => {
    const { authenticator, verifier } = await setUp({ issuer: new FakeIssuer([key]) })
    const token = await key.sign(goodClaims)
    const first = authenticator.authenticate(bearer(token), accepted)
    expect(first).toBeInstanceOf(Promise)
    const settled = await first
    expect(settled).toMatchObject({
      ok: true,
      principal: { kind: 'user', user: { username: 'alice', groups: ['staff', 'system:authenticated'] } },
    })
    const second = authenticator.authenticate(bearer(token), accepted)
    expect(second).not.toBeInstanceOf(Promise)
    expect(second).toBe(settled)
    expect(verifier.size).toMatchObject({ tokens: 1, refusals: 0, pending: 0 })
    expect(verifier.counts).toEqual({ known: 1, joined: 0, checked: 1, overloaded: 0 })
  })

  it.each(['bearer', 'BEARER', 'Bearer', 'Bearer  '])('is found behind the scheme %j', async scheme => {
    const { authenticator } = await setUp({ issuer: new FakeIssuer([key]) })
    const authorization = `${scheme.trim()} ${scheme.endsWith(' ') ? ' ' : ''}${await key.sign(goodClaims)}`
    expect(await authenticator.authenticate(requestWith({ authorization }), accepted)).toMatchObject({ ok: true })
  })

  it.each(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'])(
    'may be signed with %s',
    async algorithm => {
      const signer = await signingKey('k', algorithm)
      const { authenticator } = await setUp({ issuer: new FakeIssuer([signer]) })
      expect(await authenticator.authenticate(bearer(await signer.sign(goodClaims)), accepted)).toMatchObject({
        ok: true,
      })
    },
  )

  it('is verified once when it comes many times at once', async () => {
    const { authenticator, verifier } = await setUp({ issuer: new FakeIssuer([key]), verifier: { maxPending: 1 } })
    // Both signed before the first is verified: that takes no longer than a signature.
    const token = await key.sign(goodClaims)
    const other = await key.sign({ ...goodClaims, sub: 'bob' })
    const answers = Array.from({ length: 50 }, () => authenticator.authenticate(bearer(token), accepted))
    expect(verifier.size.pending).toBe(1)
    expect(await authenticator.authenticate(bearer(other), accepted)).toMatchObject({ reason: 'dependency.timeout' })
    for (const answer of await Promise.all(answers)) expect(answer.ok).toBe(true)
    expect(verifier.counts).toEqual({ known: 0, joined: 49, checked: 1, overloaded: 1 })
  })

  it('may lack a key id', async () => {
    const { authenticator } = await setUp({ issuer: new FakeIssuer([key, rsa]) })
    const token = await key.sign(goodClaims, { kid: undefined as never })
    expect(await authenticator.authenticate(bearer(token), accepted)).toMatchObject({ ok: true })
  })
})

describe('the Authorization header', () => {
  it.each([
    ['none', [], 'identity.token_missing'],
    ['two', ['Bearer a.b.c', 'Bearer a.b.c'], 'identity.token_repeated'],
    ['two, joined by a gateway', 'Bearer a.b.c, Bearer a.b.c', 'identity.token_repeated'],
    ['another scheme', 'Basic YTpi', 'identity.token_malformed'],
    ['DPoP', 'DPoP a.b.c', 'identity.token_malformed'],
    ['nothing behind the scheme', 'Bearer ', 'identity.token_malformed'],
    ['the scheme alone', 'Bearer', 'identity.token_malformed'],
    ['empty', '', 'identity.token_malformed'],
    ['a tab', 'Bearer\ta.b.c', 'identity.token_malformed'],
    ['an opaque token', 'Bearer 0123456789abcdef', 'identity.token_malformed'],
    ['an encrypted token', 'Bearer a.b.c.d.e', 'identity.token_malformed'],
    ['too large', `Bearer ${'a'.repeat(20_000)}`, 'identity.token_malformed'],
    ['not base64url', 'Bearer a+b.c.d', 'identity.token_malformed'],
  ])('%s', async (_, authorization, reason) => {
    const { authenticator } = await setUp({ issuer: new FakeIssuer([key]) })
    expect(await authenticator.authenticate(requestWith({ authorization }), accepted)).toMatchObject({
      ok: false,
      reason,
    })
  })

  it.each(['', 'Bearer', 'Basic YTpi', 'Bearer a.b.c'])(
    'is not passed over where anonymous callers are welcome: %j',
    async authorization => {
      const { authenticator } = await setUp({ issuer: new FakeIssuer([key]) })
      const answer = await authenticator.authenticate(requestWith({ authorization }), {
        ...accepted,
        anonymous: 'Allow',
      })
      expect(answer).toMatchObject({ ok: false, reason: 'identity.token_malformed' })
    },
  )

  it('may be missing where the Server allows anonymous callers', async () => {
    const { authenticator } = await setUp({ issuer: new FakeIssuer([key]) })
    expect(authenticator.authenticate(requestWith({}), { ...accepted, anonymous: 'Allow' })).toMatchObject({
      ok: true,
      principal: { kind: 'anonymous', user: { username: 'system:anonymous', groups: ['system:unauthenticated'] } },
    })
  })
})

describe('a forged token', () => {
  const forge = async (make: () => string | Promise<string>) => {
    const { authenticator } = await setUp({ issuer: new FakeIssuer([key, rsa]) })
    return authenticator.authenticate(bearer(await make()), accepted)
  }
  const payload = (token: string) => token.split('.')[1] ?? ''

  it.each(['none', 'None', 'NONE', 'nOnE', 'HS256', 'HS512', 'EdDSA', 'Ed25519', 'ES256K', 'RS1', '', 'es256'])(
    'alg %j',
    async alg => {
      expect(await forge(() => unsigned({ alg, kid: 'one' }, goodClaims))).toMatchObject({
        ok: false,
        reason: 'identity.algorithm',
      })
    },
  )

  it('none with an empty signature', async () => {
    expect(await forge(() => unsigned({ alg: 'none' }, goodClaims, ''))).toMatchObject({
      ok: false,
      reason: 'identity.algorithm',
    })
  })

  it('HS256 with the public key as the secret', async () => {
    const publicKey = await importJWK(rsa.publicJwk, 'RS256', { extractable: true })
    if (publicKey instanceof Uint8Array) throw new Error('unexpected')
    const input = unsigned({ alg: 'HS256', kid: 'rsa' }, goodClaims, '').slice(0, -1)
    const signature = createHmac('sha256', await exportSPKI(publicKey))
      .update(input)
      .digest('base64url')
    expect(await forge(() => `${input}.${signature}`)).toMatchObject({ ok: false, reason: 'identity.algorithm' })
  })

  it('its own key in the header', async () => {
    const mallory = await signingKey('one')
    const { privateKey: _, ...rest } = mallory
    const header = { jwk: rest.publicJwk, jku: 'https://evil.example/jwks', x5u: 'https://evil.example/x5u' } as never
    expect(await forge(() => mallory.sign(goodClaims, header))).toMatchObject({
      ok: false,
      reason: 'identity.signature',
    })
  })

  it.each(['../../../dev/null', "one' OR '1'='1", 'One', ' one', '__proto__', 'constructor', ''])(
    'key id %j',
    async kid => {
      const mallory = await signingKey('x')
      expect(await forge(() => mallory.sign(goodClaims, { kid }))).toMatchObject({
        ok: false,
        reason: 'identity.key_unknown',
      })
    },
  )

  it('no key id, and no key that fits', async () => {
    const { authenticator } = await setUp({ issuer: new FakeIssuer([key, await signingKey('two')]) })
    const token = (signer: SigningKey) => signer.sign(goodClaims, { kid: undefined as never })
    expect(await authenticator.authenticate(bearer(await token(key)), accepted)).toMatchObject({ ok: true })
    const mallory = await token(await signingKey('one'))
    expect(await authenticator.authenticate(bearer(mallory), accepted)).toMatchObject({ reason: 'identity.signature' })
  })

  it('the key id of a key of another kind', async () => {
    expect(await forge(() => key.sign(goodClaims, { kid: 'rsa' }))).toMatchObject({
      ok: false,
      reason: 'identity.key_unknown',
    })
  })

  it('RS256 key used for PS256', async () => {
    expect(await forge(() => unsigned({ alg: 'PS256', kid: 'rsa' }, goodClaims))).toMatchObject({
      ok: false,
      reason: 'identity.key_unknown',
    })
  })

  it('claims of another token', async () => {
    const [good, evil] = await Promise.all([
      key.sign(goodClaims),
      key.sign({ ...goodClaims, sub: 'root', aud: 'other' }),
    ])
    const [header, , signature] = good.split('.')
    expect(await forge(() => `${header}.${payload(evil)}.${signature}`)).toMatchObject({
      ok: false,
      reason: 'identity.signature',
    })
  })

  it.each([
    ['crit', { alg: 'ES256', kid: 'one', crit: ['exp'] }],
    ['b64', { alg: 'ES256', kid: 'one', b64: false, crit: ['b64'] }],
    ['zip', { alg: 'ES256', kid: 'one', zip: 'DEF' }],
    ['a number as kid', { alg: 'ES256', kid: 1 }],
    ['a list as typ', { alg: 'ES256', kid: 'one', typ: ['JWT'] }],
    ['alg twice', '{"alg":"none","alg":"ES256","kid":"one"}'],
    ['__proto__', '{"__proto__":{"alg":"none"},"alg":"ES256"}'],
    ['not an object', '["ES256"]'],
    ['not JSON', 'ES256'],
  ])('a header with %s', async (_, header) => {
    expect(await forge(() => unsigned(header, goodClaims))).toMatchObject({
      ok: false,
      reason: 'identity.token_malformed',
    })
  })

  it('claims with a key twice', async () => {
    const token = unsigned({ alg: 'ES256', kid: 'one' }, `{"iss":"${issuerUrl}","sub":"alice","sub":"root"}`)
    expect(await forge(() => token)).toMatchObject({ ok: false, reason: 'identity.token_malformed' })
  })

  it.each([undefined, `${issuerUrl}/`, issuerUrl.toUpperCase(), 'https://evil.example', [issuerUrl], null])(
    'issuer %j',
    async iss => {
      const claims = { ...goodClaims, iss: iss as never }
      expect(await forge(() => key.sign(claims))).toMatchObject({ ok: false, reason: 'identity.issuer_unknown' })
    },
  )

  it('is not verified again while its refusal is remembered', async () => {
    const { authenticator, verifier, clock } = await setUp({ issuer: new FakeIssuer([key]) })
    const token = await (await signingKey('one')).sign(goodClaims)
    await authenticator.authenticate(bearer(token), accepted)
    expect(authenticator.authenticate(bearer(token), accepted)).toMatchObject({
      ok: false,
      reason: 'identity.signature',
    })
    expect(verifier.size.refusals).toBe(1)
    clock.seconds += 10
    expect(authenticator.authenticate(bearer(token), accepted)).toBeInstanceOf(Promise)
  })
})

describe('time', () => {
  it.each([
    ['exp in a second', { exp: epoch + 1 }, 'ok'],
    ['exp now', { exp: epoch }, 'identity.expired'],
    ['exp a second ago', { exp: epoch - 1 }, 'identity.expired'],
    ['exp with a fraction', { exp: epoch + 0.5 }, 'ok'],
    ['no exp', { exp: undefined as never }, 'identity.claims'],
    ['exp as text', { exp: String(epoch + 300) as never }, 'identity.claims'],
    ['exp null', { exp: null as never }, 'identity.claims'],
    ['a negative exp', { exp: -1 }, 'identity.claims'],
    ['nbf five minutes ahead', { nbf: epoch + 300, exp: epoch + 900 }, 'ok'],
    ['nbf further ahead', { nbf: epoch + 301, exp: epoch + 900 }, 'identity.not_yet_valid'],
    ['nbf as text', { nbf: '0' as never }, 'identity.claims'],
    ['iat ahead, which the API server does not look at', { iat: epoch + 100_000 }, 'ok'],
  ])('%s', async (_, changed, expected) => {
    const { authenticator } = await setUp({ issuer: new FakeIssuer([key]) })
    const token = await key.sign({ ...goodClaims, ...changed })
    for (let round = 0; round < 2; round++) {
      const answer = await authenticator.authenticate(bearer(token), accepted)
      expect(answer.ok ? 'ok' : answer.reason).toBe(expected)
    }
  })

  it('ends a remembered token', async () => {
    const { authenticator, clock, verifier } = await setUp({ issuer: new FakeIssuer([key]) })
    const token = await key.sign(goodClaims)
    await authenticator.authenticate(bearer(token), accepted)
    clock.seconds = epoch + 299.999
    expect(authenticator.authenticate(bearer(token), accepted)).toMatchObject({ ok: true })
    clock.seconds = epoch + 300
    expect(authenticator.authenticate(bearer(token), accepted)).toMatchObject({ ok: false, reason: 'identity.expired' })
    expect(verifier.size.tokens).toBe(0)
  })

  it('makes a remembered token valid', async () => {
    const { authenticator, clock } = await setUp({ issuer: new FakeIssuer([key]) })
    const token = await key.sign({ ...goodClaims, nbf: epoch + 400, exp: epoch + 900 })
    expect(await authenticator.authenticate(bearer(token), accepted)).toMatchObject({
      reason: 'identity.not_yet_valid',
    })
    clock.seconds = epoch + 100
    expect(authenticator.authenticate(bearer(token), accepted)).toMatchObject({ ok: true })
  })
})

describe('what is checked on every request', () => {
  it('the audience: a token remembered for one server does not open another', async () => {
    const { authenticator } = await setUp({ issuer: new FakeIssuer([key]) })
    const token = await key.sign(goodClaims)
    expect(await authenticator.authenticate(bearer(token), accepted)).toMatchObject({ ok: true })
    const other = { ...accepted, server: 'files', audiences: ['https://files.example.com/mcp'] }
    expect(authenticator.authenticate(bearer(token), other)).toMatchObject({ ok: false, reason: 'identity.audience' })
  })

  it("the issuer's own audiences, as the API server does", async () => {
    const { authenticator } = await setUp({ issuer: new FakeIssuer([key]) })
    const token = await key.sign({ ...goodClaims, aud: 'files' })
    expect(await authenticator.authenticate(bearer(token), { ...accepted, audiences: ['files'] })).toMatchObject({
      reason: 'identity.audience',
    })
  })

  it('never says what is in the token', async () => {
    const { authenticator } = await setUp({ issuer: new FakeIssuer([key]) })
    const token = await key.sign({ ...goodClaims, aud: 'secret-audience', sub: 'secret-user' })
    expect(JSON.stringify(await authenticator.authenticate(bearer(token), accepted))).not.toContain('secret')
  })
})

describe('keys', () => {
  it('are asked for again when a token names a new one, but not again and again', async () => {
    const issuer = new FakeIssuer([key])
    const { authenticator, clock } = await setUp({ issuer })
    const next = await signingKey('two')
    expect(issuer.fetches).toBe(1)
    issuer.keys = [key.publicJwk, next.publicJwk]
    const token = await next.sign(goodClaims)
    expect(await authenticator.authenticate(bearer(token), accepted)).toMatchObject({ ok: true })
    expect(issuer.fetches).toBe(2)
    const stranger = await signingKey('three')
    const strangers = async () => {
      for (let index = 0; index < 20; index++)
        await authenticator.authenticate(bearer(await stranger.sign(goodClaims, { kid: `random-${index}` })), accepted)
    }
    await strangers()
    expect(issuer.fetches).toBe(3)
    clock.seconds += 30
    await strangers()
    expect(issuer.fetches).toBe(4)
  })

  it('that left the set end the tokens that they signed', async () => {
    const issuer = new FakeIssuer([key])
    const { authenticator, clock } = await setUp({ issuer })
    const token = await key.sign(goodClaims)
    expect(await authenticator.authenticate(bearer(token), accepted)).toMatchObject({ ok: true })
    const next = await signingKey('two')
    issuer.keys = [next.publicJwk]
    clock.seconds += 30
    expect(await authenticator.authenticate(bearer(await next.sign(goodClaims)), accepted)).toMatchObject({ ok: true })
    expect(await authenticator.authenticate(bearer(token), accepted)).toMatchObject({
      ok: false,
      reason: 'identity.key_unknown',
    })
  })

  it('that nobody can get are 503, not 401', async () => {
    const issuer = new FakeIssuer([key])
    issuer.down = true
    const { authenticator, events } = await setUp({ issuer })
    expect(authenticator.ready).toBe(false)
    expect(authenticator.pending).toEqual([`issuer ${issuerUrl}: no keys yet (down)`])
    expect(await authenticator.authenticate(bearer(await key.sign(goodClaims)), accepted)).toMatchObject({
      reason: 'dependency.keys_unavailable',
    })
    expect(events).toContainEqual({ kind: 'keys_failed', issuer: issuerUrl, message: 'down', failures: 1 })
    authenticator.stop()
  })

  it('of no issuer at all make nothing ready', async () => {
    const configuration = { ...configurationOf(), issuers: new Map() }
    const { authenticator } = await setUp({ issuer: new FakeIssuer([key]), configuration })
    expect(authenticator.ready).toBe(false)
    expect(authenticator.pending).toEqual(['identity: no issuer is configured'])
    authenticator.stop()
  })

  it('last while the issuer is down, but not for ever', async () => {
    const issuer = new FakeIssuer([key])
    const { authenticator, clock, events } = await setUp({ issuer })
    issuer.down = true
    clock.seconds += 86_400
    const token = await key.sign({ ...goodClaims, exp: epoch + 200_000 })
    expect(await authenticator.authenticate(bearer(token), accepted)).toMatchObject({ ok: true })
    const unknown = await (await signingKey('two')).sign({ ...goodClaims, exp: epoch + 200_000 })
    expect(await authenticator.authenticate(bearer(unknown), accepted)).toMatchObject({
      reason: 'dependency.keys_unavailable',
    })
    clock.seconds += 1
    expect(await authenticator.authenticate(bearer(token), accepted)).toMatchObject({
      reason: 'dependency.keys_unavailable',
    })
    expect(events.filter(({ kind }) => kind === 'keys_stale')).toHaveLength(1)
  })

  it('are waited for no longer than the gateway waits', async () => {
    const issuer = new FakeIssuer([key])
    const { authenticator, now, clock } = await setUp({ issuer })
    clock.seconds += 60
    issuer.hangs = true
    const authorization = `Bearer ${await (await signingKey('two')).sign(goodClaims)}`
    const answer = await authenticator.authenticate(requestWith({ authorization, deadline: now() + 30 }), accepted)
    expect(answer).toMatchObject({ ok: false, reason: 'dependency.timeout' })
  })

  it('are not there before start and after stop', async () => {
    const { authenticator, keyRing } = await setUp({ issuer: new FakeIssuer([key]) })
    expect(keyRing.size).toBe(1)
    authenticator.stop()
    authenticator.stop()
    expect(keyRing.size).toBe(0)
    expect(await authenticator.authenticate(bearer(await key.sign(goodClaims)), accepted)).toMatchObject({
      reason: 'dependency.keys_unavailable',
    })
  })
})

describe('a new configuration', () => {
  it('inherits keys and verified tokens, but maps anew', async () => {
    const issuer = new FakeIssuer([key])
    const { authenticator, keyRing, verifier, now } = await setUp({ issuer })
    const token = await key.sign(goodClaims)
    await authenticator.authenticate(bearer(token), accepted)
    const configuration = configurationOf(undefined, identityYaml('{ clients: { cli: attested } }'))
    const next = createAuthenticator({ configuration, keyRing, verifier, now })
    await next.start()
    authenticator.stop()
    expect(issuer.fetches).toBe(1)
    expect(next.authenticate(bearer(token), accepted)).toMatchObject({
      ok: true,
      principal: { agent: { id: 'cli', assurance: 'attested' } },
    })
  })

  it('that says something else about the keys inherits neither', async () => {
    const issuer = new FakeIssuer([key])
    const { authenticator, keyRing, verifier, now } = await setUp({ issuer })
    const token = await key.sign(goodClaims)
    await authenticator.authenticate(bearer(token), accepted)
    const configuration = configurationOf(
      undefined,
      identityYaml(`{ issuers: { "${issuerUrl}": { alias: acme, jwksUri: "https://keys.example.com/jwks" } } }`),
    )
    const next = createAuthenticator({ configuration, keyRing, verifier, now })
    await next.start()
    expect(issuer.fetches).toBe(2)
    expect(next.authenticate(bearer(token), accepted)).toBeInstanceOf(Promise)
    expect(next.issuers).toMatchObject([{ url: issuerUrl, alias: 'acme', login: true }])
  })
})

describe('bounds', () => {
  it('remembers no more tokens and refusals than it may', async () => {
    const { authenticator, verifier } = await setUp({
      issuer: new FakeIssuer([key]),
      verifier: { maxTokens: 20, maxRefusals: 5 },
    })
    const mallory = await signingKey('one')
    for (let index = 0; index < 60; index++) {
      await authenticator.authenticate(bearer(await key.sign({ ...goodClaims, sub: `user-${index}` })), accepted)
      await authenticator.authenticate(bearer(await mallory.sign({ ...goodClaims, sub: `user-${index}` })), accepted)
    }
    expect(verifier.size).toMatchObject({ tokens: 20, refusals: 5, pending: 0 })
  })

  it('checks no more new tokens at once than it may', async () => {
    const { authenticator, verifier } = await setUp({ issuer: new FakeIssuer([key]), verifier: { maxPending: 3 } })
    const tokens = await Promise.all(
      Array.from({ length: 5 }, (_, index) => key.sign({ ...goodClaims, sub: `user-${index}` })),
    )
    const answers = await Promise.all(tokens.map(token => authenticator.authenticate(bearer(token), accepted)))
    expect(answers.map(answer => (answer.ok ? 'ok' : answer.reason))).toEqual([
      'ok',
      'ok',
      'ok',
      'dependency.timeout',
      'dependency.timeout',
    ])
    expect(verifier.size.pending).toBe(0)
  })
})

describe('a stranger who sends one token that must wait, again and again', () => {
  it('holds a limited number of requests, and keeps nobody out whose token is known', async () => {
    const issuer = new FakeIssuer([key])
    const { authenticator, clock } = await setUp({ issuer, verifier: { maxCallers: 3 } })
    const known = bearer(await key.sign(goodClaims))
    await authenticator.authenticate(known, accepted)
    clock.seconds += 60
    issuer.hangs = true
    const unknown = bearer(await (await signingKey('x')).sign(goodClaims))
    for (let index = 0; index < 3; index++)
      expect(authenticator.authenticate(unknown, accepted)).toBeInstanceOf(Promise)
    expect(authenticator.authenticate(unknown, accepted)).toMatchObject({ ok: false, reason: 'dependency.timeout' })
    expect(authenticator.authenticate(known, accepted)).toMatchObject({ ok: true })
  })

  it('gives the places back when the wait is over', async () => {
    const { authenticator } = await setUp({ issuer: new FakeIssuer([key]), verifier: { maxCallers: 3 } })
    for (let round = 0; round < 3; round++) {
      const token = bearer(await key.sign({ ...goodClaims, sub: `user-${round}` }))
      const answers = [1, 2, 3].map(() => authenticator.authenticate(token, accepted))
      for (const answer of await Promise.all(answers)) expect(answer).toMatchObject({ ok: true })
    }
  })
})

describe('identity from the gateway', () => {
  const fromGateway = { ...accepted, identity: 'gatewayMetadata' } as const
  const header = { alg: 'ES256', typ: 'at+jwt' }
  const metadata = (payload: Readonly<Record<string, unknown>>) =>
    new Map([['envoy.filters.http.jwt_authn', claimsOf(payload)]])

  it.each([
    ['good claims', { claims: goodClaims, header }, 'ok'],
    ['a header that names no type', { claims: goodClaims, header: { alg: 'ES256' } }, 'ok'],
    ['claims without the header, which might be those of an ID-JAG', { claims: goodClaims }, 'identity.token_type'],
    [
      'an ID-JAG by its header',
      { claims: goodClaims, header: { alg: 'ES256', typ: 'oauth-id-jag+jwt' } },
      'identity.token_type',
    ],
    ['nothing', {}, 'identity.token_missing'],
    ['no claims, only text', { claims: 'x' }, 'identity.token_missing'],
    ['two tokens', { a: goodClaims, b: goodClaims }, 'identity.source_conflict'],
    ['another issuer', { claims: { ...goodClaims, iss: 'https://evil.example' }, header }, 'identity.issuer_unknown'],
    ['another audience', { claims: { ...goodClaims, aud: 'other' }, header }, 'identity.audience'],
    ['expired', { claims: { ...goodClaims, exp: epoch }, header }, 'identity.expired'],
    ['no exp', { claims: { ...goodClaims, exp: undefined }, header }, 'identity.claims'],
    ['not yet valid', { claims: { ...goodClaims, nbf: epoch + 301 }, header }, 'identity.not_yet_valid'],
    ['a bound token', { claims: { ...goodClaims, cnf: { jkt: 'x' } }, header }, 'identity.token_bound'],
  ])('%s', async (_, payload, expected) => {
    const { authenticator } = await setUp({ issuer: new FakeIssuer([key]) })
    const answer = await authenticator.authenticate(
      requestWith({ trust: 'mtls', filterMetadata: metadata(payload) }),
      fromGateway,
    )
    expect(answer.ok ? 'ok' : answer.reason).toBe(expected)
  })

  it('counts for nothing on an untrusted listener', async () => {
    const { authenticator } = await setUp({ issuer: new FakeIssuer([key]) })
    const request = requestWith({ filterMetadata: metadata({ claims: goodClaims, header }) })
    expect(authenticator.authenticate(request, fromGateway)).toMatchObject({ reason: 'identity.gateway_untrusted' })
  })

  it('is refused when the request carries the token of somebody else', async () => {
    const { authenticator } = await setUp({ issuer: new FakeIssuer([key]) })
    const authorization = `Bearer ${await key.sign({ ...goodClaims, sub: 'mallory' })}`
    const request = requestWith({
      trust: 'mtls',
      authorization,
      filterMetadata: metadata({ claims: goodClaims, header }),
    })
    expect(authenticator.authenticate(request, fromGateway)).toMatchObject({ reason: 'identity.source_conflict' })
  })

  it.each<[string, (made: string) => string, string]>([
    ['the token itself', made => `Bearer ${made}`, 'ok'],
    ['Basic', () => 'Basic YTpi', 'ok'],
    ['a token that we cannot read', () => 'Bearer opaque', 'identity.source_conflict'],
    ['an encrypted one', () => 'Bearer a.b.c.d.e', 'identity.source_conflict'],
    ['two that a gateway joined', made => `Bearer ${made}, Bearer ${made}`, 'identity.source_conflict'],
    [
      'one of somebody else with an algorithm that we do not take',
      () => `Bearer ${unsigned({ alg: 'HS256' }, { ...goodClaims, sub: 'mallory' })}`,
      'identity.source_conflict',
    ],
    [
      'one of the same person through other software',
      () => `Bearer ${unsigned({ alg: 'ES256' }, { ...goodClaims, client_id: 'other' })}`,
      'identity.source_conflict',
    ],
    [
      'one of the same person with another id',
      () => `Bearer ${unsigned({ alg: 'ES256' }, { ...goodClaims, jti: 'other' })}`,
      'identity.source_conflict',
    ],
    [
      'the same with an algorithm that only the gateway takes',
      () => `Bearer ${unsigned({ alg: 'EdDSA' }, goodClaims)}`,
      'ok',
    ],
  ])('beside an Authorization header: %s', async (_, authorization, expected) => {
    const { authenticator } = await setUp({ issuer: new FakeIssuer([key]) })
    const request = requestWith({
      trust: 'mtls',
      authorization: authorization(await key.sign(goodClaims)),
      filterMetadata: metadata({ claims: goodClaims, header }),
    })
    const answer = await authenticator.authenticate(request, fromGateway)
    expect(answer.ok ? 'ok' : answer.reason).toBe(expected)
  })

  it('is refused when the Authorization header is repeated, whatever is in it', async () => {
    const { authenticator } = await setUp({ issuer: new FakeIssuer([key]) })
    const token = `Bearer ${await key.sign(goodClaims)}`
    const filterMetadata = metadata({ claims: goodClaims, header })
    const ask = (authorization: string | readonly string[]) =>
      authenticator.authenticate(requestWith({ trust: 'mtls', authorization, filterMetadata }), fromGateway)
    expect(ask(token)).toMatchObject({ ok: true })
    expect(ask([token, token])).toMatchObject({ reason: 'identity.source_conflict' })
  })

  it('may be absent where anonymous callers are welcome, unless a token came along', async () => {
    const { authenticator } = await setUp({ issuer: new FakeIssuer([key]) })
    const open = { ...fromGateway, anonymous: 'Allow' } as const
    expect(authenticator.authenticate(requestWith({ trust: 'mtls' }), open)).toMatchObject({
      principal: { kind: 'anonymous' },
    })
    const authorization = `Bearer ${await key.sign(goodClaims)}`
    expect(authenticator.authenticate(requestWith({ trust: 'mtls', authorization }), open)).toMatchObject({
      reason: 'identity.token_missing',
    })
  })

  it('is not looked at when the Server wants a token', async () => {
    const { authenticator } = await setUp({ issuer: new FakeIssuer([key]) })
    const request = requestWith({
      trust: 'mtls',
      filterMetadata: metadata({ claims: { ...goodClaims, aud: audience }, header }),
    })
    expect(authenticator.authenticate(request, accepted)).toMatchObject({ reason: 'identity.token_missing' })
  })
})

describe('tokens of strangers', () => {
  it('that wait for unknown keys do not keep out tokens whose key is known', async () => {
    const issuer = new FakeIssuer([key])
    const { authenticator, clock } = await setUp({ issuer, verifier: { maxPending: 4 } })
    clock.seconds += 60
    issuer.hangs = true
    const stranger = await signingKey('x')
    const tokens = await Promise.all([1, 2, 3].map(index => stranger.sign(goodClaims, { kid: `k${index}` })))
    const waiting = tokens.map(token => authenticator.authenticate(bearer(token), accepted))
    expect(await waiting[2]).toMatchObject({ ok: false, reason: 'dependency.keys_unavailable' })
    expect(await authenticator.authenticate(bearer(await key.sign(goodClaims)), accepted)).toMatchObject({ ok: true })
  })
})
