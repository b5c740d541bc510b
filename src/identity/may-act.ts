import { isJsonObject, type JsonObject, type JsonValue } from '../protocol/json-value.js'
import { clientOf } from './machine-token.js'

/** Whether the claim, if it is there, is one: an object that names a party. What it allows matters when somebody acts. */
export function isMayAct(value: JsonValue | undefined): boolean {
  return value === undefined || (isJsonObject(value) && named.some(name => isText(value.get(name))))
}

const named = ['sub', 'client_id', 'azp']

function isText(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && value !== ''
}

/**
 * Whether a token lets this party act for its subject (`may_act`, RFC 8693, section 4.4). Without the claim it says
 * nothing about that, and whoever configured the party decides. With it, every member must name the party; a member that we
 * do not know could narrow what we would widen, so it refuses. A `sub` without `iss` is one of the token's own issuer.
 */
export function mayAct(claims: JsonObject, party: JsonObject): boolean {
  const allowed = claims.get('may_act')
  if (allowed === undefined) return true
  if (!isJsonObject(allowed) || !isMayAct(allowed)) return false
  const issuer = allowed.get('iss') ?? claims.get('iss')
  if (issuer !== party.get('iss')) return false
  for (const [name, value] of allowed)
    switch (name) {
      case 'iss':
        break
      case 'sub':
        if (value !== party.get('sub')) return false
        break
      case 'client_id':
      case 'azp':
        if (value !== clientOf(party)) return false
        break
      default:
        return false
    }
  return true
}
