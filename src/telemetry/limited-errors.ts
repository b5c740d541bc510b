import { limitRepeats } from './limit-repeats.js'
import type { Logger } from './logger.js'

/** A client that fails over and over, such as a bad TLS handshake, must not fill the log. */
export function limitedErrors(log: Logger, listener?: string): (detail: string, error?: unknown) => void {
  let last: unknown
  const report = limitRepeats((detail, suppressed) =>
    log.error(detail, {
      ...(listener !== undefined && { listener }),
      ...(last !== undefined && { error: last }),
      ...(suppressed > 0 && { suppressed }),
    }),
  )
  return (detail, error) => {
    last = error
    report(detail)
  }
}
