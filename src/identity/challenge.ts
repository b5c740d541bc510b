export interface ChallengeInput {
  readonly realm?: string
  /** None when the request had no token (RFC 6750, section 3.1). */
  readonly error?: 'invalid_token' | 'insufficient_scope'
  readonly description?: string
  /** Every scope that is needed, not only those that are missing: clients ask for exactly these. */
  readonly scope?: readonly string[]
  /** URL of the protected resource metadata (RFC 9728, section 5.1). */
  readonly resourceMetadata: string
}

/**
 * The value of a WWW-Authenticate header (RFC 6750, section 3). It begins with `Bearer `, because MCP clients look no
 * further. Characters that a quoted string or a scope cannot hold are left out.
 */
export function challenge({ realm, error, description, scope = [], resourceMetadata }: ChallengeInput): string {
  const scopes = scope.filter(isScopeToken)
  const parameters = [
    realm === undefined ? undefined : `realm=${quoted(realm)}`,
    error === undefined ? undefined : `error=${quoted(error)}`,
    description === undefined ? undefined : `error_description=${quoted(withoutQuotes(description))}`,
    scopes.length === 0 ? undefined : `scope=${quoted(scopes.join(' '))}`,
    `resource_metadata=${quoted(resourceMetadata)}`,
  ]
  return `Bearer ${parameters.filter(parameter => parameter !== undefined).join(', ')}`
}

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
