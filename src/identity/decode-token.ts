import { isJsonObject, type JsonObject, type JsonValue } from '../protocol/json-value.js'
import { parseStrictJson } from '../protocol/strict-json.js'
import { type Algorithm, isAlgorithm } from './algorithms.js'
import type { IdentityReason } from './reasons.js'

/** A token taken apart; nothing in it is verified. */
export interface DecodedToken {
  readonly protectedHeader: string
  readonly payload: string
  readonly signature: string
  readonly algorithm: Algorithm
  readonly kid: string | undefined
  readonly typ: string | undefined
  readonly claims: JsonObject
}

export type Decoded =
  | { readonly ok: true; readonly token: DecodedToken }
  | { readonly ok: false; readonly reason: IdentityReason; readonly message: string }

/** Members of a header that change what is signed or how; refusing them is shorter than being right about them. */
const refusedHeaders = ['crit', 'b64', 'enc', 'zip']

const malformed = (message: string) => ({ ok: false, reason: 'identity.token_malformed', message }) as const

/**
 * Takes a JWS in compact form apart (RFC 7515, section 7.1) with the strict JSON reader: a header or claims that two
 * readers could understand differently are refused. `jwk`, `jku`, `x5u` and `x5c` are never looked at: keys come from
 * the issuer's key set only (RFC 8725, sections 3.1 and 3.10).
 */
export function decodeToken(token: string): Decoded {
  const parts = token.split('.', 6)
  const [protectedHeader = '', payload = '', signature = ''] = parts
  if (parts.length === 5) return malformed('The access token is encrypted; only signed tokens (JWT) are accepted.')
  if (parts.length !== 3)
    return malformed(
      'The access token is not a JWT; configure the issuer to issue JWT access tokens for this resource.',
    )
  if (!isBase64url(protectedHeader) || !isBase64url(payload) || (signature !== '' && !isBase64url(signature)))
    return malformed('The access token is not a JWT: a part is not base64url.')
  const header = parse(protectedHeader)
  if (!isJsonObject(header)) return malformed('The header of the access token is not a JSON object.')
  const [kid, typ] = [header.get('kid'), header.get('typ')]
  if ((kid !== undefined && typeof kid !== 'string') || (typ !== undefined && typeof typ !== 'string'))
    return malformed('In the header of the access token, kid or typ is not text.')
  if (refusedHeaders.some(name => header.has(name)))
    return malformed('The header of the access token uses an extension that is not accepted (crit, b64, enc or zip).')
  const algorithm = header.get('alg')
  if (!isAlgorithm(algorithm))
    return {
      ok: false,
      reason: 'identity.algorithm',
      message:
        'The access token is signed with an algorithm that is not accepted; use RS256, PS256, ES256 or their longer forms.',
    }
  if (signature === '') return malformed('The access token has no signature.')
  const claims = parse(payload)
  if (!isJsonObject(claims)) return malformed('The claims of the access token are not one unambiguous JSON object.')
  return { ok: true, token: { protectedHeader, payload, signature, algorithm, kid, typ, claims } }
}

/** The claims of a JWS whoever signed it and however, to compare them with others; undefined when it is none. */
export function unverifiedClaims(token: string): JsonObject | undefined {
  const parts = token.split('.', 4)
  const [, payload = ''] = parts
  const claims = parts.length === 3 && isBase64url(payload) ? parse(payload) : undefined
  return isJsonObject(claims) ? claims : undefined
}

function parse(part: string): JsonValue | undefined {
  const parsed = parseStrictJson(Buffer.from(part, 'base64url'), { maxDepth: 32, maxMembers: 2000 })
  return parsed.ok ? parsed.value : undefined
}

/**
 * Buffer skips what it does not know, so the alphabet is checked before. The bits that the last character has too many must
 * be zero (RFC 4648, section 3.5), so that a token has one spelling.
 */
function isBase64url(text: string): boolean {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return false
  const last = text.at(-1) ?? ''
  switch (text.length % 4) {
    case 1:
      return false
    case 2:
      return 'AQgw'.includes(last)
    case 3:
      return 'AEIMQUYcgkosw048'.includes(last)
    default:
      return true
  }
}
