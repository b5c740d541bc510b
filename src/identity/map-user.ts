import type { CelJson, CelOutput, CelProgram } from '../cel/environment.js'
import { isJsonArray, isJsonObject, type JsonObject } from '../protocol/json-value.js'
import { claimsActivation } from './expressions.js'
import { tooLong, tooMany } from './identity-limits.js'
import type { ClaimRule, ClaimSource, IssuerConfiguration } from './issuer-configuration.js'
import type { UserInfo } from './principal.js'
import type { IdentityReason } from './reasons.js'

export type MappedUser =
  | { readonly ok: true; readonly user: UserInfo }
  | { readonly ok: false; readonly reason: IdentityReason; readonly message: string }

type Value<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string }

/**
 * The user that an issuer's configuration makes of verified claims, in the API server's order: username, groups, uid,
 * extra, claim rules, user rules (Kubernetes plugin/pkg/authenticator/token/oidc). The first failure decides. Beyond
 * the API server: names have a longest length, and an empty username and names beginning with `system:` or (users)
 * `agent:` are refused, because here they would be taken for what only we may hand out. `system:authenticated` is part
 * of the result.
 */
export function mapUser(claims: JsonObject, issuer: IssuerConfiguration): MappedUser {
  const username = readUsername(claims, issuer.username)
  if (!username.ok) return refuse('identity.claims', username.message)
  const groups = readGroups(claims, issuer.groups)
  if (!groups.ok) return refuse('identity.claims', groups.message)
  const uid = readUid(claims, issuer.uid)
  if (!uid.ok) return refuse('identity.claims', uid.message)
  const extra = readExtra(claims, issuer.extra)
  if (!extra.ok) return refuse('identity.claims', extra.message)
  const mapped: UserInfo = { username: username.value, uid: uid.value, groups: groups.value, extra: extra.value }
  const oversized = tooMuch(mapped)
  if (oversized !== undefined) return refuse('identity.claims', oversized)
  if (isReserved(username.value) || username.value.startsWith('agent:'))
    return refuse(
      'identity.reserved_name',
      'The user name of this token begins with a prefix that is reserved here (system:, agent:).',
    )
  if (groups.value.some(isReserved))
    return refuse('identity.reserved_name', 'A group of this token begins with the reserved prefix system:.')
  for (const [index, rule] of issuer.claimRules.entries()) {
    const broken = brokenClaimRule(claims, rule, index)
    if (broken !== undefined) return refuse('identity.claim_rule', broken)
  }
  for (const [index, { program, message }] of issuer.userRules.entries()) {
    const evaluated = program.evaluate(userActivation(mapped))
    if (!evaluated.ok || evaluated.value !== true)
      return refuse(
        'identity.user_rule',
        message !== '' ? message : `The user of this token breaks user rule ${index + 1} of its issuer.`,
      )
  }
  return { ok: true, user: { ...mapped, groups: [...mapped.groups, 'system:authenticated'] } }
}

function refuse(reason: IdentityReason, message: string): MappedUser {
  return { ok: false, reason, message }
}

function tooMuch({ username, uid, groups, extra }: UserInfo): string | undefined {
  const names =
    tooLong('The user name of this token', username) ??
    tooLong('The uid of this token', uid) ??
    tooMany('groups', groups)
  if (names !== undefined) return names
  for (const [key, values] of extra) {
    const problem = tooMany(`values of the extra "${key}"`, values)
    if (problem !== undefined) return problem
  }
  return undefined
}

function isReserved(name: string): boolean {
  return name.startsWith('system:')
}

function failed(message: string): { readonly ok: false; readonly message: string } {
  return { ok: false, message }
}

function readUsername(claims: JsonObject, source: ClaimSource): Value<string> {
  const value = readString(claims, source, 'username')
  if (!value.ok) return value
  if (
    source.kind === 'claim' &&
    source.claim === 'email' &&
    claims.has('email_verified') &&
    claims.get('email_verified') !== true
  )
    return failed('The e-mail address of this token is not verified.')
  return value.value === '' ? failed('The user name of this token is empty.') : value
}

