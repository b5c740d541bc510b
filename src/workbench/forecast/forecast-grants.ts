import { givesTo } from '../../decision/authorize-by-grants.js'
import { agentMissing } from '../../decision/each-principal.js'
import { failure } from '../../decision/failure.js'
import type { JudgedTrial } from '../../decision/trial.js'
import type { Grant } from '../../policy/grant.js'
import type { MatchedCall } from '../../policy/match.js'
import type { PrincipalRole } from '../../policy/server.js'
import type { CallFacts } from './call-facts.js'
import { costs, type RuleForesight, textsOf } from './rule-foresight.js'
import { fails, inOrder, open, passes, type Verdict } from './verdict.js'

/** For each listed principal a Grant. Missing scopes are said after everything else, as in service. */
export interface GrantVerdicts {
  readonly given: Verdict
  readonly scoped: Verdict
}

export function forecastGrants(
  facts: CallFacts,
  trial: JudgedTrial,
  matched: MatchedCall,
  foresight: RuleForesight,
): GrantVerdicts {
  const candidates = trial.snapshot.grants.candidates(matched)
  const verdicts = trial.server.principals.map(role => forecastRole(facts, trial, role, candidates, foresight))
  return {
    given: inOrder(verdicts.map(({ given }) => given)),
    scoped: inOrder(verdicts.map(({ scoped }) => scoped)),
  }
}

function forecastRole(
  facts: CallFacts,
  trial: JudgedTrial,
  role: PrincipalRole,
  candidates: readonly Grant[],
  foresight: RuleForesight,
): GrantVerdicts {
  const { principal } = trial
  if (role === 'agent' && principal.agentUser === undefined) return { given: fails(agentMissing()), scoped: passes }
  const on: string[] = []
  let matching = false
  for (const grant of candidates) {
    if (!givesTo(grant, role, principal)) continue
    const known = facts.evidence?.grant(grant.name)
    if (known === 'gives') return { given: passes, scoped: passes }
    if (known === 'withholds') {
      // For want of which of the two is not known.
      if (grant.scopes.length > 0 && grant.conditional) on.push(withheld)
      else if (grant.scopes.length > 0) matching = true
      continue
    }
    const conditions = forecastConditions(grant, foresight)
    if (conditions === 'never') continue
    const scopes = forecastScopes(facts, grant)
    if (conditions === 'always' && scopes === 'there') return { given: passes, scoped: passes }
    if (scopes === 'missing' && conditions === 'always') matching = true
    else on.push(...(conditions === 'always' ? [] : conditions), ...(scopes === 'unknown' ? ['scopes'] : []))
  }
  // Whether it is the scopes that are missing, or the Grant, only that is open.
  if (on.length > 0 && on.every(one => one === withheld)) {
    const verdict: Verdict = { kind: 'fails', failure: ungranted(trial, role), certain: false }
    return { given: verdict, scoped: passes }
  }
  if (on.length > 0) return { given: open(on.filter(one => one !== withheld)), scoped: passes }
  if (matching) return { given: passes, scoped: fails(failure('authorization.scope', 'the token lacks a scope')) }
  return { given: fails(ungranted(trial, role)), scoped: passes }
}

const withheld = 'what a Grant was withheld for'

function ungranted({ server }: JudgedTrial, role: PrincipalRole) {
  return failure('authorization.grant', `nothing grants this to the ${role} on the server "${server.name}"`)
}

function forecastConditions(grant: Grant, foresight: RuleForesight): 'always' | 'never' | readonly string[] {
  if (!grant.conditional) return 'always'
  const { said, affordable } = foresight.ask(`Grant/${grant.name}`, grant, given => grant.foresee(given))
  if (!affordable) return [costs]
  switch (said.kind) {
    case 'true':
      return 'always'
    case 'false':
    case 'error':
      return 'never'
    case 'open':
      return said.neverTrue ? 'never' : textsOf(said.on)
  }
}

function forecastScopes({ scopesKnown, principal }: CallFacts, { scopes }: Grant): 'there' | 'missing' | 'unknown' {
  if (scopes.length === 0) return 'there'
  if (!scopesKnown) return 'unknown'
  return scopes.every(scope => principal.scopes.includes(scope)) ? 'there' : 'missing'
}
