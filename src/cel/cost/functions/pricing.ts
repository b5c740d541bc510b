import { add, type CostRange, one, type Range, type SizeRange, tens, through, upTo, zero } from '../range.js'
import { textOf } from '../shapes/plain-shapes.js'
import { type Shape, scalar } from '../shapes/shape.js'
import type { Operands } from './operands.js'

/** What a call costs beside its operands, and what it gives. */
export interface Priced {
  readonly cost: CostRange
  readonly shape: Shape
}

export type Pricing = (operands: Operands) => Priced

/** Functions by the ids of their overloads. */
export type PriceTable = readonly (readonly [ids: readonly string[], pricing: Pricing])[]

/** Every call costs a unit; `more` is what comes on top. */
export function costs(more: Range, shape: Shape = scalar): Priced {
  return { cost: add(one, more), shape }
}

/** What takes no longer for a larger operand. */
export const nominal: Pricing = () => costs(zero)

/** One unit, or one for each ten characters begun, whichever is more. */
export function traversed(text: SizeRange, factor = 1): CostRange {
  return through(text, size => factor * Math.max(1, tens(size)))
}

/** Texts that functions make of numbers, times and addresses. */
export const shortText = textOf(upTo(350))

/** A value made of the text that it is read from. */
export function parsed(o: Operands): Priced {
  return { cost: traversed(o.text(0)), shape: textOf(o.text(0)) }
}
