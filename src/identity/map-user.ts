import { type CelJson, CostBudget } from '../cel/environment.js'
import type { JsonObject } from '../protocol/json-value.js'
import { tooLong, tooMany } from './identity-limits.js'
import type { ClaimRule, IssuerConfiguration } from './issuer-configuration.js'
import type { UserInfo } from './principal.js'
import type { IdentityReason } from './reasons.js'
import { type Claims, evaluate, readExtra, readGroups, readUid, readUsername } from './user-attributes.js'

export type MappedUser =
  | { readonly ok: true; readonly user: UserInfo }
  | { readonly ok: false; readonly reason: IdentityReason; readonly message: string }

/**
 * Cost units of all expressions over one token: as many as the API server gives to each of them (PerCallLimit), so that
 * many rules do not add up to a stall.
 */
const tokenBudget = 1_000_000

/**
 * The user that an issuer's configuration makes of verified claims, in the API server's order: username, groups, uid,
 * extra, required claims, claim rules, user rules (Kubernetes plugin/pkg/authenticator/token/oidc). The first failure
 * decides. Beyond the API server: names have a longest length, and an empty username, names beginning with `system:` that
 * the configuration does not say explicitly, and users beginning with `agent:` are refused, because here they would be
 * taken for what only we may hand out. `system:authenticated` is part of the result.
 */
export function mapUser(claims: JsonObject, issuer: IssuerConfiguration): MappedUser {
  const from: Claims = { claims, budget: new CostBudget(tokenBudget) }
  const username = readUsername(from, issuer.username)
  if (!username.ok) return refuse('identity.claims', username.message)
  const groups = readGroups(from, issuer.groups)
  if (!groups.ok) return refuse('identity.claims', groups.message)
  const uid = readUid(from, issuer.uid)
  if (!uid.ok) return refuse('identity.claims', uid.message)
  const extra = readExtra(from, issuer.extra)
  if (!extra.ok) return refuse('identity.claims', extra.message)
  const [name = ''] = username.value.names
  const mapped: UserInfo = { username: name, uid: uid.value, groups: groups.value.names, extra: extra.value }
  const oversized = tooMuch(mapped)
  if (oversized !== undefined) return refuse('identity.claims', oversized)
  if (username.value.reserved.length > 0 || name.startsWith('agent:'))
    return refuse(
      'identity.reserved_name',
      'The user name of this token begins with a prefix that is reserved here (system:, agent:).',
    )
  if (groups.value.reserved.length > 0)
    return refuse('identity.reserved_name', 'A group of this token begins with the reserved prefix system:.')
  const broken = brokenClaimRule(from, issuer.claimRules)
  if (broken !== undefined) return refuse('identity.claim_rule', broken)
  for (const [index, { program, message }] of issuer.userRules.entries()) {
    const evaluated = program.evaluate(userActivation(mapped), from.budget)
    if (!evaluated.ok || evaluated.value !== true)
      return refuse(
        'identity.user_rule',
        message !== '' ? message : `The user of this token breaks user rule ${index + 1} of its issuer.`,
      )
  }
  return { ok: true, user: { ...mapped, groups: withAuthenticated(mapped.groups) } }
}

/** What the API server adds to every user that it authenticates. */
function withAuthenticated(groups: readonly string[]): readonly string[] {
  return groups.includes('system:authenticated') ? groups : [...groups, 'system:authenticated']
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

/** The message for the caller, or undefined when all rules hold. Required claims go before expressions. */
function brokenClaimRule(from: Claims, rules: readonly ClaimRule[]): string | undefined {
  for (const rule of rules)
    if (rule.kind === 'required' && from.claims.get(rule.claim) !== rule.value)
      return `The claim "${rule.claim}" of this token does not have the value that its issuer's configuration requires.`
  for (const [index, rule] of rules.entries()) {
    if (rule.kind === 'required' || evaluate(from, rule.program) === true) continue
    return rule.message !== '' ? rule.message : `The token breaks claim rule ${index + 1} of its issuer.`
  }
  return undefined
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
