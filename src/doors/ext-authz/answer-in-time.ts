import type { Decision } from '../../decision/decision.js'
import { emergencyDecision } from '../../decision/emergency-decision.js'
import { waitMs } from '../../decision/wait-ms.js'

/**
 * The decision, or a denial shortly before the gateway stops waiting: after that it would answer for us, and some
 * gateways then let the request pass. Never rejects. The work itself goes on, so that its result can be cached.
 * @param deadline milliseconds since the epoch; undefined when the gateway did not say
 */
export function answerInTime(
  pending: Promise<Decision>,
  deadline: number | undefined,
  onError: (error: unknown) => void,
): Promise<Decision> {
  return new Promise(resolve => {
    const timer = setTimeout(
      () => resolve(emergencyDecision('dependency.timeout', 'The authorization service could not decide in time')),
      waitMs(deadline, Date.now()),
    )
    pending.then(
      decision => {
        clearTimeout(timer)
        resolve(decision)
      },
      error => {
        clearTimeout(timer)
        onError(error)
        resolve(emergencyDecision('internal.error', 'The authorization service failed'))
      },
    )
  })
}
