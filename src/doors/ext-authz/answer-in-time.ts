import type { Decision } from '../../decision/decision.js'
import { emergencyDecision } from '../../decision/emergency-decision.js'

/** How long a gateway is made to wait at most when it names no deadline. */
const longestWaitMs = 10_000

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

/** Milliseconds to wait: a tenth of what is left, 5 to 50 ms, is kept for the way back. */
export function waitMs(deadline: number | undefined, now: number): number {
  if (deadline === undefined) return longestWaitMs
  const left = deadline - now
  const margin = Math.min(50, Math.max(5, left / 10))
  return Math.min(longestWaitMs, Math.max(0, left - margin))
}
