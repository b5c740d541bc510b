import type { Enriched } from '../policy/enrichment.js'
import { safeText } from './safe-text.js'
import type { Trial } from './trial.js'

/** Bytes of all texts that one result gets; metadata travel with every message of the exchange. */
const maxBytes = 1024

/**
 * What the model is to read beside the result of an allowed call of a tool: warnings first, then the texts of Enrichments.
 * What is beyond the limit is left out whole. Not for batches, whose metadata are about all of their messages.
 */
export function resultContextOf(trial: Trial, enriched: readonly Enriched[]): readonly string[] {
  if (trial.call?.method !== 'tools/call' || trial.batch !== undefined || trial.server?.mode === 'Audit') return []
  const all = [
    ...trial.warnings.map(warning => `Warning: ${warning}`),
    ...enriched.flatMap(({ resultContext }) => resultContext),
  ]
  const texts: string[] = []
  let bytes = 0
  for (const one of all) {
    const text = safeText(one)
    bytes += Buffer.byteLength(text)
    if (bytes > maxBytes) break
    if (text !== '') texts.push(text)
  }
  return texts
}