function readUid(claims: JsonObject, source: ClaimSource | undefined): Value<string> {
  return source === undefined ? { ok: true, value: '' } : readString(claims, source, 'uid')
}

function readString(claims: JsonObject, source: ClaimSource, what: 'username' | 'uid'): Value<string> {
  if (source.kind === 'claim') {
    const value = claims.get(source.claim)
    if (typeof value === 'string') return { ok: true, value: source.prefix + value }
    return failed(`The token has no text claim "${source.claim}", from which the ${what} is taken.`)
  }
  const evaluated = source.program.evaluate(claimsActivation(claims))
  if (evaluated.ok && typeof evaluated.value === 'string') return { ok: true, value: evaluated.value }
  return failed(`The ${what} cannot be derived from the claims of this token.`)
}

function readGroups(claims: JsonObject, source: ClaimSource | undefined): Value<readonly string[]> {
  if (source === undefined) return { ok: true, value: [] }
  if (source.kind === 'expression') return readStrings(claims, source.program, 'groups')
  const value = claims.get(source.claim)
  if (value === undefined && isDistributed(claims, source.claim))
    return failed(
      `The claim "${source.claim}" is a distributed claim, which is not supported; let the issuer put it into the token.`,
    )
  if (value === undefined || value === null) return { ok: true, value: [] }
  const list = typeof value === 'string' ? [value] : isJsonArray(value) ? value : undefined
  if (list === undefined || !list.every(item => typeof item === 'string'))
    return failed(`The claim "${source.claim}", from which groups are taken, is neither text nor a list of texts.`)
  return { ok: true, value: list.map(group => source.prefix + group) }
}

/** OpenID Connect Core 1.0, section 5.6.2: the claim is somewhere else, and fetching it would be I/O on a request. */
function isDistributed(claims: JsonObject, claim: string): boolean {
  const names = claims.get('_claim_names')
  return isJsonObject(names) && names.has(claim)
}

function readExtra(
  claims: JsonObject,
  entries: IssuerConfiguration['extra'],
): Value<ReadonlyMap<string, readonly string[]>> {
  const extra = new Map<string, readonly string[]>()
  for (const { key, program } of entries) {
    const values = readStrings(claims, program, `extra "${key}"`)
    if (!values.ok) return values
    if (values.value.length > 0) extra.set(key, values.value)
  }
  const id = claims.get('jti')
  if (typeof id === 'string' && id !== '') extra.set('authentication.kubernetes.io/credential-id', [`JTI=${id}`])
  return { ok: true, value: extra }
}

/** Text or a list of texts; null, "" and [] count as absent, empty texts are dropped, as in the API server. */
function readStrings(claims: JsonObject, program: CelProgram, what: string): Value<readonly string[]> {
  const evaluated = program.evaluate(claimsActivation(claims))
  const list = evaluated.ok ? asList(evaluated.value) : undefined
  if (list?.every(item => typeof item === 'string') !== true)
    return failed(`The ${what} cannot be derived from the claims of this token.`)
  return { ok: true, value: list.filter(item => item !== '') }
}

function asList(value: CelOutput): readonly CelOutput[] | undefined {
  if (value === null) return []
  if (typeof value === 'string') return [value]
  return isList(value) ? value : undefined
}

function isList(value: CelOutput): value is readonly CelOutput[] {
  return Array.isArray(value)
}

/** The message for the caller, or undefined when the rule holds. */
function brokenClaimRule(claims: JsonObject, rule: ClaimRule, index: number): string | undefined {
  if (rule.kind === 'required')
    return claims.get(rule.claim) === rule.value
      ? undefined
      : `The claim "${rule.claim}" of this token does not have the value that its issuer's configuration requires.`
  const evaluated = rule.program.evaluate(claimsActivation(claims))
  if (evaluated.ok && evaluated.value === true) return undefined
  return rule.message !== '' ? rule.message : `The token breaks claim rule ${index + 1} of its issuer.`
}

function userActivation(user: UserInfo): (name: string) => CelJson | undefined {
  const value = new Map<string, CelJson>([
    ['username', user.username],
    ['uid', user.uid],
    ['groups', user.groups],
    ['extra', user.extra],
  ])
  return name => (name === 'user' ? value : undefined)
}
