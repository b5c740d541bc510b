import type { CallContext } from './library.js'
import type { CompiledPattern } from './patterns.js'

/**
 * Whether a pattern occurs anywhere in a text; undefined if that cannot be paid: tenths of the text times quarters of the
 * pattern (cel-go, runtime cost of `matches`), or of its program where that is larger. `paid` units were taken already.
 */
export function matchesPattern(
  text: string,
  pattern: CompiledPattern,
  context: CallContext,
  paid: number,
): boolean | undefined {
  const units = Math.ceil((text.length + 1) / 10) * Math.ceil(pattern.weight / 4)
  return context.charge(units - paid) ? pattern.pattern.test(text) : undefined
}
