import type { Decision } from '../../decision/decision.js'
import type { EmergencyReason } from '../../decision/emergency-decision.js'
import { waitMs } from '../../decision/wait-ms.js'

export interface AnswerInTimeOptions {
  /** Milliseconds since the epoch; undefined when the gateway did not say. */
  readonly deadline: number | undefined
  /** Makes the denial that the client gets instead, and tells the log of it. Must not throw. */
  deny(reason: EmergencyReason, message: string): Decision
  /** Must not throw. */
  onError(detail: string, error?: unknown): void
}

/**
 * The decision, or a denial shortly before the gateway stops waiting: after that it would answer for us, and some
 * gateways then let the request pass. Never rejects. The work itself goes on, so that its result can be cached.
 */
export function answerInTime(
  pending: Promise<Decision>,
  { deadline, deny, onError }: AnswerInTimeOptions,
): Promise<Decision> {
  return new Promise(resolve => {
    let late = false
    const timer = setTimeout(
      () => {
        late = true
        onError('a decision was not there in time; the request was denied')
        resolve(deny('dependency.timeout', 'The authorization service could not decide in time'))
      },
      waitMs(deadline, Date.now()),
    )
    pending.then(
      decision => {
        clearTimeout(timer)
        resolve(decision)
      },
      error => {
        clearTimeout(timer)
        onError('a decision failed', error)
        if (!late) resolve(deny('internal.error', 'The authorization service failed'))
      },
    )
  })
}
