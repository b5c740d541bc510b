import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../protocol/json-value.js'
import type { UserInfo } from './principal.js'
import type { ServiceAccountClaims } from './service-account-claims.js'

export type ReadReview =
  /** As the API server says, its extra included. */
  | { readonly kind: 'authenticated'; readonly user: UserInfo }
  | { readonly kind: 'refused' }
  /** Not to be relied on. `problem` is for the log; it holds nothing of the token. */
  | { readonly kind: 'unusable'; readonly problem: string }

const unusable = (problem: string): ReadReview => ({ kind: 'unusable', problem })
const maxExtras = 32

/**
 * What an answer to a TokenReview says (authentication.k8s.io/v1). Taken is only what ServiceAccount tokens give: other
 * authenticators of the API server speak for its own audiences, whatever the token is for (`--api-audiences`). So user,
 * groups and extra must be exactly those of the ServiceAccount that the token names.
 */
export function readTokenReview(
  body: JsonValue,
  asked: readonly string[],
  { user, bound }: ServiceAccountClaims,
): ReadReview {
  const status = isJsonObject(body) && body.get('kind') === 'TokenReview' ? body.get('status') : undefined
  if (!isJsonObject(status)) return unusable('the answer is not a TokenReview with a status')
  const authenticated = status.get('authenticated')
  if (authenticated === undefined || authenticated === false) return { kind: 'refused' }
  if (authenticated !== true) return unusable('status.authenticated is not a boolean')
  const audiences = texts(status.get('audiences'))
  // Without any, whoever answered did not look at audiences at all (API reference of TokenReviewStatus).
  if (audiences === undefined || !audiences.some(audience => asked.includes(audience)))
    return unusable('status.audiences has none of the audiences that were asked for')
  const said = status.get('user')
  if (!isJsonObject(said)) return unusable('status.user is missing')
  if (said.get('username') !== user.username) return unusable('status.user is not the ServiceAccount of the token')
  if (said.get('uid') !== user.uid) return unusable('status.user.uid is not that of the token')
  const groups = texts(said.get('groups'))
  if (groups === undefined || !sameMembers(groups, user.groups))
    return unusable('status.user.groups are not those of a ServiceAccount')
  const extra = readExtra(said.get('extra'), bound)
  if (extra === undefined) return unusable('status.user.extra is not what the token says')
  return { kind: 'authenticated', user: { ...user, groups, extra } }
}

function readExtra(
  value: JsonValue | undefined,
  bound: ReadonlyMap<string, string>,
): ReadonlyMap<string, readonly string[]> | undefined {
  const said: JsonObject | undefined = value === undefined ? new Map() : isJsonObject(value) ? value : undefined
  if (said === undefined || said.size > maxExtras) return undefined
  const extra = new Map<string, readonly string[]>()
  for (const [key, item] of said) {
    const values = texts(item)
    if (values === undefined) return undefined
    // What it knows of the token must be what the token says: else it is another token's.
    const expected = bound.get(key)
    if (expected !== undefined && (values.length !== 1 || values[0] !== expected)) return undefined
    extra.set(key, values)
  }
  return extra
}

function texts(value: JsonValue | undefined): readonly string[] | undefined {
  return isJsonArray(value) && value.every(item => typeof item === 'string') ? value : undefined
}

function sameMembers(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && others.every(other => some.includes(other))
}
