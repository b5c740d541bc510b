import { RE2JS } from 're2js'
import { Failure } from '../values/value.js'
import { chargeOnce } from './charge-once.js'
import { outOfBudget } from './implement.js'
import type { CallContext } from './library.js'
import { type PatternShape, patternShape } from './pattern-shape.js'

/** Characters of a pattern, constant or not. */
export const longestPattern = 1024
/** Instructions of RE2's program: bounds the time to compile, and with the text the time to match. */
export const largestProgram = 10_000
/** Patterns of policies, kept for all evaluations, and patterns that came with data. */
const keptConstants = 4096
const keptDynamic = 256

export interface CompiledPattern {
  readonly pattern: RE2JS
  /** The larger of the pattern's length and its program: what a character may cost. */
  readonly weight: number
  readonly shape: PatternShape
}

const tooLong = new Failure(`a regular expression may have ${longestPattern} characters at most`)
const tooLarge = new Failure('a regular expression repeats too much: use smaller counts in {}')

/**
 * A pattern by the syntax of RE2, as Go has it: linear in the text, no backreferences, no lookaround. The
 * failure says what is wrong and may quote the pattern.
 */
export function compilePattern(source: string): CompiledPattern | Failure {
  if (source.length > longestPattern) return tooLong
  const shape = patternShape(source)
  if (shape.size > 4 * largestProgram) return tooLarge
  try {
    const pattern = RE2JS.compile(source)
    const size = pattern.programSize()
    if (size > largestProgram) return tooLarge
    return { pattern, weight: Math.max(source.length, size), shape }
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : 'unknown'
    return new Failure(`not a regular expression of RE2: ${why}`)
  }
}

const refused = new Failure('not a regular expression of RE2')

/** The patterns used last, refused ones too. */
class PatternCache {
  readonly #size: number
  readonly #patterns = new Map<string, CompiledPattern | Failure>()

  constructor(size: number) {
    this.#size = size
  }

  get(source: string): CompiledPattern | Failure | undefined {
    const known = this.#patterns.get(source)
    if (known !== undefined) this.set(source, known)
    return known
  }

  set(source: string, pattern: CompiledPattern | Failure): void {
    this.#patterns.delete(source)
    const oldest = this.#patterns.size < this.#size ? undefined : this.#patterns.keys().next().value
    if (oldest !== undefined) this.#patterns.delete(oldest)
    this.#patterns.set(source, pattern)
  }
}

const prepared = new PatternCache(keptConstants)
const dynamic = new PatternCache(keptDynamic)

/** Compiles a constant pattern at load; it is kept for all evaluations. The failure says what is wrong. */
export function preparePattern(source: string): Failure | undefined {
  const compiled = compilePattern(source)
  if (compiled instanceof Failure) return compiled
  prepared.set(source, compiled)
  return undefined
}

/** What a pattern that was compiled at load is called when it comes to paying for it. */
export function patternKey(source: string): string {
  return `pattern ${source}`
}

/**
 * The compiled pattern. Compiling takes up to about twenty milliseconds for the worst: it is paid for, once in an evaluation,
 * whether the pattern is in the cache or not. A message says nothing of the pattern, which may come from data.
 */
export function patternFor(source: string, context: CallContext): CompiledPattern | Failure {
  if (source.length > longestPattern) return tooLong
  if (!chargeOnce(context, patternKey(source), 20 * source.length + 4 * patternShape(source).size)) return outOfBudget
  const known = prepared.get(source) ?? dynamic.get(source)
  if (known !== undefined) return known
  const compiled = compilePattern(source)
  const answer = compiled instanceof Failure && compiled !== tooLarge ? refused : compiled
  dynamic.set(source, answer)
  return answer
}
