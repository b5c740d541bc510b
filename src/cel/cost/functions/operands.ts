import type { Literal } from '../../syntax/ast.js'
import { type InputSizes, ordinaryLengths } from '../input-sizes.js'
import { type SizeRange, through } from '../range.js'
import { listSize, type Shape, scalar, textSize } from '../shapes/shape.js'

/** An operand of a call: the target of a method is the first. */
export interface Operand {
  readonly shape: Shape
  /** Its value, if it is written in the expression. */
  readonly literal: Literal | undefined
}

/** Operands by position; one that is missing is a scalar. */
export class Operands {
  readonly sizes: InputSizes
  readonly count: number
  readonly #all: readonly Operand[]

  constructor(all: readonly Operand[], sizes: InputSizes) {
    this.#all = all
    this.sizes = sizes
    this.count = all.length
  }

  shape(at: number): Shape {
    return this.#all[at]?.shape ?? scalar
  }

  text(at: number): SizeRange {
    return textSize(this.shape(at))
  }

  list(at: number): SizeRange {
    return listSize(this.shape(at))
  }

  /** The length of what is looked for. */
  wanted(at: number): SizeRange {
    const text = this.text(at)
    if (this.sizes.ordinary !== true || this.literalText(at) !== undefined) return text
    return through(text, size => Math.min(size, ordinaryLengths.wanted))
  }

  literalText(at: number): string | undefined {
    const literal = this.#all[at]?.literal
    return literal?.type === 'string' ? literal.value : undefined
  }

  literalNumber(at: number): number | undefined {
    const literal = this.#all[at]?.literal
    return literal?.type === 'int' ? Number(literal.value) : undefined
  }
}
