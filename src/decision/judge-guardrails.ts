import { activationOf } from '../policy/expression-environment.js'
import type { MatchedCall } from '../policy/match.js'
import type { DenialMode } from '../policy/server.js'
import { partsOf } from './call-parts.js'
import { circumstancesOf } from './circumstances.js'
import type { Failure } from './decision.js'
import { failure } from './failure.js'
import { explainStep, type JudgedTrial } from './trial.js'

export interface GuardrailVerdict {
  /** In the order of policy names. */
  readonly failures: readonly Failure[]
  /** Denial modes that the failing Guardrails ask for. */
  readonly denials: readonly DenialMode[]
}

/**
 * Stage 8: every guardrail that matches is evaluated, so that the message and the record are complete. Those in Audit
 * fill `trial.would`, those in Warn `trial.warnings`. A call of several targets is judged for each, and tells of each
 * broken rule once.
 */
export function judgeGuardrails(trial: JudgedTrial, matched: MatchedCall): GuardrailVerdict {
  if (trial.call.alsoTargets.length === 0) return judgePart(trial, matched)
  const parts = partsOf(trial.call)
  const verdicts = parts.map(call => judgePart({ ...trial, call }, { ...matched, call }))
  const told = new Map<string, Failure>()
  for (const failed of verdicts.flatMap(verdict => verdict.failures)) {
    const key = `${failed.policy} ${failed.reason} ${failed.message}`
    if (!told.has(key)) told.set(key, failed)
  }
  return { failures: [...told.values()], denials: verdicts.flatMap(verdict => verdict.denials) }
}

function judgePart(trial: JudgedTrial, matched: MatchedCall): GuardrailVerdict {
  const failures: Failure[] = []
  const denials: DenialMode[] = []
  for (const rule of trial.snapshot.broken.candidates(matched)) {
    failures.push(
      failure('policy.error', 'a policy that governs this call does not compile, so the call cannot be judged', {
        policy: rule.name,
        hints: ['Tell the platform team; nothing that you change in the call helps.'],
      }),
    )
    explainStep(trial, 'guardrails', rule.name, 'fail', 'does not compile; what it could restrict is denied')
  }
  const candidates = trial.snapshot.guardrails.candidates(matched)
  if (candidates.length === 0) return { failures, denials }
  const activation = activationOf(circumstancesOf(trial))
  const { deciding, observing } = trial.budgets
  for (const guardrail of candidates) {
    const policy = `Guardrail/${guardrail.name}`
    if (!guardrail.match.caller(trial.principal, true)) {
      explainStep(trial, 'guardrails', policy, 'not matched', 'is not about this caller')
      continue
    }
    if (!trial.policies.includes(policy)) trial.policies.push(policy)
    const violations = guardrail.evaluate(activation, guardrail.mode === 'Enforce' ? deciding : observing)
    if (violations.length === 0) explainStep(trial, 'guardrails', policy, 'pass', '')
    for (const { reason, message, policyReason, hint } of violations) {
      const found = failure(reason, message, { policy, policyReason, hints: hint === undefined ? [] : [hint] })
      switch (guardrail.mode) {
        case 'Enforce':
          failures.push(found)
          if (guardrail.denial) denials.push(guardrail.denial)
          explainStep(trial, 'guardrails', policy, 'fail', message)
          break
        case 'Audit':
          if (!trial.would.some(one => one.policy === policy && one.message === message)) trial.would.push(found)
          explainStep(trial, 'guardrails', policy, 'would fail', message)
          break
        case 'Warn':
          if (!trial.warnings.includes(message)) trial.warnings.push(message)
          explainStep(trial, 'guardrails', policy, 'warn', message)
          break
      }
    }
  }
  return { failures, denials }
}
