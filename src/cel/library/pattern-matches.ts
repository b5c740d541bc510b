import { Failure } from '../values/value.js'
import { outOfBudget } from './implement.js'
import type { CallContext } from './library.js'
import { type CompiledPattern, patternFor } from './patterns.js'

export interface PatternMatch {
  readonly start: number
  readonly end: number
  /** The whole match and, where asked for, the groups; undefined for one that took no part. */
  readonly groups: readonly (string | undefined)[]
}

/**
 * The cost of one search, as Kubernetes counts it for `find` and `matches`: tenths of the text times quarters of the pattern;
 * where the program is larger than the pattern is long, the program counts.
 */
function searchUnits(length: number, weight: number): number {
  return Math.ceil((length + 1) / 10) * Math.ceil(weight / 4)
}

/** Beside what its characters cost: a match leaves objects behind, and a text can be nothing but matches. */
const unitsPerMatch = 4

/** The compiled pattern, with one search over the whole text paid for. */
export function openPattern(text: string, source: string, context: CallContext): CompiledPattern | Failure {
  const compiled = patternFor(source, context)
  if (compiled instanceof Failure) return compiled
  return context.charge(searchUnits(text.length, compiled.weight) - 1) ? compiled : outOfBudget
}

/** What a search may have looked at beyond its match, and the next one looks at again: about a tenth of a microsecond each. */
function lookaheadUnits(rest: number, { shape, weight }: CompiledPattern): number {
  if (shape.chain) return 0
  return aheadUnits(shape.unbounded ? rest : Math.min(rest, weight), weight)
}

/** Units for so many characters that a pattern of that weight may have looked at. */
export function aheadUnits(characters: number, weight: number): number {
  return Math.floor(characters / 8) * Math.ceil(weight / 64)
}

/**
 * Matches from left to right without overlap, at most `limit`; as in Go, an empty one right after another match does not
 * count.
 */
export function findMatches(
  text: string,
  compiled: CompiledPattern,
  limit: number,
  withGroups: boolean,
  context: CallContext,
): PatternMatch[] | Failure {
  const matches: PatternMatch[] = []
  const matcher = compiled.pattern.matcher(text)
  let previousEnd = -1
  while (matches.length < limit && matcher.find()) {
    const start = matcher.start()
    const end = matcher.end()
    if (start !== end || start !== previousEnd) {
      const count = withGroups ? matcher.groupCount() : 0
      const groups = Array.from({ length: count + 1 }, (_, group) => matcher.group(group) ?? undefined)
      matches.push({ start, end, groups })
      if (!context.charge(unitsPerMatch)) return outOfBudget
    }
    previousEnd = end
    if (!context.charge(lookaheadUnits(text.length - end, compiled))) return outOfBudget
  }
  return matches
}
