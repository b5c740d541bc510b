import { failure } from '../../decision/failure.js'
import type { JudgedTrial } from '../../decision/trial.js'
import type { Guardrail } from '../../policy/guardrail.js'
import type { MatchedCall } from '../../policy/match.js'
import type { CallFacts } from './call-facts.js'
import { costs, type RuleForesight, textsOf } from './rule-foresight.js'
import { fails, open, passes, type Verdict } from './verdict.js'

export interface GuardrailForecast {
  readonly mode: Guardrail['mode']
  readonly verdict: Verdict
}

/** What each Guardrail makes of the call, in the order in which they are told; documents that do not compile first. */
export function forecastGuardrails(
  facts: CallFacts,
  { snapshot, principal }: JudgedTrial,
  matched: MatchedCall,
  foresight: RuleForesight,
): readonly GuardrailForecast[] {
  const broken = snapshot.broken.candidates(matched).map(
    ({ name }): GuardrailForecast => ({
      mode: 'Enforce',
      verdict: fails(
        failure('policy.error', 'a policy that governs this call does not compile, so the call cannot be judged', {
          policy: name,
        }),
      ),
    }),
  )
  const guardrails = snapshot.guardrails
    .candidates(matched)
    .filter(({ match }) => match.caller(principal, true))
    .map(guardrail => ({ mode: guardrail.mode, verdict: forecastGuardrail(facts, guardrail, foresight) }))
  return [...broken, ...guardrails]
}

function forecastGuardrail({ evidence }: CallFacts, guardrail: Guardrail, foresight: RuleForesight): Verdict {
  const policy = `Guardrail/${guardrail.name}`
  const known = evidence?.guardrail(guardrail.name)
  if (known === 'kept') return passes
  const { said, affordable } = foresight.ask(policy, guardrail, given => guardrail.foresee(given))
  if (said.violation !== undefined && affordable) {
    const { reason, message, policyReason, hint } = said.violation
    return fails(failure(reason, message, { policy, policyReason, hints: hint === undefined ? [] : [hint] }))
  }
  if (known === 'violated') {
    return fails(failure('guardrail.violated', `the call breaks the guardrail ${guardrail.name}`, { policy }))
  }
  if (!affordable) return open([costs])
  return said.on.length === 0 ? passes : open(textsOf(said.on))
}
