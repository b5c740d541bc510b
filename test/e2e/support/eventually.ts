import { setTimeout as sleep } from 'node:timers/promises'

const PROBE_EVERY_MS = 25

/**
 * The first value that `probe` gives which is neither undefined nor false. An error thrown by it counts as "not yet".
 * Throws after `timeoutMs` (default 15 s), with what was awaited and the last error as cause.
 */
export async function eventually<T>(
  what: string,
  probe: () => T | false | undefined | Promise<T | false | undefined>,
  timeoutMs = 15_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  let cause: unknown
  for (;;) {
    try {
      const value = await probe()
      if (value !== undefined && value !== false) return value
    } catch (error) {
      cause = error
    }
    if (performance.now() >= deadline) throw new Error(`${what} did not come within ${timeoutMs} ms`, { cause })
    await sleep(PROBE_EVERY_MS)
  }
}
