import type { Failure } from './decision.js'
import { type ReasonCode, stageOf } from './reason-codes.js'

export interface FailureDetail {
  readonly hints?: readonly string[]
  readonly policy?: string
  readonly policyReason?: string
}

export function failure(reason: ReasonCode, message: string, detail: FailureDetail = {}): Failure {
  return {
    stage: stageOf(reason),
    reason,
    message,
    hints: detail.hints ?? [],
    policy: detail.policy ?? '',
    policyReason: detail.policyReason ?? '',
  }
}
