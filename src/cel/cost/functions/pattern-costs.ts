import { aheadUnits } from '../../library/pattern-matches.js'
import { patternShape } from '../../library/pattern-shape.js'
import { largestProgram, longestPattern } from '../../library/patterns.js'
import {
  add,
  type CostRange,
  fullTens,
  most,
  type Range,
  type SizeRange,
  sum,
  tens,
  through2,
  times,
  upTo,
  zero,
} from '../range.js'
import { listOf, textOf } from '../shapes/plain-shapes.js'
import { scalar } from '../shapes/shape.js'
import type { Operands } from './operands.js'
import type { Priced, PriceTable } from './pricing.js'

/** Searches for regular expressions: of the language, of Kubernetes and of cel-go's extension. */
export const patternCosts: PriceTable = [
  [['matches', 'matches_string'], o => ({ cost: finding(o), shape: scalar })],
  [['string_find_string'], o => ({ cost: finding(o), shape: textOf(upTo(o.text(0).max)) })],
  [['regex_extract_string_string'], o => ({ cost: add(finding(o), upTo(4)), shape: textOf(upTo(o.text(0).max)) })],
  [['string_find_all_string', 'string_find_all_string_int', 'regex_extractAll_string_string'], foundAll],
  [['regex_replace_string_string_string', 'regex_replace_string_string_string_int'], replacedAll],
]

/** Characters, quarters of the pattern or of its program, as `searchUnits` in library/pattern-matches.ts. */
export function search(text: SizeRange, weight: Range): CostRange {
  return through2(text, weight, (size, heavy) => tens(size + 1) * Math.max(1, Math.ceil(heavy / 4)))
}

interface Pattern {
  readonly weight: Range
  /** Compiling it, if that was not done at load. */
  readonly compiling: CostRange
  /** Whether a search may look at the whole rest of the text and settle for less. */
  readonly looksAhead: boolean
}

/** Instructions that RE2 has in every program. */
const programFrame = 4

function patternOf(o: Operands): Pattern {
  const source = o.literalText(1)
  if (source !== undefined) {
    const { size, chain } = patternShape(source)
    const weight = { min: source.length, max: Math.min(largestProgram, Math.max(source.length, size + programFrame)) }
    return { weight, compiling: zero, looksAhead: !chain }
  }
  const length = Math.min(o.wanted(1).max, longestPattern)
  if (o.sizes.ordinary === true) return { weight: upTo(length), compiling: upTo(28 * length), looksAhead: false }
  // One that repeats too much is refused before it is compiled, but has been charged what its instructions would be.
  const compiling = length < 4 ? 28 * length : most
  return {
    weight: upTo(length < 4 ? 4 * length + programFrame : largestProgram),
    compiling: upTo(compiling),
    looksAhead: true,
  }
}

/** The first match, or whether there is one. */
function finding(o: Operands): CostRange {
  const { weight, compiling } = patternOf(o)
  return add(search(o.text(0), weight), compiling)
}

function findingAll(o: Operands): CostRange {
  return add(finding(o), leaving(o.text(0), patternOf(o)))
}

/** Each match leaves objects behind, and may look further than it reaches (library/pattern-matches.ts). */
function leaving(text: SizeRange, { weight, looksAhead }: Pattern): CostRange {
  const ahead = looksAhead ? aheadUnits(text.max, weight.max) : 0
  return times(upTo(text.max + 1), upTo(4 + ahead))
}

function foundAll(o: Operands): Priced {
  const found = textOf(upTo(o.text(0).max))
  return { cost: findingAll(o), shape: listOf(upTo(o.text(0).max + 1), () => found) }
}

/** Each match may be replaced by as many parts as the replacement has, each of which may be the whole match. */
function replacedAll(o: Operands): Priced {
  const [text, by] = [o.text(0), o.text(2)]
  const matches = text.max + 1
  const result = upTo(text.max + matches * by.max + by.max * text.max)
  const writing = upTo(fullTens(text.max + matches * (by.max + 1)) + matches * (by.max + 1) + fullTens(result.max))
  return { cost: { min: 1, max: sum(findingAll(o), writing).max }, shape: textOf(result) }
}
