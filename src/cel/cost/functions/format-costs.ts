import { dearestNumber } from '../../library/string-format.js'
import { fullTens, upTo } from '../range.js'
import { textOf } from '../shapes/plain-shapes.js'
import type { Operands } from './operands.js'
import { costs, type Priced } from './pricing.js'

/** `string.format`: of what each clause may cost by itself, its argument may cost the most. */
export function formatted(o: Operands): Priced {
  const source = o.literalText(0)
  const format = o.text(0)
  const clauses = source === undefined ? Math.floor(format.max / 2) : source.split('%').length - 1
  const precision = source === undefined ? 1_000_000 : longestPrecision(source)
  const argument = o.shape(1).items
  const each = Math.max(dearestNumber.digits + fullTens(precision), argument.most('showing'))
  const shown = Math.max(330 + precision, argument.most('shown'))
  const cost = { min: fullTens(format.min), max: fullTens(format.max) + clauses * each }
  return costs(cost, textOf(upTo(format.max + clauses * shown)))
}

function longestPrecision(format: string): number {
  let longest = 6
  for (const [, digits] of format.matchAll(/%\.(\d{1,7})/g)) longest = Math.max(longest, Number(digits))
  return longest
}
