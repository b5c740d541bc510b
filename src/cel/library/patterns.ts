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
/** Instructions of all that are kept: one takes some 150 to 600 bytes. */
const keptConstantInstructions = 100_000
const keptDynamicInstructions = 50_000

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

interface PatternLimits {
  readonly patterns: number
  readonly instructions: number
}

/** The patterns used last, refused ones too. */
class PatternCache {
  readonly #limits: PatternLimits
  readonly #patterns = new Map<string, CompiledPattern | Failure>()
  #instructions = 0

  constructor(limits: PatternLimits) {
    this.#limits = limits
  }

  get(source: string): CompiledPattern | Failure | undefined {
    const known = this.#patterns.get(source)
    if (known !== undefined) {
      this.#patterns.delete(source)
      this.#patterns.set(source, known)
    }
    return known
  }

  set(source: string, pattern: CompiledPattern | Failure): void {
    this.#forget(source)
    this.#patterns.set(source, pattern)
    this.#instructions += weightOf(pattern)
    for (const oldest of this.#patterns.keys()) {
      if (this.#patterns.size <= this.#limits.patterns && this.#instructions <= this.#limits.instructions) break
      this.#forget(oldest)
    }
  }

  #forget(source: string): void {
    const known = this.#patterns.get(source)
    if (known === undefined) return
    this.#instructions -= weightOf(known)
    this.#patterns.delete(source)
  }
}

function weightOf(pattern: CompiledPattern | Failure): number {
  return pattern instanceof Failure ? 0 : pattern.weight
}

const prepared = new PatternCache({ patterns: keptConstants, instructions: keptConstantInstructions })
const dynamic = new PatternCache({ patterns: keptDynamic, instructions: keptDynamicInstructions })

/**
 * Compiles a constant pattern at load; it is kept for all evaluations, as long as there is room, and shared by all that say
 * the same. The failure says what is wrong.
 */
export function preparePattern(source: string): CompiledPattern | Failure {
  const known = prepared.get(source)
  if (known !== undefined) return known
  const compiled = compilePattern(source)
  if (!(compiled instanceof Failure)) prepared.set(source, compiled)
  return compiled
}

/** A constant pattern for which there was no more room: it is compiled anew, and paid for. */
export function preparedAgain(source: string, context: CallContext): CompiledPattern | Failure {
  if (prepared.get(source) === undefined && !context.charge(compileUnits(source))) return outOfBudget
  return preparePattern(source)
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
  if (!chargeOnce(context, patternKey(source), compileUnits(source))) return outOfBudget
  const known = prepared.get(source) ?? dynamic.get(source)
  if (known !== undefined) return known
  const compiled = compilePattern(source)
  const answer = compiled instanceof Failure && compiled !== tooLarge ? refused : compiled
  dynamic.set(source, answer)
  return answer
}

function compileUnits(source: string): number {
  return 20 * source.length + 4 * patternShape(source).size
}
