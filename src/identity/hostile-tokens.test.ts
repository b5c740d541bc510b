import { createHmac, createPublicKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { createServer } from 'node:http'
import { CompactEncrypt, decodeJwt, generateKeyPair, importJWK } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Authenticator } from './authenticator.js'
import { requestWith, signingKey, unsigned } from './identity.fixture.js'
import {
  accepted,
  authenticatorFor,
  otherResource,
  resource,
  signed,
  startProvider,
  type TestProvider,
} from './oidc-provider.fixture.js'

/** Two real providers that are both trusted, with keys under the same ids, and one that nobody knows. */
let acme: TestProvider
let partner: TestProvider
let stranger: TestProvider
let authenticator: Authenticator
/** Where a token would have us go. */
let bait: { readonly url: string; visits: number; close(): void }
let clock = 0
const now = () => Date.now() + clock

beforeAll(async () => {
  const providers = [await startProvider(), await startProvider(), await startProvider()] as const
  ;[acme, partner, stranger] = providers
  const server = createServer((_, response) => {
    bait.visits++
    response.end(JSON.stringify({ keys: [] }))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  bait = { url: `http://127.0.0.1:${address.port}/`, visits: 0, close: () => server.close() }
  authenticator = authenticatorFor([acme, partner], { now })
  await authenticator.start()
})
beforeEach(() => {
  clock = 0
})
afterAll(() => {
  authenticator.stop()
  for (const { close } of [acme, partner, stranger, bait]) close()
})

/** `ok`, or why not. */
async function present(token: string): Promise<string> {
  const answer = await authenticator.authenticate(requestWith({ authorization: `Bearer ${token}` }), accepted)
  return answer.ok ? 'ok' : answer.reason
}

const seconds = () => Math.floor(now() / 1000)
/** What a good access token of acme says; each case changes one thing. */
const good = () => ({
  iss: acme.issuer,
  aud: resource,
  sub: 'alice',
  client_id: 'cli',
  iat: seconds(),
  exp: seconds() + 300,
})
const text = (change: string) => JSON.stringify(good()).replace('{', `{${change},`)
const [es256, rs256] = [
  { alg: 'ES256', kid: 'ES256', typ: 'at+jwt' },
  { alg: 'RS256', kid: 'RS256', typ: 'at+jwt' },
]
const parts = async (): Promise<readonly [string, string, string]> => {
  const [header = '', payload = '', signature = ''] = (await acme.sign(good())).split('.')
  return [header, payload, signature]
}
const base64url = (bytes: string) => Buffer.from(bytes).toString('base64url')

/** A public key of acme, as a stranger downloads it. */
const downloaded = (alg: string): JsonWebKey => {
  const jwk = acme.keys.find(key => key.alg === alg)
  const { kty, n, e } = createPublicKey({ key: { ...jwk }, format: 'jwk' }).export({ format: 'jwk' })
  return { ...(kty !== undefined && { kty }), ...(n !== undefined && { n }), ...(e !== undefined && { e }) }
}

async function withPublicKeyAsSecret(format: 'pem' | 'der' | 'jwk'): Promise<string> {
  const key = createPublicKey({ key: downloaded('RS256'), format: 'jwk' })
  const secret =
    format === 'jwk'
      ? JSON.stringify(downloaded('RS256'))
      : format === 'pem'
        ? key.export({ format: 'pem', type: 'spki' })
        : key.export({ format: 'der', type: 'spki' })
  const input = unsigned({ alg: 'HS256', kid: 'RS256', typ: 'at+jwt' }, good(), '').slice(0, -1)
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

/** The other half of an ECDSA signature: (r, n − s) verifies as well as (r, s). */
async function malleated(): Promise<string> {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const [header, payload, signature] = await parts()
  const bytes = Buffer.from(signature, 'base64url')
  const s = order - BigInt(`0x${bytes.subarray(32).toString('hex')}`)
  const other = Buffer.concat([bytes.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')])
  return `${header}.${payload}.${other.toString('base64url')}`
}

async function encrypted(payload: string): Promise<string> {
  const { publicKey } = await generateKeyPair('RSA-OAEP-256')
  return new CompactEncrypt(Buffer.from(payload))
    .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT' })
    .encrypt(publicKey)
}

type Case = readonly [name: string, make: () => string | Promise<string>, reason: string]

const cases: Readonly<Record<string, readonly Case[]>> = {
  'what the providers themselves issue': [
    ['for this resource', () => acme.token({ grant_type: 'client_credentials', resource }), 'ok'],
    [
      'by the other provider, for this resource',
      () => partner.token({ grant_type: 'client_credentials', resource }),
      'ok',
    ],
    [
      'for another resource',
      () => acme.token({ grant_type: 'client_credentials', resource: otherResource }),
      'identity.audience',
    ],
    [
      'by a provider that is not configured',
      () => stranger.token({ grant_type: 'client_credentials', resource }),
      'identity.issuer_unknown',
    ],
  ],
  'another audience': [
    ['none', () => acme.sign({ ...good(), aud: undefined as never }), 'identity.audience'],
    ['the issuer itself', () => acme.sign({ ...good(), aud: acme.issuer }), 'identity.audience'],
    ['the client, as in an ID token', () => acme.sign({ ...good(), aud: 'cli' }), 'identity.audience'],
    ['one with a slash more', () => acme.sign({ ...good(), aud: `${resource}/` }), 'identity.audience'],
    ['the beginning of ours', () => acme.sign({ ...good(), aud: 'https://mcp.example.com' }), 'identity.audience'],
    ['ours in other case', () => acme.sign({ ...good(), aud: resource.toUpperCase() }), 'identity.audience'],
    [
      'ours in one text with others',
      () => acme.sign({ ...good(), aud: `${otherResource} ${resource}` }),
      'identity.audience',
    ],
    ['an object that holds ours', () => acme.sign({ ...good(), aud: { 0: resource } as never }), 'identity.audience'],
    ['a list that is empty', () => acme.sign({ ...good(), aud: [] }), 'identity.audience'],
    [
      'a list with something else than texts',
      () => acme.sign({ ...good(), aud: [resource, 1] as never }),
      'identity.audience',
    ],
    ['a list with ours', () => acme.sign({ ...good(), aud: [otherResource, resource] }), 'ok'],
  ],
  'another issuer with the same key id': [
    ["acme's claims, signed by the partner", () => partner.sign(good()), 'identity.signature'],
    ["the partner's claims, signed by acme", () => acme.sign({ ...good(), iss: partner.issuer }), 'identity.signature'],
    ["acme's claims, signed by a stranger", () => stranger.sign(good()), 'identity.signature'],
    ['a stranger, with his own', () => stranger.sign({ ...good(), iss: stranger.issuer }), 'identity.issuer_unknown'],
    ['an issuer with a slash more', () => acme.sign({ ...good(), iss: `${acme.issuer}/` }), 'identity.issuer_unknown'],
    ['two issuers', () => acme.sign(text(`"iss":"${partner.issuer}"`)), 'identity.token_malformed'],
    ['a list of issuers', () => acme.sign({ ...good(), iss: [acme.issuer] as never }), 'identity.issuer_unknown'],
    ['no issuer', () => acme.sign({ ...good(), iss: undefined as never }), 'identity.issuer_unknown'],
  ],
  'other kinds of tokens': [
    ['an ID-JAG', () => acme.sign(good(), { typ: 'oauth-id-jag+jwt' }), 'identity.token_type'],
    [
      'an ID-JAG in other words',
      () => acme.sign(good(), { typ: 'application/OAuth-ID-JAG+JWT' }),
      'identity.token_type',
    ],
    ['a logout token', () => acme.sign(good(), { typ: 'logout+jwt' }), 'identity.token_type'],
    ['a security event', () => acme.sign(good(), { typ: 'secevent+jwt' }), 'identity.token_type'],
    ['a transaction token', () => acme.sign(good(), { typ: 'txntoken+jwt' }), 'identity.token_type'],
    ['a DPoP proof', () => acme.sign(good(), { typ: 'dpop+jwt' }), 'identity.token_type'],
    ['a client assertion', () => acme.sign(good(), { typ: 'client-authentication+jwt' }), 'identity.token_type'],
    ['an ID token, by its hash', () => acme.sign({ ...good(), at_hash: 'x' }, { typ: 'JWT' }), 'identity.token_type'],
    ['an ID token, as Keycloak says', () => acme.sign({ ...good(), typ: 'ID' }, { typ: 'JWT' }), 'identity.token_type'],
    ['a refresh token', () => acme.sign({ ...good(), typ: 'Refresh' }, { typ: 'JWT' }), 'identity.token_type'],
    ['a token in a token', async () => acme.sign(await acme.sign(good()), { cty: 'JWT' }), 'identity.token_malformed'],
    ['an encrypted token', async () => encrypted(await acme.sign(good())), 'identity.token_malformed'],
    ['an opaque token', () => 'mF_9.B5f-4.1JqM-2YotnFZFEjr1zCsicMWpAA', 'identity.token_malformed'],
    ['JSON', () => JSON.stringify({ payload: 'x' }), 'identity.token_malformed'],
  ],
  'another algorithm': [
    ['none', () => unsigned({ ...es256, alg: 'none' }, good(), ''), 'identity.algorithm'],
    ['none, with a signature', () => unsigned({ ...es256, alg: 'none' }, good()), 'identity.algorithm'],
    ['nOnE', () => unsigned({ ...es256, alg: 'nOnE' }, good(), ''), 'identity.algorithm'],
    ['no algorithm', () => unsigned({ typ: 'JWT' }, good()), 'identity.algorithm'],
    ['a list', () => unsigned({ alg: ['ES256'] }, good()), 'identity.algorithm'],
    ['HS256 with the public key as PEM', () => withPublicKeyAsSecret('pem'), 'identity.algorithm'],
    ['HS256 with the public key as DER', () => withPublicKeyAsSecret('der'), 'identity.algorithm'],
    ['HS256 with the public key as JWK', () => withPublicKeyAsSecret('jwk'), 'identity.algorithm'],
    ['ES256K', () => unsigned({ ...es256, alg: 'ES256K' }, good()), 'identity.algorithm'],
    ['EdDSA', async () => (await signingKey('ES256', 'EdDSA')).sign(good()), 'identity.algorithm'],
    [
      'PS256 under a key for RS256',
      async () => {
        const key = await importJWK({ ...acme.keys[1] }, 'PS256')
        if (key instanceof Uint8Array) throw new Error('not a private key')
        return signed(good(), { ...rs256, alg: 'PS256' }, key)
      },
      'identity.key_unknown',
    ],
    ['RS256 under the id of an EC key', () => unsigned({ ...rs256, kid: 'ES256' }, good()), 'identity.key_unknown'],
    [
      'ES384 under the id of a P-256 key',
      async () => (await signingKey('ES256', 'ES384')).sign(good()),
      'identity.key_unknown',
    ],
    ['RS256 by its own key, as a control', () => acme.sign(good(), rs256), 'ok'],
  ],
  'keys that the token names': [
    [
      'its own key in the header',
      async () => {
        const mallory = await signingKey('ES256')
        return mallory.sign(good(), { jwk: mallory.publicJwk } as never)
      },
      'identity.signature',
    ],
    [
      'a key set elsewhere',
      async () => (await signingKey('x')).sign(good(), { jku: bait.url } as never),
      'identity.key_unknown',
    ],
    [
      'a certificate elsewhere',
      async () => (await signingKey('x')).sign(good(), { x5u: bait.url } as never),
      'identity.key_unknown',
    ],
    [
      'a certificate in the header',
      async () => (await signingKey('ES256')).sign(good(), { x5c: ['AAAA'] }),
      'identity.signature',
    ],
    [
      'an issuer elsewhere',
      async () => (await signingKey('x')).sign({ ...good(), iss: bait.url }),
      'identity.issuer_unknown',
    ],
    [
      'distributed claims elsewhere',
      async () =>
        acme.sign({ ...good(), _claim_names: { groups: 's' }, _claim_sources: { s: { endpoint: bait.url } } }),
      'identity.claims',
    ],
    ['a path as its id', async () => (await signingKey('../../../dev/null')).sign(good()), 'identity.key_unknown'],
    ['SQL as its id', async () => (await signingKey("ES256' OR '1'='1")).sign(good()), 'identity.key_unknown'],
    ['a URL as its id', async () => (await signingKey(bait.url)).sign(good()), 'identity.key_unknown'],
    [
      'a member of all objects as its id',
      async () => (await signingKey('constructor')).sign(good()),
      'identity.key_unknown',
    ],
    ['the id in other case', () => acme.sign(good(), { kid: 'es256' }), 'identity.key_unknown'],
    ['a number as its id', () => unsigned({ ...es256, kid: 256 }, good()), 'identity.token_malformed'],
    ['no id', () => acme.sign(good(), { kid: undefined }), 'ok'],
    [
      'no id, and a key that acme does not have',
      async () => (await signingKey('x')).sign(good(), { kid: undefined as never }),
      'identity.signature',
    ],
  ],
  'headers that change what is signed': [
    ['crit', () => unsigned({ ...es256, crit: ['exp'] }, good()), 'identity.token_malformed'],
    ['crit that is empty', () => unsigned({ ...es256, crit: [] }, good()), 'identity.token_malformed'],
    [
      'a payload that is not encoded',
      () => unsigned({ ...es256, b64: false, crit: ['b64'] }, good()),
      'identity.token_malformed',
    ],
    ['compression', () => unsigned({ ...es256, zip: 'DEF' }, good()), 'identity.token_malformed'],
    ['encryption in three parts', () => unsigned({ ...es256, enc: 'A256GCM' }, good()), 'identity.token_malformed'],
    ['alg twice', () => unsigned('{"alg":"none","alg":"ES256","kid":"ES256"}', good()), 'identity.token_malformed'],
    [
      'alg twice, once escaped',
      () => unsigned('{"\\u0061lg":"none","alg":"ES256"}', good()),
      'identity.token_malformed',
    ],
    ['a prototype', () => unsigned('{"__proto__":{"alg":"none"},"alg":"ES256"}', good()), 'identity.token_malformed'],
    ['no object', () => unsigned('"ES256"', good()), 'identity.token_malformed'],
  ],
  'other spellings of a good token': [
    [
      'padding',
      async () => {
        const [h, p, s] = await parts()
        return `${h}.${p}.${s}==`
      },
      'identity.token_malformed',
    ],
    [
      'the other base64 alphabet',
      async () => {
        const [h, p] = await parts()
        return `${h}.${p}.${'+/'.repeat(43)}`
      },
      'identity.token_malformed',
    ],
    [
      'a blank in it',
      async () => {
        const [h, p, s] = await parts()
        return `${h}.${p} .${s}`
      },
      'identity.token_malformed',
    ],
    ['a line break behind it', async () => `${await acme.sign(good())}\n`, 'identity.token_malformed'],
    ['a percent-encoded dot', async () => (await parts()).join('%2E'), 'identity.token_malformed'],
    ['a part more', async () => `${await acme.sign(good())}.`, 'identity.token_malformed'],
    [
      'bits that do not count',
      async () => {
        const [h, p, s] = await parts()
        const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
        return `${h}.${p}.${s.slice(0, -1)}${alphabet[alphabet.indexOf(s.at(-1) ?? '') + 1]}`
      },
      'identity.token_malformed',
    ],
    [
      'a byte order mark before its claims',
      () => acme.sign(`\ufeff${JSON.stringify(good())}`),
      'identity.token_malformed',
    ],
    [
      'no signature',
      async () => {
        const [h, p] = await parts()
        return `${h}.${p}.`
      },
      'identity.token_malformed',
    ],
    [
      'a signature that is too short',
      async () => {
        const [h, p, s] = await parts()
        return `${h}.${p}.${s.slice(0, 40)}`
      },
      'identity.signature',
    ],
    [
      'a signature of zeros',
      async () => {
        const [h, p] = await parts()
        return `${h}.${p}.${'A'.repeat(86)}`
      },
      'identity.signature',
    ],
    [
      'a signature in DER',
      async () => {
        const [h, p] = await parts()
        const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
        const { sign } = await import('node:crypto')
        return `${h}.${p}.${sign('sha256', Buffer.from(`${h}.${p}`), privateKey).toString('base64url')}`
      },
      'identity.signature',
    ],
    // Whoever has the token can make this of it: it says the same, and is worth no more.
    ['the other half of its signature', () => malleated(), 'ok'],
    [
      'claims of one, signature of another',
      async () => {
        const [[h, , s], [, p]] = [await parts(), (await acme.sign({ ...good(), sub: 'root' })).split('.')]
        return `${h}.${p}.${s}`
      },
      'identity.signature',
    ],
    [
      'a header of one, the rest of another',
      async () => {
        const [[, p, s], h] = [await parts(), base64url(JSON.stringify({ ...es256, typ: 'JWT' }))]
        return `${h}.${p}.${s}`
      },
      'identity.signature',
    ],
  ],
  'claims that two readers could read differently': [
    ['a claim twice', () => acme.sign(text('"sub":"root"')), 'identity.token_malformed'],
    ['a claim twice, once escaped', () => acme.sign(text('"\\u0073ub":"root"')), 'identity.token_malformed'],
    ['a prototype', () => acme.sign(text('"__proto__":{"sub":"root"}')), 'identity.token_malformed'],
    ['something behind them', () => acme.sign(`${JSON.stringify(good())}{}`), 'identity.token_malformed'],
    ['half a character', () => acme.sign(text('"name":"\\ud800"')), 'identity.token_malformed'],
    [
      'a number too large to be exact',
      () => acme.sign(text('"level":123456789012345678901234567890')),
      'identity.token_malformed',
    ],
    ['comments', () => acme.sign(text('/* */ "x":1')), 'identity.token_malformed'],
    ['a list', () => acme.sign('["sub"]'), 'identity.token_malformed'],
    ['nothing', () => acme.sign('{}'), 'identity.issuer_unknown'],
    ['a hundred levels', () => acme.sign(text(`"x":${'['.repeat(100)}${']'.repeat(100)}`)), 'identity.token_malformed'],
    ['3,000 members', () => acme.sign(text(`"x":[${'1,'.repeat(3000)}1]`)), 'identity.token_malformed'],
    ['20,000 characters', () => acme.sign({ ...good(), x: 'x'.repeat(20_000) }), 'identity.token_malformed'],
    ['a user in other writing', () => acme.sign({ ...good(), sub: 'аlice' }), 'ok'],
    ['a user of the system', () => acme.sign({ ...good(), sub: 'system:admin' }), 'identity.reserved_name'],
    ['a group of the system', () => acme.sign({ ...good(), groups: ['system:masters'] }), 'identity.reserved_name'],
    ['a user that is an agent', () => acme.sign({ ...good(), sub: 'agent:acme0:root' }), 'identity.reserved_name'],
    ['a user that is a list', () => acme.sign({ ...good(), sub: ['alice'] as never }), 'identity.claims'],
    ['groups that are an object', () => acme.sign({ ...good(), groups: { a: 'b' } }), 'identity.claims'],
  ],
  times: [
    ['no exp', () => acme.sign({ ...good(), exp: undefined as never }), 'identity.claims'],
    ['exp as text', () => acme.sign(JSON.stringify({ ...good(), exp: String(seconds() + 300) })), 'identity.claims'],
    ['exp null', () => acme.sign(JSON.stringify({ ...good(), exp: null })), 'identity.claims'],
    ['exp true', () => acme.sign(JSON.stringify({ ...good(), exp: true })), 'identity.claims'],
    ['exp in a list', () => acme.sign(JSON.stringify({ ...good(), exp: [seconds() + 300] })), 'identity.claims'],
    ['exp negative', () => acme.sign({ ...good(), exp: -1 }), 'identity.claims'],
    [
      'exp 1e400',
      () => acme.sign(JSON.stringify({ ...good(), exp: 0 }).replace('"exp":0', '"exp":1e400')),
      'identity.token_malformed',
    ],
    ['exp 1e300, which no calendar knows', () => acme.sign({ ...good(), exp: 1e300 }), 'identity.claims'],
    ['exp with a fraction', () => acme.sign({ ...good(), exp: seconds() + 300.5 }), 'ok'],
    ['exp as 1e10', () => acme.sign(JSON.stringify({ ...good(), exp: 0 }).replace('"exp":0', '"exp":1e10')), 'ok'],
    ['exp now', () => acme.sign({ ...good(), exp: seconds() }), 'identity.expired'],
    ['nbf as text', () => acme.sign(JSON.stringify({ ...good(), nbf: '0' })), 'identity.claims'],
    ['nbf null', () => acme.sign(JSON.stringify({ ...good(), nbf: null })), 'identity.claims'],
    ['nbf four minutes ahead', () => acme.sign({ ...good(), nbf: seconds() + 240 }), 'ok'],
    [
      'nbf six minutes ahead',
      () => acme.sign({ ...good(), nbf: seconds() + 360, exp: seconds() + 900 }),
      'identity.not_yet_valid',
    ],
    // As in the API server: iat says nothing about validity (RFC 7519, section 4.1.6).
    ['iat in a hundred years', () => acme.sign({ ...good(), iat: seconds() + 3_000_000_000 }), 'ok'],
    ['iat as text', () => acme.sign(JSON.stringify({ ...good(), iat: 'today' })), 'ok'],
  ],
}

describe.each(Object.entries(cases))('%s', (_, rows) => {
  it.each(rows)('%s', async (_, make, reason) => {
    const token = await make()
    expect(await present(token)).toBe(reason)
    // What is remembered answers alike.
    expect(await present(token)).toBe(reason)
  })
})

describe('the clock', () => {
  it('ends a token of the provider to the second', async () => {
    const token = await acme.token({ grant_type: 'client_credentials', resource })
    const { exp = 0 } = decodeJwt(token)
    expect(await present(token)).toBe('ok')
    clock = exp * 1000 - Date.now() - 1000
    expect(await present(token)).toBe('ok')
    clock = exp * 1000 - Date.now()
    expect(await present(token)).toBe('identity.expired')
    expect(await present(await acme.sign({ ...good(), exp }))).toBe('identity.expired')
  })
})

describe('nothing of all this', () => {
  it('made us go anywhere that a token names, or ask a provider again and again', () => {
    expect(bait.visits).toBe(0)
    for (const { fetches } of [acme, partner]) expect(fetches).toBeLessThan(10)
    expect(stranger.fetches).toBe(0)
  })
})
