import { hash } from 'node:crypto'
import { type CryptoKey, importJWK } from 'jose'
import type { JsonObject } from '../../protocol/json-value.js'
import type { Algorithm } from '../algorithms.js'

type PublicJwk =
  | { readonly crv: string; readonly kty: 'EC'; readonly x: string; readonly y: string }
  | { readonly e: string; readonly kty: 'RSA'; readonly n: string }

/** The key in the header of a proof; nothing is known of its owner until the thumbprint is compared. */
export interface ProofKey {
  readonly jwk: PublicJwk
  /** RFC 7638 with SHA-256. */
  readonly thumbprint: string
}

/** A proof that holds a private or a symmetric key is refused (RFC 9449, section 4.3, check 7). */
const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

const curves: Readonly<Record<string, { readonly crv: string; readonly characters: number }>> = {
  ES256: { crv: 'P-256', characters: 43 },
  ES384: { crv: 'P-384', characters: 64 },
  ES512: { crv: 'P-521', characters: 88 },
}

/** From 2048 to 4096 bits: above, strangers could choose how long we calculate. */
const modulus = { min: 342, max: 683 }
/** Up to 32 bits, for the same reason; "AQAB" everywhere. */
const maxExponent = 6

/** The public key of a proof for its algorithm; undefined when it is none, or holds more than a public key. */
export function proofKey(jwk: JsonObject, algorithm: Algorithm): ProofKey | undefined {
  if (secretMembers.some(name => jwk.has(name))) return undefined
  const text = (name: string) => {
    const value = jwk.get(name)
    return typeof value === 'string' && /^[A-Za-z0-9_-]+$/.test(value) ? value : undefined
  }
  const publicJwk = publicPart(text, algorithm)
  // RFC 7638, section 3: the required members, in the order of their names, without white space.
  return publicJwk && { jwk: publicJwk, thumbprint: hash('sha256', JSON.stringify(publicJwk), 'base64url') }
}

function publicPart(text: (name: string) => string | undefined, algorithm: Algorithm): PublicJwk | undefined {
  const [kty, crv, x, y, n, e] = [text('kty'), text('crv'), text('x'), text('y'), text('n'), text('e')]
  const curve = curves[algorithm]
  if (curve !== undefined) {
    if (kty !== 'EC' || crv !== curve.crv || x === undefined || y === undefined) return undefined
    if (x.length !== curve.characters || y.length !== curve.characters) return undefined
    return { crv, kty, x, y }
  }
  if (kty !== 'RSA' || n === undefined || e === undefined || e.length > maxExponent) return undefined
  return n.length < modulus.min || n.length > modulus.max ? undefined : { e, kty, n }
}

/** Rejects when it is no point of the curve, or no modulus. */
export async function importProofKey({ jwk }: ProofKey, algorithm: Algorithm): Promise<CryptoKey> {
  const key = await importJWK({ ...jwk }, algorithm)
  if (key instanceof Uint8Array) throw new Error('a symmetric key cannot verify')
  const { algorithm: details } = key
  if ('modulusLength' in details && typeof details.modulusLength === 'number' && details.modulusLength < 2048)
    throw new Error('RSA keys below 2048 bits are not accepted')
  return key
}
