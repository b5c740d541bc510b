import type { ApiFailure, ApiRequest } from './api-server.js'
import type { Exchanged } from './exchange.js'

/** A second try is made after up to so many milliseconds. */
const quickPauseMs = 50

/** Milliseconds to wait before it is sent once more; undefined: it is not. */
export function pauseBeforeRetry(sent: Exchanged, response: ApiFailure, request: ApiRequest): number | undefined {
  const repeatable = request.repeatable ?? request.method === 'GET'
  if (sent.kind === 'broken') return repeatable || !sent.processed ? 0 : undefined
  // 429 comes before anything was done (API Priority and Fairness, max-in-flight filter); so it needs no permission.
  if (response.reason === 'throttled') return response.retryAfterMs ?? 1000
  if (response.reason !== 'unavailable' || !repeatable) return undefined
  return response.retryAfterMs ?? quickPauseMs * Math.random()
}
