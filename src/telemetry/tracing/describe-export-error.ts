import { ExportTimeout } from './span-queue.js'

/**
 * What went wrong with an export, in words of ours: an answer of the collector may hold anything, and a message of the
 * system names addresses only.
 */
export function describeExportError(error: unknown): string {
  if (error instanceof ExportTimeout) return 'it did not answer in time'
  if (!(error instanceof Error)) return 'an unknown error'
  const code = 'code' in error ? error.code : undefined
  if (typeof code === 'number') return `it answered HTTP ${code}`
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{0,63}$/.test(code) ? code : error.constructor.name
}
