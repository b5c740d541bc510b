import type { InboundRequest } from '../../protocol/inbound-request.js'
import { isJsonObject, type JsonObject } from '../../protocol/json-value.js'
import { methodTable } from '../../protocol/mcp/method-table.js'
import { RequestHeaders } from '../../protocol/request-headers.js'
import { askingSpan } from '../envoy/trace-parent.js'
import type { McpMessage } from './read-mcp-message.js'
import { syntheticMessage } from './synthetic-message.js'

/**
 * What the operator tells of a message by expressions under `metadata` of the processor; clients cannot write it. Names
 * that begin with `mcp-` are what context extensions are to ext_authz (`mcp-server`, `mcp-tenant`).
 */
const names = {
  jwt: 'jwt',
  token: 'token',
  path: 'path',
  host: 'host',
  scheme: 'scheme',
  address: 'source_address',
  workload: 'workload',
  prefixed: 'mcp-prefixed',
} as const
const extensionPrefix = 'mcp-'

/** They describe a body that is not the one which is judged, or repeat what is in it; ours stand in their place. */
const replaced: ReadonlySet<string> = new Set([
  ...['content-type', 'content-length', 'content-encoding', 'transfer-encoding', 'mcp-method', 'mcp-name'],
])

/**
 * The message as the HTTP request that ext_authz would have shown of it, so that the one pipeline judges both: a POST of a
 * JSON-RPC request made of method and params, with an id of ours. The gateway has read the client's message and holds on to
 * what it read, so that this body is complete by what it is.
 * @param deadline milliseconds since the epoch
 * @param traceparent of the gateway's call, unchecked
 */
export function inboundOf(
  message: McpMessage,
  listener: InboundRequest['listener'],
  deadline: number | undefined,
  traceparent?: string,
): InboundRequest {
  const { metadata } = message
  const pseudo = new Map<string, string>()
  const shown: [string, string][] = []
  for (const [name, value] of message.headers) {
    if (name.startsWith(':')) pseudo.set(name, pseudo.has(name) ? '' : value)
    else if (!replaced.has(name)) shown.push([name, value])
  }
  const given = withToken(RequestHeaders.from(shown), metadata)
  const prefix = isTrue(metadata.get(names.prefixed)) && message.services.length === 1 ? message.services[0] : undefined
  const { bytes, mirrors } = syntheticMessage(message, given, prefix)
  const headers = mirrors.reduce((all, [name, value]) => all.with(name, value), given)
  const target = pseudo.get(':path') ?? textOf(metadata, names.path)
  const question = target.indexOf('?')
  const trusted = listener.trust !== 'none'
  return {
    method: pseudo.get(':method') ?? 'POST',
    scheme: pseudo.get(':scheme') ?? textOf(metadata, names.scheme),
    authority: pseudo.get(':authority') ?? headers.one('host') ?? textOf(metadata, names.host),
    path: question < 0 ? target : target.slice(0, question),
    query: question < 0 ? undefined : target.slice(question + 1),
    headers,
    body: { state: 'complete', bytes },
    peer: {
      address: trusted ? textOf(metadata, names.address) : '',
      principal: trusted ? textOf(metadata, names.workload) : '',
    },
    context: { extensions: extensionsOf(metadata), routeMetadata: nothing, filterMetadata: claimsOf(metadata) },
    traceparent: askingSpan(traceparent, headers.one('traceparent')),
    deadline,
    listener,
  }
}

/**
 * Whether names of the message should get their target back, and nobody says which one it is. Policies would meet another
 * name than the client's, and what they say of that would not count.
 */
export function lacksTarget({ method, services, metadata }: McpMessage): boolean {
  return isTrue(metadata.get(names.prefixed)) && services.length !== 1 && methodTable.get(method)?.target !== undefined
}

const nothing: ReadonlyMap<string, JsonObject> = new Map()
/** Where Envoy's filter for tokens puts what it verified; the gateway's own word is put in the same place. */
const claimsNamespace = 'envoy.filters.http.jwt_authn'

function textOf(metadata: JsonObject, name: string): string {
  const value = metadata.get(name)
  return typeof value === 'string' ? value : ''
}

function isTrue(value: unknown): boolean {
  return value === true || value === 'true'
}

function extensionsOf(metadata: JsonObject): ReadonlyMap<string, string> {
  const extensions = new Map<string, string>()
  for (const [name, value] of metadata) {
    if (!name.startsWith(extensionPrefix)) continue
    // Of another kind it would name nothing, and the address must not decide in its place.
    extensions.set(name, typeof value === 'string' ? value : '')
  }
  return extensions
}

/** `default(jwt, {})` of a request without a token is an empty object, and says nothing. */
function claimsOf(metadata: JsonObject): ReadonlyMap<string, JsonObject> {
  const claims = metadata.get(names.jwt)
  if (!isJsonObject(claims) || claims.size === 0) return nothing
  return new Map([[claimsNamespace, new Map([['jwt_payload', claims]])]])
}

/** A token that the gateway has taken out of the headers, and shows to us instead; see the ext_authz door. */
function withToken(headers: RequestHeaders, metadata: JsonObject): RequestHeaders {
  const token = textOf(metadata, names.token)
  const authorization = `Bearer ${token}`
  if (token === '' || headers.one('authorization') === authorization) return headers
  return headers.with('authorization', authorization)
}
