import type { InboundRequest } from '../protocol/inbound-request.js'
import { isJsonObject, type JsonObject } from '../protocol/json-value.js'
import { bearerToken } from './bearer-token.js'
import { unverifiedClaims } from './decode-token.js'
import type { IdentityReason } from './reasons.js'

/** Envoy's JWT filter puts what it verified here (`payload_in_metadata`, `header_in_metadata`). */
export const jwtMetadataNamespace = 'envoy.filters.http.jwt_authn'

export type GatewayClaims =
  | {
      readonly ok: true
      readonly claims: JsonObject
      /** Of the token's header; undefined when the header has none. */
      readonly typ: string | undefined
    }
  | { readonly ok: false; readonly reason: IdentityReason; readonly message: string }

/**
 * The claims that the gateway verified. The operator chooses their name in the metadata, so they are known by `iss`;
 * the token's header by `alg`. Anything but one of each is refused: without the header, a token whose type says that it
 * is no access token could not be told from one (RFC 8725, section 3.11). Numbers come as doubles.
 */
export function gatewayClaims(request: InboundRequest): GatewayClaims {
  if (request.listener.trust === 'none')
    return {
      ok: false,
      reason: 'identity.gateway_untrusted',
      message:
        'This server takes identity from the gateway, but the gateway is not authenticated (listener trust is none).',
    }
  const metadata = request.context.filterMetadata.get(jwtMetadataNamespace)
  const objects = [...(metadata?.values() ?? [])].filter(isJsonObject)
  const payloads = objects.filter(object => object.has('iss'))
  const headers = objects.filter(object => !object.has('iss') && object.has('alg'))
  const [claims] = payloads
  if (claims === undefined)
    return {
      ok: false,
      reason: 'identity.token_missing',
      message: 'The gateway verified no access token for this request; send one.',
    }
  if (payloads.length > 1 || headers.length > 1)
    return {
      ok: false,
      reason: 'identity.source_conflict',
      message: 'The gateway verified more than one access token for this request; send one.',
    }
  if (contradicts(request, claims))
    return {
      ok: false,
      reason: 'identity.source_conflict',
      message:
        'The Authorization header and the token that the gateway verified name different callers; send one token.',
    }
  const [header] = headers
  // agentgateway has no way to tell the header; what kind of token it is, is then judged by its claims alone.
  if (header === undefined && request.listener.profile === 'agentgateway') return { ok: true, claims, typ: undefined }
  if (header === undefined)
    return {
      ok: false,
      reason: 'identity.token_type',
      message:
        'The gateway does not pass on the header of the access token, so its type is unknown; set header_in_metadata of the provider in jwt_authn.',
    }
  const typ = header.get('typ')
  if (typ !== undefined && typeof typ !== 'string')
    return { ok: false, reason: 'identity.token_type', message: 'The type of the access token is not text.' }
  return { ok: true, claims, typ }
}

/** Claims that say whose a token is, and which one. Times are left out: they come from the gateway as doubles. */
const telling = ['iss', 'sub', 'jti', 'azp', 'client_id']

/**
 * Whether the request carries, beside the verified token, another one: the server behind us may get to read it. One that
 * we cannot read counts as another, but not one for the reason of its algorithm alone, which is the gateway's to judge.
 */
function contradicts({ headers }: InboundRequest, claims: JsonObject): boolean {
  if (headers.repeated('authorization')) return true
  const bearer = bearerToken(headers)
  // Other schemes and empty ones are never passed on.
  if (!bearer.ok) return bearer.reason === 'identity.token_repeated'
  const presented = unverifiedClaims(bearer.token)
  return presented === undefined || telling.some(name => presented.get(name) !== claims.get(name))
}
