import type { GatewayProfile } from '../../protocol/inbound-request.js'
import type { JsonObject } from '../../protocol/json-value.js'
import type { RequestHeaders } from '../../protocol/request-headers.js'

/** The namespace in which a gateway's configuration tells us what has no place of its own. */
export const ownNamespace = 'mcp-authz'

/**
 * agentgateway takes the Authorization header away once it has verified the token, and can be told to show it as
 * `token` in metadata of ours. It stands for the header then, and is verified as if it had come in it: the gateway's word
 * is not taken for anything. Beside another Authorization header there are two, which is refused.
 */
export function withShownToken(
  headers: RequestHeaders,
  filterMetadata: ReadonlyMap<string, JsonObject>,
  profile: GatewayProfile,
): { readonly headers: RequestHeaders; readonly filterMetadata: ReadonlyMap<string, JsonObject> } {
  const own = profile === 'agentgateway' ? filterMetadata.get(ownNamespace) : undefined
  if (own === undefined) return { headers, filterMetadata }
  const token = own.get('token')
  const others = new Map(filterMetadata)
  others.delete(ownNamespace)
  if (typeof token !== 'string' || token === '') return { headers, filterMetadata: others }
  const authorization = `Bearer ${token}`
  if (headers.one('authorization') === authorization) return { headers, filterMetadata: others }
  return { headers: headers.with('authorization', authorization), filterMetadata: others }
}
