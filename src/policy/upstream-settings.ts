import type { UpstreamSettings } from './server.js'
import type { ServerSpec } from './server-schema.js'

/** `upstream` of a Server with its defaults: without an audience, tokens for the server name its resource. */
export function upstreamSettings({ upstream, resource }: ServerSpec): UpstreamSettings {
  const { authorization, identity, contextToken, exchange, impersonation } = upstream
  const audience = upstream.audience ?? resource
  // Providers go by one of the two (RFC 8693, section 2.1); a resource alone is enough.
  const audiences = exchange?.audiences ?? (exchange?.resource === undefined ? [audience] : [])
  return {
    authorization,
    identity,
    audience,
    contextToken,
    exchange:
      authorization === 'exchange'
        ? {
            with: exchange?.with ?? 'default',
            audience,
            audiences,
            resource: exchange?.resource,
            scopes: exchange?.scopes ?? [],
          }
        : undefined,
    impersonation: {
      groups: impersonation?.groups,
      uid: impersonation?.uid ?? false,
      extra: impersonation?.extra ?? [],
    },
  }
}
