import { isJsonObject, type JsonValue } from '../protocol/json-value.js'

/** What the presenter of a token has to prove. Where both are stated, both. */
export interface KeyBinding {
  /** RFC 7638 thumbprint of the key that signs the DPoP proofs (RFC 9449, section 6). */
  readonly jkt: string | undefined
  /** SHA-256 of the client's certificate in DER, base64url (RFC 8705, section 3.1). */
  readonly certificate: string | undefined
}

/** Other ways to name a key (RFC 7800, section 3): they would have to be proven too, and nothing here does. */
const otherMethods = ['jwk', 'jwe', 'kid', 'jku']

/** SHA-256 in base64url without padding. */
const digest = /^[A-Za-z0-9_-]{43}$/

/**
 * The confirmation claim of a token (`cnf`, RFC 7800); undefined when it asks for anything that we cannot verify. Members
 * that are not registered are ignored, as RFC 7800, section 3.1 wants it: Keycloak adds some.
 */
export function keyBinding(confirmation: JsonValue): KeyBinding | undefined {
  if (!isJsonObject(confirmation) || otherMethods.some(name => confirmation.has(name))) return undefined
  const [jkt, certificate] = [confirmation.get('jkt'), confirmation.get('x5t#S256')]
  if (jkt === undefined && certificate === undefined) return undefined
  if (!isDigest(jkt) || !isDigest(certificate)) return undefined
  return { jkt, certificate }
}

function isDigest(value: JsonValue | undefined): value is string | undefined {
  return value === undefined || (typeof value === 'string' && digest.test(value))
}
