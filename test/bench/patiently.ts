import { setTimeout as sleep } from 'node:timers/promises'

/**
 * A busy machine spoils a measurement, but not every one of several: it is taken again until it is good. What keeps the
 * machine busy may last, so pauses grow: 0.25 s after the first, twice as long after each, 16 s together for seven.
 * Resolves with the last one, good or not.
 * @param attempts at most, the first included
 */
export async function patiently<T>(
  measure: () => T | Promise<T>,
  isGood: (measured: T) => boolean,
  attempts = 7,
): Promise<T> {
  let measured = await measure()
  for (let again = 1; again < attempts && !isGood(measured); again++) {
    await sleep(125 * 2 ** again)
    measured = await measure()
  }
  return measured
}
