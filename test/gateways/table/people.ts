import { createHash, randomUUID } from 'node:crypto'
import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTPayload,
  SignJWT,
} from 'jose'

const issuer = 'https://idp.example.com'

const staff = { sub: 'alice', preferred_username: 'alice', groups: ['staff'], client_id: 'console' }
/** Claims beside those that every token has; undefined takes one of these away. */
const claimsOf = {
  alice: staff,
  'alice through an agent': { ...staff, client_id: 'sre-agent' },
  'alice in two groups': { ...staff, groups: ['staff', 'admins'] },
  'alice with a scope': { ...staff, scope: 'files:sign' },
  bob: { sub: 'bob', preferred_username: 'bob', groups: ['others'], client_id: 'console' },
  'an old token': { ...staff, exp: 1_600_000_000 },
  'a token from the future': { ...staff, nbf: 4_000_000_000 },
  'a token for others': { ...staff, aud: 'others' },
  'a token of a stranger': { ...staff, iss: 'https://other.example.com' },
  'a token of the system': { ...staff, preferred_username: 'system:admin' },
  'a token without a name': { ...staff, preferred_username: undefined },
} as const satisfies Readonly<Record<string, JWTPayload>>

export type Who =
  | keyof typeof claimsOf
  | 'nobody'
  | 'an ID token'
  | 'a forged token'
  | 'no JWT'
  | 'alice with a key'
  | 'alice with a key, as a bearer'

/** What a request brings that says who asks. Made for each request: a proof is good for one. */
export interface Credentials {
  readonly token: string | undefined
  readonly headers: readonly (readonly [string, string])[]
}

export interface People {
  /** The issuer's key set. */
  readonly jwks: string
  credentials(who: Who, request: { readonly method: string; readonly url: string }): Promise<Credentials>
}

export async function createPeople(): Promise<People> {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const forger = await generateKeyPair('ES256')
  const proofs = await generateKeyPair('ES256', { extractable: true })
  const proofJwk = await exportJWK(proofs.publicKey)
  const jkt = await calculateJwkThumbprint(proofJwk)
  const sign = (claims: JWTPayload, key: CryptoKey, typ = 'at+jwt') => {
    const now = Math.floor(Date.now() / 1000)
    return new SignJWT({ iss: issuer, aud: 'mcp', iat: now, exp: now + 3600, ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'k', typ })
      .sign(key)
  }
  const tokens = new Map<Who, string>([
    ['an ID token', await sign({ ...staff, nonce: 'n', at_hash: 'h' }, privateKey, 'JWT')],
    ['a forged token', await sign(staff, forger.privateKey)],
    ['no JWT', 'opaque'],
  ])
  for (const who of Object.keys(claimsOf).filter(isKnown)) tokens.set(who, await sign(claimsOf[who], privateKey))
  const bound = await sign({ ...staff, cnf: { jkt } }, privateKey)
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256', use: 'sig' }]
  return {
    jwks: JSON.stringify({ keys }),
    async credentials(who, request) {
      if (who === 'nobody') return { token: undefined, headers: [] }
      if (who === 'alice with a key') {
        const proof = await proofFor(request, bound, proofs.privateKey, proofJwk)
        return {
          token: bound,
          headers: [
            ['authorization', `DPoP ${bound}`],
            ['dpop', proof],
          ],
        }
      }
      const token = who === 'alice with a key, as a bearer' ? bound : tokens.get(who)
      if (token === undefined) throw new Error(`nobody is ${who}`)
      return { token, headers: [['authorization', `Bearer ${token}`]] }
    },
  }
}

function isKnown(who: string): who is keyof typeof claimsOf {
  return who in claimsOf
}

/** RFC 9449, section 4.2. */
function proofFor(
  { method, url }: { readonly method: string; readonly url: string },
  token: string,
  key: CryptoKey,
  jwk: JWK,
): Promise<string> {
  const ath = createHash('sha256').update(token).digest('base64url')
  return new SignJWT({ htm: method, htu: url, ath, jti: randomUUID() })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
    .setIssuedAt()
    .sign(key)
}
