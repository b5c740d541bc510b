/**
 * Signature algorithms (RFC 7518, section 3.1) that the API server accepts with a configuration file. No `none`, no
 * HS* (a public key would become a shared secret), no EdDSA.
 */
export const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'] as const
export type Algorithm = (typeof algorithms)[number]

export function isAlgorithm(text: unknown): text is Algorithm {
  return algorithms.some(algorithm => algorithm === text)
}
