import type { Kind } from '../input-sizes.js'
import { add, either, type SizeRange, through } from '../range.js'
import type { Measure } from './measure.js'
import { boundless, Shape, scalar } from './shape.js'

/** One of several. */
class UnionShape extends Shape {
  readonly text: SizeRange | undefined
  readonly list: SizeRange | undefined
  readonly map: SizeRange | undefined
  override readonly width: number
  readonly #parts: readonly Shape[]

  constructor(parts: readonly Shape[]) {
    super()
    this.#parts = parts
    this.width = widthOf(parts)
    this.text = sizeOfAny(parts, 'text')
    this.list = sizeOfAny(parts, 'list')
    this.map = sizeOfAny(parts, 'map')
  }

  override get outside(): Shape | undefined {
    return outsideOf(this.#parts)
  }

  override field(name: string): Shape {
    return union(this.#parts.filter(part => part.map !== undefined).map(part => part.field(name)))
  }

  protected override findItems(): Shape {
    return union(this.#parts.filter(part => part.list !== undefined).map(part => part.items))
  }

  protected override findKeys(): Shape {
    return union(this.#parts.filter(part => part.map !== undefined).map(part => part.keys))
  }

  protected override findValues(): Shape {
    return union(this.#parts.filter(part => part.map !== undefined).map(part => part.values))
  }

  protected override measure(measure: Measure): number {
    return this.#parts.reduce((found, part) => Math.max(found, part.most(measure)), 0)
  }
}

function sizeOfAny(parts: readonly Shape[], kind: Kind): SizeRange | undefined {
  let found: SizeRange | undefined
  for (const part of parts) {
    const size = part[kind]
    if (size !== undefined) found = found === undefined ? size : either(found, size)
  }
  return found
}

/** A part of one of two shapes is one of four, and so on: from here on no more is told than where it comes from. */
const widest = 64

export function union(parts: readonly Shape[]): Shape {
  const distinct = [...new Set(parts)]
  const [only] = distinct
  if (only === undefined) return scalar
  if (distinct.length === 1) return only
  return widthOf(distinct) <= widest ? new UnionShape(distinct) : (outsideOf(distinct) ?? boundless)
}

function widthOf(parts: readonly Shape[]): number {
  return parts.reduce((width, part) => width + part.width, 0)
}

function outsideOf(parts: readonly Shape[]): Shape | undefined {
  let found: Shape | undefined
  for (const part of parts) {
    if (part === scalar) continue
    const { outside } = part
    if (outside === undefined) return undefined
    found ??= outside
  }
  return found
}

/** Two lists, two texts or two numbers, one after the other. */
class SumShape extends Shape {
  readonly text: SizeRange | undefined
  readonly list: SizeRange | undefined
  readonly map = undefined
  readonly #a: Shape
  readonly #b: Shape

  constructor(a: Shape, b: Shape) {
    super()
    this.#a = a
    this.#b = b
    this.text = a.text && b.text && add(a.text, b.text)
    this.list = a.list && b.list && add(a.list, b.list)
  }

  protected override findItems(): Shape {
    return union([this.#a.items, this.#b.items])
  }
}

export function sumOf(a: Shape, b: Shape): Shape {
  return new SumShape(a, b)
}

/** The same value, known to have at most so many characters, elements or entries. */
class BoundedShape extends Shape {
  readonly text: SizeRange | undefined
  readonly list: SizeRange | undefined
  readonly map: SizeRange | undefined
  readonly #whole: Shape

  constructor(whole: Shape, bound: number) {
    super()
    this.#whole = whole
    const least = (size: number) => (range: SizeRange | undefined) =>
      range && through(range, value => Math.min(value, size))
    // A character may take two units.
    this.text = least(2 * bound)(whole.text)
    this.list = least(bound)(whole.list)
    this.map = least(bound)(whole.map)
  }

  override get outside(): Shape | undefined {
    return this.#whole.outside
  }

  override field(name: string): Shape {
    return this.#whole.field(name)
  }

  protected override findItems(): Shape {
    return this.#whole.items
  }

  protected override findKeys(): Shape {
    return this.#whole.keys
  }

  protected override findValues(): Shape {
    return this.#whole.values
  }

  protected override measure(measure: Measure): number {
    return Math.min(this.#whole.most(measure), super.measure(measure))
  }
}

export function boundedBy(whole: Shape, bound: number): Shape {
  return new BoundedShape(whole, bound)
}
