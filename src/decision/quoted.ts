import { safeText } from './safe-text.js'

/** As long as the longest name of Kubernetes. */
const maxQuoted = 253

/**
 * What somebody else wrote (a name, a uri, a user), for a sentence of ours: on one line, bounded, in quotes that it cannot
 * end. A model reads it as what was asked for, not as a part of what we say.
 */
export function quoted(text: string): string {
  return `"${safeText(text, maxQuoted).replace(/["\\]/g, '\\$&')}"`
}
