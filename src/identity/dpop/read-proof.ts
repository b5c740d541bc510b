import { isJsonObject, type JsonObject, type JsonValue } from '../../protocol/json-value.js'
import type { RequestHeaders } from '../../protocol/request-headers.js'
import { parseStrictJson } from '../../protocol/strict-json.js'
import { type Algorithm, isAlgorithm } from '../algorithms.js'
import { numericDate } from '../numeric-date.js'
import { type ProofKey, proofKey } from './proof-key.js'

/** A DPoP proof taken apart; nothing in it is verified. */
export interface Proof {
  readonly protectedHeader: string
  readonly payload: string
  readonly signature: string
  readonly algorithm: Algorithm
  readonly key: ProofKey
  readonly jti: string
  readonly htm: string
  readonly htu: string
  /** Milliseconds since the epoch. */
  readonly issuedAt: number
  readonly expiresAt: number | undefined
  readonly notBefore: number | undefined
  readonly ath: string
  readonly nonce: string | undefined
}

export type ReadProof =
  | { readonly ok: true; readonly proof: Proof }
  | { readonly ok: false; readonly missing: boolean; readonly message: string }

/** Bytes of a proof: a 4096-bit key and its signature take about 1.8 KiB of base64url. */
const maxProofBytes = 8 * 1024
const maxJti = 256

const wrong = (message: string): ReadProof => ({ ok: false, missing: false, message })

/** Takes the one `DPoP` header of a request apart: form and kinds, checks 1 to 7 of RFC 9449, section 4.3 but the signature. */
export function readProof(headers: RequestHeaders): ReadProof {
  const value = headers.one('dpop')
  if (value === undefined)
    return headers.has('dpop')
      ? wrong('There is more than one DPoP header; send exactly one.')
      : { ok: false, missing: true, message: 'The access token is bound to a key; send a DPoP proof with it.' }
  if (value.length > maxProofBytes) return wrong(`The DPoP proof is longer than ${maxProofBytes} bytes.`)
  // Gateways join repeated headers with a comma, which no JWT contains.
  if (value.includes(',')) return wrong('There is more than one DPoP header; send exactly one.')
  const parts = value.split('.', 4)
  const [protectedHeader = '', payload = '', signature = ''] = parts
  if (parts.length !== 3 || !parts.every(isBase64url)) return wrong('The DPoP proof is not a signed JWT.')
  const header = parse(protectedHeader)
  const claims = parse(payload)
  if (!isJsonObject(header) || !isJsonObject(claims))
    return wrong('The header or the claims of the DPoP proof are not one unambiguous JSON object.')
  if (header.get('typ') !== 'dpop+jwt') return wrong('The DPoP proof does not have the type dpop+jwt.')
  if (['crit', 'b64', 'enc', 'zip'].some(name => header.has(name)))
    return wrong('The header of the DPoP proof uses an extension that is not accepted (crit, b64, enc or zip).')
  const algorithm = header.get('alg')
  if (!isAlgorithm(algorithm))
    return wrong('The DPoP proof is signed with an algorithm that is not accepted; use ES256 or one of its kind.')
  const jwk = header.get('jwk')
  const key = isJsonObject(jwk) ? proofKey(jwk, algorithm) : undefined
  if (key === undefined)
    return wrong('The header of the DPoP proof does not hold the public key that signed it (jwk), and nothing more.')
  return readClaims(claims, { protectedHeader, payload, signature, algorithm, key })
}

function readClaims(
  claims: JsonObject,
  signed: Pick<Proof, 'protectedHeader' | 'payload' | 'signature' | 'algorithm' | 'key'>,
): ReadProof {
  const [jti, htm, htu, ath, nonce] = ['jti', 'htm', 'htu', 'ath', 'nonce'].map(name => claims.get(name))
  if (typeof jti !== 'string' || jti === '' || jti.length > maxJti)
    return wrong(`The DPoP proof has no jti of 1 to ${maxJti} characters.`)
  if (typeof htm !== 'string' || typeof htu !== 'string') return wrong('The DPoP proof has no htm or no htu.')
  if (typeof ath !== 'string') return wrong('The DPoP proof has no ath, so it is not one for this access token.')
  if (nonce !== undefined && typeof nonce !== 'string') return wrong('The nonce of the DPoP proof is not text.')
  const issuedAt = numericDate(claims.get('iat'))
  const [expiresAt, notBefore] = [numericDate(claims.get('exp')), numericDate(claims.get('nbf'))]
  const dated = issuedAt !== undefined && claims.has('exp') === (expiresAt !== undefined)
  if (!dated || claims.has('nbf') !== (notBefore !== undefined))
    return wrong('The DPoP proof has no valid iat, or an invalid exp or nbf.')
  return { ok: true, proof: { ...signed, jti, htm, htu, ath, nonce, issuedAt, expiresAt, notBefore } }
}

function parse(part: string): JsonValue | undefined {
  const parsed = parseStrictJson(Buffer.from(part, 'base64url'), { maxDepth: 8, maxMembers: 100 })
  return parsed.ok ? parsed.value : undefined
}

function isBase64url(text: string): boolean {
  return /^[A-Za-z0-9_-]+$/.test(text) && text.length % 4 !== 1
}
