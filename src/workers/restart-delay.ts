const shortestMs = 100
const longestMs = 30_000

/** A worker that lived this long has nothing to do with the failures before it. */
export const soundAfterMs = 30_000

/** Milliseconds before a worker is started again: 0.1 s, twice as long after each failure in a row, at most 30 s. */
export function restartDelayMs(failures: number): number {
  return Math.min(longestMs, shortestMs * 2 ** Math.min(failures, 30))
}
