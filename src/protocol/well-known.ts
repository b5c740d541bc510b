/** The documents by which clients find the authorization server: RFC 9728, RFC 8414, OpenID Connect Discovery 1.0. */
export type WellKnownDocument = 'oauth-protected-resource' | 'oauth-authorization-server' | 'openid-configuration'

export interface WellKnown {
  readonly document: WellKnownDocument
  /** What follows the document's name, raw: "" or a path that begins with "/", e.g. `/mcp` (RFC 9728, section 3.1). */
  readonly resourcePath: string
}

const prefix = '/.well-known/'
const documents = ['oauth-protected-resource', 'oauth-authorization-server', 'openid-configuration'] as const

/** Recognizes the path of a well-known document, exactly and without decoding; undefined for every other path. */
export function matchWellKnown(path: string): WellKnown | undefined {
  if (!path.startsWith(prefix)) return undefined
  for (const document of documents) {
    if (!path.startsWith(document, prefix.length)) continue
    const resourcePath = path.slice(prefix.length + document.length)
    if (resourcePath === '' || resourcePath.startsWith('/')) return { document, resourcePath }
  }
  return undefined
}
