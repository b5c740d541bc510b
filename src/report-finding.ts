import type { Finding } from './documents/finding.js'
import type { Logger } from './telemetry/logger.js'

/** A finding as a line of the log. */
export function reportFinding(log: Logger, { severity, location, subject, path, message, hint }: Finding): void {
  const text = `${path === '' ? '' : `${path}: `}${message}${hint === undefined ? '' : ` (${hint})`}`
  const { file, line, column } = location
  log[severity === 'error' ? 'error' : 'warn'](text, { file, line, column, ...(subject !== '' && { policy: subject }) })
}
