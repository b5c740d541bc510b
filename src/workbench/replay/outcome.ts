import type { Failure } from '../../decision/decision.js'
import type { DecisionRecord } from '../../telemetry/read-records.js'

/** How a call came out, under some policies. */
export interface Outcome {
  readonly decision: 'allow' | 'deny'
  /** "" of what was allowed, and where it is not certain which of several. */
  readonly reason: string
  /** `Kind/name`; "" for built-in rules. */
  readonly policy: string
  /** What would be denied if it were enforced, sorted: the policy, else the reason. undefined: not certain. */
  readonly would: readonly string[] | undefined
}

export const allowed: Outcome = { decision: 'allow', reason: '', policy: '', would: [] }

export function outcomeOf(record: DecisionRecord): Outcome {
  const { decision, reason = '', policy = '', would_deny = [] } = record
  return {
    decision: decision === 'deny' ? 'deny' : 'allow',
    reason,
    policy,
    would: would_deny.length >= maxListed ? undefined : namesOf(would_deny),
  }
}

const maxListed = 64

export function namesOf(
  failures: readonly (Pick<Failure, 'reason'> | { readonly reason: string; readonly policy?: string | undefined })[],
): readonly string[] {
  return [...new Set(failures.map(one => ('policy' in one && one.policy ? one.policy : one.reason)))].sort()
}

export type Difference = 'same' | 'tightened' | 'weakened' | 'changed'

/** What is only noted counts as a change where it is certain on both sides. */
export function compareOutcomes(before: Outcome, after: Outcome): Difference {
  if (before.decision !== after.decision) return after.decision === 'deny' ? 'tightened' : 'weakened'
  if (before.decision === 'deny') {
    const certain = before.reason !== '' && after.reason !== ''
    return certain && (before.reason !== after.reason || before.policy !== after.policy) ? 'changed' : 'same'
  }
  if (before.would === undefined || after.would === undefined) return 'same'
  return before.would.join(' ') === after.would.join(' ') ? 'same' : 'changed'
}

/** For people: `deny by guardrail.violated (Guardrail/cap)`, `allow (would deny: Guardrail/cap)`. */
export function describeOutcome({ decision, reason, policy, would }: Outcome): string {
  if (decision === 'allow')
    return would === undefined || would.length === 0 ? 'allow' : `allow (would deny: ${would.join(', ')})`
  if (reason === '') return 'deny'
  return policy === '' ? `deny by ${reason}` : `deny by ${reason} (${policy})`
}
