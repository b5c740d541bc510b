import type { Principal } from '../identity/principal.js'
import { activationOf } from '../policy/expression-environment.js'
import type { Grant } from '../policy/grant.js'
import type { MatchedCall } from '../policy/match.js'
import type { PrincipalRole } from '../policy/server.js'
import { circumstancesOf } from './circumstances.js'
import { agentMissing } from './each-principal.js'
import { failure } from './failure.js'
import { fewestMissingScopes } from './fewest-missing-scopes.js'
import { quoted } from './quoted.js'
import { explainStep, type JudgedTrial, type Verdict } from './trial.js'

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
export function authorizeByGrants(trial: JudgedTrial, matched: MatchedCall, unscoped: Unscoped[]): Verdict {
  const { server, principal, snapshot } = trial
  const candidates = snapshot.grants.candidates(matched)
  const activation = activationOf(circumstancesOf(trial))
  const holds = (grant: Grant, role: PrincipalRole): boolean => {
    return givesTo(grant, role, principal) && grant.conditionsHold(activation, trial.budgets.deciding)
  }
  for (const role of server.principals) {
    if (role === 'agent' && principal.agentUser === undefined) return agentMissing()
    const matching = candidates.filter(grant => holds(grant, role))
    const given = matching.find(grant => grant.scopes.every(scope => principal.scopes.includes(scope)))
    if (given !== undefined) {
      trial.policies.push(`Grant/${given.name}`)
      explainStep(trial, 'authorization', `Grant/${given.name}`, 'pass', `gives to the ${role}`)
      continue
    }
    for (const grant of candidates) {
      explainStep(
        trial,
        'authorization',
        `Grant/${grant.name}`,
        matching.includes(grant) ? 'fail' : 'not matched',
        `for the ${role}`,
      )
    }
    if (matching.length > 0) {
      unscoped.push(matching.map(grant => grant.scopes))
      continue
    }
    return failure(
      'authorization.grant',
      `nothing grants this to ${role} ${quoted(role === 'agent' ? (principal.agentUser?.username ?? '') : principal.user.username)} on the server "${server.name}"`,
      {
        hints: ['Use only what you were given, or ask the owner of the server for a grant.'],
      },
    )
  }
  return undefined
}

/**
 * A Grant gives to the user by its subjects and agents. It gives to the agent when it names the agent, or when the
 * agent as an RBAC subject (`agent:<alias>:<id>`) is one of its subjects.
 */
function givesTo(grant: Grant, role: PrincipalRole, principal: Principal): boolean {
  const { match, allowClaimed } = grant
  if (role === 'user') return match.caller(principal, allowClaimed)
  if (principal.agent.assurance !== 'attested' && !allowClaimed) return false
  if (match.agentsGiven && match.caller(principal, allowClaimed)) return true
  const { agentUser } = principal
  return match.subjectsGiven && agentUser !== undefined && match.caller({ ...principal, user: agentUser }, allowClaimed)
}
