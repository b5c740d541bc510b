/** The schemes by which an access token may come: RFC 6750, and RFC 9449 for tokens bound to a key of the client. */
export type ChallengeScheme = 'Bearer' | 'DPoP'

export interface ChallengeInput {
  /** Default: Bearer. */
  readonly scheme?: ChallengeScheme
  readonly realm?: string
  /** None when the request had no token (RFC 6750, section 3.1). The last two belong to DPoP (RFC 9449, section 7.1). */
  readonly error?: 'invalid_token' | 'insufficient_scope' | 'invalid_dpop_proof' | 'use_dpop_nonce'
  readonly description?: string
  /** Every scope that is needed, not only those that are missing: clients ask for exactly these. */
  readonly scope?: readonly string[]
  /** Signature algorithms that a proof may have (RFC 9449, section 5.1). */
  readonly algs?: readonly string[]
  /** URL of the protected resource metadata (RFC 9728, section 5.1). */
  readonly resourceMetadata: string
}

/**
 * One challenge of a WWW-Authenticate header (RFC 9110, section 11.6.1). Characters that a quoted string or a scope
 * cannot hold are left out, and so is `offline_access`, which is between client and issuer (MCP authorization, scope
 * selection), and a list of scopes that is too long for a header: clients then take the one of the metadata.
 */
export function challenge(input: ChallengeInput): string {
  const { scheme = 'Bearer', realm, error, description, scope = [], algs = [], resourceMetadata } = input
  const scopes = scope.filter(one => isScopeToken(one) && one !== 'offline_access').join(' ')
  const parameters = [
    realm === undefined ? undefined : `realm=${quoted(realm)}`,
    error === undefined ? undefined : `error=${quoted(error)}`,
    scopes === '' || scopes.length > maxScopesLength ? undefined : `scope=${quoted(scopes)}`,
    algs.length === 0 ? undefined : `algs=${quoted(algs.join(' '))}`,
    `resource_metadata=${quoted(resourceMetadata)}`,
    // Last: MCP clients take the first thing that looks like a parameter for it, also inside a quoted text.
    description === undefined ? undefined : `error_description=${quoted(withoutQuotes(description))}`,
  ]
  return `${scheme} ${parameters.filter(parameter => parameter !== undefined).join(', ')}`
}

/**
 * The value of a WWW-Authenticate header with all challenges. Those for Bearer come first, whatever their place in the
 * list: MCP clients read no header that begins otherwise, and take the first `scope` and `resource_metadata` in it.
 */
export function wwwAuthenticate(challenges: readonly ChallengeInput[]): string {
  const bearer = challenges.filter(({ scheme = 'Bearer' }) => scheme === 'Bearer')
  const others = challenges.filter(({ scheme = 'Bearer' }) => scheme !== 'Bearer')
  return [...bearer, ...others].map(challenge).join(', ')
}

/** In characters. Gateways limit a whole header block, often to 8 KiB. */
const maxScopesLength = 2048

/** RFC 9110, section 5.6.4; printable ASCII only, since some gateways drop a header with anything else. */
function quoted(text: string): string {
  return `"${text.replace(/[^\x20-\x7e]/g, '').replace(/["\\]/g, '\\$&')}"`
}

/** RFC 6750, section 3, allows neither quotes nor backslashes in a description. */
function withoutQuotes(text: string): string {
  return text.replaceAll('"', "'").replaceAll('\\', '')
}

/** RFC 6749, section 3.3. */
function isScopeToken(scope: string): boolean {
  return /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)
}
