import { abandon } from '../../../decision/abandoned-requests.js'
import type { Decide, Decision } from '../../../decision/decision.js'
import { type EmergencyReason, emergencyDecision } from '../../../decision/emergency-decision.js'
import { recordedTrace } from '../../../decision/recorded-trace.js'
import { waitMs } from '../../../decision/wait-ms.js'
import type { InboundRequest } from '../../../protocol/inbound-request.js'
import { refusalDecision } from './refusal-decision.js'
import type { Refused } from './refused.js'

export interface JudgeOptions {
  readonly decide: Decide
  /** Decisions that may wait at the same time. */
  readonly maxInFlight: number
  /** Something is broken. `detail` is one line without data of a request. */
  onError(detail: string, error?: unknown): void
  /** A denial that `decide` knows nothing of. */
  onEmergency?(decision: Decision, request: InboundRequest | undefined): void
}

export interface Judge {
  /** The decision, or a denial of our own shortly before the deadline, on overload, or when `decide` fails. Never rejects. */
  decide(request: InboundRequest): Decision | Promise<Decision>
  /** The denial, told to the log, of an evaluation that cannot be decided. */
  refuse(refused: Refused): Decision
}

/** Whatever happens inside, the answer is a decision: an allow that was decided, or a denial. */
export function createJudge({ decide, maxInFlight, onError, onEmergency }: JudgeOptions): Judge {
  let inFlight = 0
  const report = (detail: string, error?: unknown) => {
    try {
      onError(detail, error)
    } catch {
      // A broken log must not change an answer.
    }
  }
  const tell = (decision: Decision, request: InboundRequest | undefined): Decision => {
    try {
      onEmergency?.(decision, request)
    } catch (error) {
      report('a denial of the door could not be recorded', error)
    }
    return decision
  }
  const deny = (reason: EmergencyReason, message: string, request: InboundRequest): Decision => {
    abandon(request)
    return tell(emergencyDecision(reason, message, recordedTrace(request)), request)
  }
  const failed = (error: unknown, request: InboundRequest): Decision => {
    report('a decision failed', error)
    return deny('internal.error', 'The authorization service failed', request)
  }
  const wait = (pending: Promise<Decision>, request: InboundRequest): Decision | Promise<Decision> => {
    if (inFlight >= maxInFlight) {
      pending.catch(error => report('a decision failed', error))
      return deny('dependency.overloaded', 'The authorization service has too many requests waiting', request)
    }
    inFlight++
    return new Promise(resolve => {
      let late = false
      const timer = setTimeout(
        () => {
          late = true
          report('a decision was not there in time; the request was denied')
          resolve(deny('dependency.timeout', 'The authorization service could not decide in time', request))
        },
        waitMs(request.deadline, Date.now()),
      )
      pending
        .then(resolve, error => (late ? report('a decision failed', error) : resolve(failed(error, request))))
        .finally(() => {
          clearTimeout(timer)
          inFlight--
        })
    })
  }
  return {
    decide(request) {
      try {
        // Asked before the limit is looked at: who needs no waiting does not pay for those who wait.
        const decision = decide(request)
        return decision instanceof Promise ? wait(decision, request) : decision
      } catch (error) {
        return failed(error, request)
      }
    },
    refuse: ({ reason, message }) => tell(refusalDecision(reason ?? 'message.params', message), undefined),
  }
}
