import { isJsonArray, type JsonObject, type JsonValue } from '../protocol/json-value.js'
import { type KeyBinding, keyBinding } from './key-binding.js'
import type { IdentityReason } from './reasons.js'

export type TokenUse =
  /** `binding`: the token is only good together with a proof of this; undefined for a bearer token. */
  | { readonly ok: true; readonly binding: KeyBinding | undefined }
  | { readonly ok: false; readonly reason: IdentityReason; readonly message: string }

const bearer: TokenUse = { ok: true, binding: undefined }

/** Header types of access tokens (RFC 9068) and of issuers that do not say. All others are other things. */
const accessTokenTypes: ReadonlySet<string> = new Set(['jwt', 'at+jwt', 'jose'])

/** Keycloak and others say in a claim what kind of token it is. `dpop` is an access token, but a bound one. */
const accessTokenClaims: ReadonlySet<string> = new Set(['bearer', 'jwt', 'at+jwt', 'access', 'access_token'])

const wrongType: TokenUse = {
  ok: false,
  reason: 'identity.token_type',
  message:
    'This is not an access token (but an ID token, a refresh token, an ID-JAG or the like); exchange it for an access token.',
}
export const unverifiableBinding = {
  ok: false,
  reason: 'identity.token_bound',
  message:
    'The access token is bound to a key (cnf) in a way that cannot be checked here; ask for an unbound bearer token.',
} as const satisfies TokenUse

/**
 * Whether a verified token is an access token and for this place, and to what it is bound. A closed list of types: an ID-JAG
 * (`oauth-id-jag+jwt`), logout, security event, transaction and DPoP proof tokens carry types of their own (RFC 8725,
 * section 3.11). ID tokens of issuers that say nothing are known by `at_hash` and `c_hash`, which only they have, and
 * by `nonce`, unless the token says that it is an access token (older Keycloaks put a nonce there too).
 */
export function checkTokenUse(
  claims: JsonObject,
  typ: string | undefined,
  accepted: readonly string[],
  issuerAudiences: readonly string[],
): TokenUse {
  const audience = claims.get('aud')
  if (!meets(audience, accepted))
    return {
      ok: false,
      reason: 'identity.audience',
      message: `The access token is not meant for this server; ask for one with the audience ${accepted.join(' or ')}.`,
    }
  if (!meets(audience, issuerAudiences))
    return {
      ok: false,
      reason: 'identity.audience',
      message:
        'The access token has none of the audiences that are configured for its issuer (jwt[].issuer.audiences).',
    }
  if (typ !== undefined && !isAccessTokenType(typ)) return wrongType
  const kind = claims.get('typ')
  if (kind !== undefined && typeof kind !== 'string') return wrongType
  const forDpop = kind?.toLowerCase() === 'dpop'
  if (kind !== undefined && !forDpop && !accessTokenClaims.has(kind.toLowerCase())) return wrongType
  const use = claims.get('token_use')
  if (use !== undefined && use !== 'access') return wrongType
  if (claims.has('at_hash') || claims.has('c_hash') || claims.has('events')) return wrongType
  if (claims.has('nonce') && kind === undefined && typ?.toLowerCase().endsWith('at+jwt') !== true) return wrongType
  const confirmation = claims.get('cnf')
  if (confirmation === undefined) return forDpop ? unverifiableBinding : bearer
  const binding = keyBinding(confirmation)
  if (binding === undefined || (forDpop && binding.jkt === undefined)) return unverifiableBinding
  return { ok: true, binding }
}

function isAccessTokenType(typ: string): boolean {
  // As nearly every issuer writes it; this runs on every request.
  return accessTokenTypes.has(typ) || accessTokenTypes.has(withoutApplication(typ.toLowerCase()))
}

/** RFC 7515, section 4.1.9: "application/" may be left out. */
function withoutApplication(typ: string): string {
  return typ.startsWith('application/') ? typ.slice('application/'.length) : typ
}

/** `aud` is a text or a list of texts (RFC 7519, section 4.1.3); without any, the token is meant for nobody. */
function meets(audience: JsonValue | undefined, accepted: readonly string[]): boolean {
  if (typeof audience === 'string') return accepted.includes(audience)
  if (!isJsonArray(audience) || !audience.every(item => typeof item === 'string')) return false
  return audience.some(item => accepted.includes(item))
}
