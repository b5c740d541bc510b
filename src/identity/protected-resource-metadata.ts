import type { KnownIssuer } from './authenticator.js'

/** RFC 9728, section 2; the members that MCP clients read. */
export interface ProtectedResourceMetadata {
  readonly resource: string
  readonly authorization_servers?: readonly string[]
  readonly scopes_supported?: readonly string[]
  readonly bearer_methods_supported: readonly ['header']
  readonly dpop_signing_alg_values_supported?: readonly string[]
  readonly resource_name?: string
}

export interface ProtectedResource {
  /** Server.spec.resource; clients compare it with the URL that they use, so it goes out as it was written. */
  readonly resource: string
  /** Issuer URLs; none where nobody can log in. */
  readonly authorizationServers: readonly string[]
  readonly scopes?: readonly string[]
  /** Signatures that DPoP proofs may have (RFC 9449, section 5.1); none where no proofs are taken. */
  readonly dpopAlgorithms?: readonly string[]
  readonly name?: string
}

/**
 * The metadata document of a Server. `offline_access` is left out: it is between client and issuer (MCP
 * authorization, scope selection).
 */
export function protectedResourceMetadata(server: ProtectedResource): ProtectedResourceMetadata {
  const { dpopAlgorithms = [] } = server
  const scopes = (server.scopes ?? []).filter(scope => scope !== 'offline_access')
  return {
    resource: server.resource,
    // RFC 9728, section 2: a member without values is left out.
    ...(server.authorizationServers.length > 0 && { authorization_servers: server.authorizationServers }),
    ...(scopes.length > 0 && { scopes_supported: scopes }),
    bearer_methods_supported: ['header'],
    ...(dpopAlgorithms.length > 0 && { dpop_signing_alg_values_supported: dpopAlgorithms }),
    ...(server.name !== undefined && { resource_name: server.name }),
  }
}

/** Clients log in at the first: issuers that people log in at, and whose tokens a Server with these audiences may take. */
export function authorizationServers(issuers: readonly KnownIssuer[], accepted: readonly string[]): readonly string[] {
  return issuers
    .filter(({ login, audiences }) => login && audiences.some(audience => accepted.includes(audience)))
    .map(({ url }) => url)
}

/** The path under which RFC 9728, section 3.1, puts the metadata of a resource with this path. "/" counts as none. */
export function protectedResourceMetadataPath(resourcePath: string): string {
  return `/.well-known/oauth-protected-resource${resourcePath === '/' ? '' : resourcePath}`
}

/** The URL of the metadata of a resource; a query stays at the end. For documents, not for requests. */
export function protectedResourceMetadataUrl(resource: string): string {
  const { origin, pathname, search } = new URL(resource)
  return `${origin}${protectedResourceMetadataPath(pathname)}${search}`
}
