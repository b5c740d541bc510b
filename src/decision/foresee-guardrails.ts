import type { Rule, RuleIndex } from '../policy/rule-index.js'
import type { Failure } from './decision.js'
import { failure } from './failure.js'
import { foreseeRule } from './hypothetical-call.js'
import { explainOpen, type Outlook } from './outlook.js'
import { templateReach } from './template-reach.js'
import { explainStep } from './trial.js'

/**
 * Stage 8 for a call that nobody has made yet: the violation of an enforcing Guardrail that is certain, by whose name comes
 * first; undefined where none is. Those in Audit and Warn hide nothing, so they are not evaluated.
 */
export function foreseeGuardrails(outlook: Outlook): Failure | undefined {
  const { trial } = outlook
  const { snapshot, principal } = trial
  const [broken] = certainOf(outlook, snapshot.broken)
  if (broken !== undefined) {
    return failure('policy.error', 'a policy that governs this call does not compile, so the call cannot be judged', {
      policy: broken.name,
    })
  }
  for (const guardrail of certainOf(outlook, snapshot.guardrails)) {
    const policy = `Guardrail/${guardrail.name}`
    if (guardrail.mode !== 'Enforce') {
      explainStep(trial, 'guardrails', policy, 'info', `hides nothing, because its mode is ${guardrail.mode}`)
      continue
    }
    if (!guardrail.match.caller(principal, true)) {
      explainStep(trial, 'guardrails', policy, 'not matched', 'is not about this caller')
      continue
    }
    const call = outlook.foresight()
    const { violation, on } = foreseeRule(guardrail, call, call.outcomes.guardrails)
    if (violation === undefined) {
      if (on.length > 0) explainOpen(outlook, 'guardrails', policy, on)
      else explainStep(trial, 'guardrails', policy, 'pass', '')
      continue
    }
    const { reason, message, policyReason, hint } = violation
    return failure(reason, message, { policy, policyReason, hints: hint === undefined ? [] : [hint] })
  }
  return undefined
}

/** Of a template, those that are about all of its uris. */
function certainOf<R extends Rule>({ kind, matched }: Outlook, index: RuleIndex<R>): readonly R[] {
  if (kind !== 'resourceTemplate') return index.candidates(matched)
  const template = matched.call.target.kind === 'none' ? '' : matched.call.target.name
  return index
    .ofServer(matched.server)
    .filter(({ match }) => match.besideResources(matched) && templateReach(match.resources, template).all)
}
