import type { Activation } from '../cel/environment.js'
import type { Principal } from '../identity/principal.js'
import { activationOf } from '../policy/expression-environment.js'
import type { Unanswered } from '../policy/expressions.js'
import type { Grant } from '../policy/grant.js'
import type { MatchedCall } from '../policy/match.js'
import type { PrincipalRole } from '../policy/server.js'
import { authorizerOf, circumstancesOf } from './circumstances.js'
import { agentMissing } from './each-principal.js'
import { andThen, type Eventually, firstOf } from './eventually.js'
import { failure } from './failure.js'
import { fewestMissingScopes } from './fewest-missing-scopes.js'
import { quoted } from './quoted.js'
import { explainStep, type JudgedTrial, type Verdict } from './trial.js'
import { explainQuestions, type Missing, nothingMissing, unlookedUp, untilAnswered } from './until-answered.js'

/**
 * What only scopes stand in the way of: the scope lists of the Grants that would give it. Kept until everything else was
 * asked, because nobody should be sent to a login that cannot help, nor to two where one does.
 */
export type Unscoped = readonly (readonly string[])[]

/** The failure for which a login helps. Names what is missing, and beside it what the caller has of our scopes. */
export function scopesMissing(trial: JudgedTrial, unscoped: readonly Unscoped[]): Verdict {
  if (unscoped.length === 0) return undefined
  const { server, principal, snapshot } = trial
  const missing = fewestMissingScopes(unscoped, principal.scopes) ?? []
  // Clients replace their scopes by those of a challenge (MCP authorization, step-up); others of theirs are not ours to name.
  const named = snapshot.scopes.get(server.name) ?? []
  trial.missingScopes = named.filter(scope => missing.includes(scope) || principal.scopes.includes(scope))
  return failure('authorization.scope', `the token lacks a scope; needed: ${missing.join(' ')}`)
}

/** For each listed principal a Grant; one that lacks nothing but scopes is left to `scopesMissing`. */
export function authorizeByGrants(trial: JudgedTrial, matched: MatchedCall, unscoped: Unscoped[]): Eventually<Verdict> {
  const { grants } = trial.snapshot
  // Whoever wants to know why is told of those that are for others as well.
  const candidates =
    trial.steps === undefined ? grants.candidatesFor(matched, trial.principal) : grants.candidates(matched)
  const activation = activationOf(circumstancesOf(trial))
  return firstOf(trial.server.principals, role => {
    if (role === 'agent' && trial.principal.agentUser === undefined) return agentMissing()
    const found = untilAnswered(trial, () => findGrant(trial, candidates, role, activation), missing)
    return andThen(found, settled => conclude(trial, role, candidates, settled, unscoped))
  })
}

/** What the Grants give to one principal. */
interface Found {
  readonly given: Grant | undefined
  /** Those that would give it, but for scopes. */
  readonly matching: readonly Grant[]
  /** What the conditions of others wait for; of no matter to whom something was given. */
  readonly unanswered: Unanswered
}

function missing({ given, unanswered }: Found): Missing {
  return given !== undefined || unanswered.length === 0 ? nothingMissing : { deciding: unanswered, observing: [] }
}

/** Those after the one that gives are not evaluated: nothing that they ask or cost can matter. */
function findGrant(
  trial: JudgedTrial,
  candidates: readonly Grant[],
  role: PrincipalRole,
  activation: Activation,
): Found {
  const { principal, budgets } = trial
  const matching: Grant[] = []
  let unanswered: Unanswered = []
  for (const grant of candidates) {
    if (!givesTo(grant, role, principal)) continue
    const condition = grant.conditions(activation, budgets.deciding)
    if (typeof condition === 'object') unanswered = [...unanswered, ...condition.unanswered]
    if (condition !== 'true') continue
    if (grant.scopes.every(scope => principal.scopes.includes(scope))) return { given: grant, matching, unanswered }
    matching.push(grant)
  }
  return { given: undefined, matching, unanswered }
}

function conclude(
  trial: JudgedTrial,
  role: PrincipalRole,
  candidates: readonly Grant[],
  { given, matching, unanswered }: Found,
  unscoped: Unscoped[],
): Verdict {
  explainQuestions(trial, 'authorization')
  if (given !== undefined) {
    trial.policies.push(`Grant/${given.name}`)
    explainStep(trial, 'authorization', `Grant/${given.name}`, 'pass', `gives to the ${role}`)
    return undefined
  }
  for (const grant of candidates) {
    const outcome = matching.includes(grant) ? 'fail' : 'not matched'
    explainStep(trial, 'authorization', `Grant/${grant.name}`, outcome, `for the ${role}`)
  }
  // One of those that could not be judged might have given it: neither a login nor another request is what helps.
  const why = trial.questions.asked(authorizerOf(trial))?.whyUnanswered(unanswered)
  if (typeof why === 'object' && 'failed' in why) return unlookedUp(why.failed)
  if (matching.length > 0) {
    unscoped.push(matching.map(grant => grant.scopes))
    return undefined
  }
  const { server, principal } = trial
  return failure(
    'authorization.grant',
    `nothing grants this to ${role} ${quoted(role === 'agent' ? (principal.agentUser?.username ?? '') : principal.user.username)} on the server "${server.name}"`,
    { hints: ['Use only what you were given, or ask the owner of the server for a grant.'] },
  )
}

/**
 * A Grant gives to the user by its subjects and agents. It gives to the agent when it names the agent, or when the
 * agent as an RBAC subject (`agent:<alias>:<id>`) is one of its subjects.
 */
export function givesTo(grant: Grant, role: PrincipalRole, principal: Principal): boolean {
  const { match, allowClaimed } = grant
  if (role === 'user') return match.caller(principal, allowClaimed)
  if (principal.agent.assurance !== 'attested' && !allowClaimed) return false
  if (match.agentsGiven && match.caller(principal, allowClaimed)) return true
  const { agentUser } = principal
  return match.subjectsGiven && agentUser !== undefined && match.caller({ ...principal, user: agentUser }, allowClaimed)
}
