import type { Grant } from '../policy/grant.js'
import type { ForeseenConditions } from '../policy/partial-expressions.js'
import type { PrincipalRole } from '../policy/server.js'
import { givesTo } from './authorize-by-grants.js'
import type { Failure } from './decision.js'
import { agentMissing } from './each-principal.js'
import { failure } from './failure.js'
import { fewestMissingScopes } from './fewest-missing-scopes.js'
import { foreseeRule } from './hypothetical-call.js'
import { explainOpen, type Outlook } from './outlook.js'
import { quoted } from './quoted.js'
import { templateReach } from './template-reach.js'
import { explainStep, type Verdict } from './trial.js'

/** For each listed principal a Grant that gives, or may give once the arguments are known. */
export function foreseeGrants(outlook: Outlook): Verdict {
  const { trial } = outlook
  const candidates = candidatesOf(outlook)
  for (const role of trial.server.principals) {
    if (role === 'agent' && trial.principal.agentUser === undefined) return agentMissing()
    const verdict = foreseeRole(outlook, candidates, role)
    if (verdict !== undefined) return verdict
  }
  return undefined
}

/** Of a template, those that are about some of its uris. */
function candidatesOf({ kind, trial, matched }: Outlook): readonly Grant[] {
  const { grants } = trial.snapshot
  if (kind !== 'resourceTemplate')
    return trial.steps === undefined ? grants.candidatesFor(matched, trial.principal) : grants.candidates(matched)
  const template = matched.call.target.kind === 'none' ? '' : matched.call.target.name
  return grants
    .ofServer(matched.server)
    .filter(({ match }) => match.besideResources(matched) && templateReach(match.resources, template).some)
}

function foreseeRole(outlook: Outlook, candidates: readonly Grant[], role: PrincipalRole): Verdict {
  const { trial } = outlook
  const { principal, server } = trial
  const lacking: (readonly string[])[] = []
  for (const grant of candidates) {
    const rule = `Grant/${grant.name}`
    if (!givesTo(grant, role, principal)) {
      explainStep(trial, 'authorization', rule, 'not matched', `is not for the ${role}`)
      continue
    }
    const condition = foreseeGrant(outlook, grant)
    if (
      condition.kind === 'false' ||
      condition.kind === 'error' ||
      (condition.kind === 'open' && condition.neverTrue)
    ) {
      explainStep(trial, 'authorization', rule, 'not matched', `its conditions never hold for the ${role}`)
      continue
    }
    if (!grant.scopes.every(scope => principal.scopes.includes(scope))) {
      lacking.push(grant.scopes)
      explainStep(trial, 'authorization', rule, 'fail', `would give to the ${role}, but scopes are missing`)
      continue
    }
    if (condition.kind === 'open') explainOpen(outlook, 'authorization', rule, condition.on)
    else explainStep(trial, 'authorization', rule, 'pass', `gives to the ${role}`)
    return undefined
  }
  if (lacking.length === 0) {
    const who = role === 'agent' ? (principal.agentUser?.username ?? '') : principal.user.username
    return failure(
      'authorization.grant',
      `nothing grants this to ${role} ${quoted(who)} on the server "${server.name}"`,
    )
  }
  outlook.unscoped ??= scopesFailure(lacking, principal.scopes)
  return undefined
}

/** For a Grant without conditions nothing need be made ready. */
function foreseeGrant(outlook: Outlook, grant: Grant): ForeseenConditions {
  if (!grant.conditional) return always
  const call = outlook.foresight()
  return foreseeRule(grant, call, call.outcomes.grants)
}

const always: ForeseenConditions = { kind: 'true' }

function scopesFailure(lacking: readonly (readonly string[])[], scopes: readonly string[]): Failure {
  const missing = fewestMissingScopes([lacking], scopes) ?? []
  return failure('authorization.scope', `the token lacks a scope; needed: ${missing.join(' ')}`)
}
