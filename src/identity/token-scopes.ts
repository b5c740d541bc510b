import { isJsonArray, type JsonObject } from '../protocol/json-value.js'

/**
 * The scopes of a token: `scope` (RFC 8693, section 4.2: one text, separated by spaces; gateways may have split it),
 * else `scp` (text or list). undefined when it is something else.
 */
export function tokenScopes(claims: JsonObject): readonly string[] | undefined {
  const value = claims.get('scope') ?? claims.get('scp')
  if (value === undefined || value === null) return []
  const list = typeof value === 'string' ? value.split(' ') : isJsonArray(value) ? value : undefined
  if (!list?.every(item => typeof item === 'string')) return undefined
  return [...new Set(list.filter(scope => scope !== ''))]
}
