import { ExportTimeout } from './export-queue.js'
import { OtlpFailure } from './otlp-client.js'

const firstMs = 1000
const mostMs = 30_000
/** A collector may not silence us for longer. */
const mostAskedMs = 60_000

/**
 * Milliseconds until something is sent again that a collector did not take; undefined: it will not take it, or has not taken
 * it too often. Doubles from a second to half a minute, drawn from the upper half of it.
 * @param failures how often it was not taken
 */
export function retryDelay(
  error: unknown,
  failures: number,
  { attempts, random = Math.random }: { readonly attempts: number; random?: () => number },
): number | undefined {
  const mayHelp = error instanceof ExportTimeout || (error instanceof OtlpFailure && error.retryable)
  if (!mayHelp || failures >= attempts) return undefined
  const delay = Math.min(mostMs, firstMs * 2 ** (failures - 1)) * (0.5 + random() / 2)
  const asked = error instanceof OtlpFailure ? error.retryAfterMs : undefined
  return Math.max(delay, Math.min(asked ?? 0, mostAskedMs))
}
