/** How long a gateway is made to wait at most when it names no deadline. */
const longestWaitMs = 10_000

/**
 * Milliseconds to wait for a decision: a tenth of what is left, 5 to 50 ms, is kept for the way back.
 * @param deadline milliseconds since the epoch; undefined when the gateway did not say
 */
export function waitMs(deadline: number | undefined, now: number): number {
  if (deadline === undefined) return longestWaitMs
  const left = deadline - now
  const margin = Math.min(50, Math.max(5, left / 10))
  return Math.min(longestWaitMs, Math.max(0, left - margin))
}
