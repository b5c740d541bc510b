import type { Enriched } from '../policy/enrichment.js'
import { activationOf } from '../policy/expression-environment.js'
import type { MatchedCall } from '../policy/match.js'
import { circumstancesOf } from './circumstances.js'
import type { JudgedTrial } from './trial.js'

/** What every matching Enrichment adds to an allowed call. */
export function enrich(trial: JudgedTrial, matched: MatchedCall): readonly Enriched[] {
  const candidates = trial.snapshot.enrichments.candidatesFor(matched, trial.principal)
  if (candidates.length === 0) return []
  const activation = activationOf(circumstancesOf(trial))
  return candidates
    .filter(enrichment => enrichment.match.caller(trial.principal, true))
    .map(enrichment => {
      trial.policies.push(`Enrichment/${enrichment.name}`)
      return enrichment.evaluate(activation, trial.budgets.deciding)
    })
}
