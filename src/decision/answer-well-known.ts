import { authorizationServers, protectedResourceMetadata } from '../identity/protected-resource-metadata.js'
import type { Server } from '../policy/server.js'
import { serverExtension } from '../policy/server-table.js'
import type { PolicySnapshot } from '../policy/snapshot.js'
import type { WellKnown } from '../protocol/well-known.js'
import type { Answer, HeaderValue } from './decision.js'
import type { Trial } from './trial.js'

/** Any website may read what anybody may read. */
const cors: readonly HeaderValue[] = [{ name: 'access-control-allow-origin', value: '*' }]

/** Clients in browsers send `mcp-protocol-version` along, which makes the browser ask first. */
const preflight: Answer = {
  kind: 'respond',
  status: 204,
  headers: [
    ...cors,
    { name: 'access-control-allow-methods', value: 'GET, HEAD' },
    { name: 'access-control-allow-headers', value: '*' },
    { name: 'access-control-max-age', value: '86400' },
  ],
  body: '',
}

/**
 * Answers what clients fetch before they have a token. The metadata of a protected resource (RFC 9728) is public by
 * design; every other well-known path is answered 404 by us, because the server behind is no authorization server. That
 * holds for the authorization server's metadata too, which clients of 2025-03-26 looked for here: a copy would name an
 * issuer that is not where it was found, which clients have to refuse (RFC 8414, section 3.3).
 */
export function answerWellKnown(trial: Trial, wellKnown: WellKnown): Answer {
  const { method } = trial.request
  if (method === 'OPTIONS') return preflight
  // To a HEAD the gateway sends the same without the body (RFC 9110, section 9.3.2).
  if (method !== 'GET' && method !== 'HEAD') return text(405, 'only GET and HEAD')
  const server =
    wellKnown.document === 'oauth-protected-resource' ? described(trial, wellKnown.resourcePath) : undefined
  if (server === undefined) return text(404, 'no such document')
  return {
    kind: 'respond',
    status: 200,
    headers: [
      { name: 'content-type', value: 'application/json' },
      { name: 'cache-control', value: 'max-age=300' },
      ...cors,
    ],
    body: metadataDocument(trial.snapshot, server),
  }
}

/** The RFC 9728 document of a Server. */
export function metadataDocument(snapshot: PolicySnapshot, server: Server): string {
  return JSON.stringify(
    protectedResourceMetadata({
      resource: server.resource,
      authorizationServers: authorizationServers(snapshot.authenticator.issuers, server.audience.audiences),
      scopes: snapshot.scopes.get(server.name) ?? [],
      dpopAlgorithms: snapshot.authenticator.dpopAlgorithms ?? [],
      name: server.name,
    }),
  )
}

/** The path form only: at the root a document would speak for resources that it does not describe. */
function described({ request, snapshot }: Trial, resourcePath: string): Server | undefined {
  const path = resourcePath === '' ? '/' : resourcePath
  const named = request.context.extensions.get(serverExtension)
  const server =
    named === undefined ? snapshot.servers.byAddress(request.authority, path) : snapshot.servers.byName(named)
  return server?.path === path ? server : undefined
}

function text(status: number, message: string): Answer {
  const headers = [
    { name: 'content-type', value: 'application/json' },
    ...(status === 405 ? [{ name: 'allow', value: 'GET, HEAD, OPTIONS' }] : []),
    ...cors,
  ]
  return { kind: 'respond', status, headers, body: JSON.stringify({ error: message }) }
}
