/** Where the keys of an issuer of ours are, as far as the issuer's URL is where http is reachable. */
export const jwksPath = '/.well-known/jwks.json'

/**
 * The part of OpenID Connect Discovery 1.0 that servers read to find our keys, as JSON. We log nobody in: what the
 * specification requires beyond that says so.
 */
export function signingMetadata(issuer: string, algorithms: readonly string[]): string {
  return JSON.stringify({
    issuer,
    jwks_uri: `${issuer.endsWith('/') ? issuer.slice(0, -1) : issuer}${jwksPath}`,
    response_types_supported: [],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: algorithms,
  })
}
