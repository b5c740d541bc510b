import type { Type } from '../types/type.js'
import { add, type CostRange, either, one, tens, through2, times, upTo } from './range.js'
import { sumOf } from './shapes/combined-shapes.js'
import { listSize, type Shape, scalar } from './shapes/shape.js'

interface Operated {
  readonly cost: CostRange
  readonly shape: Shape
}

/** An operator with two operands beside what these cost (evaluate/operators.ts); `constant`: whether the right one is. */
export function operate(name: string, a: Shape, b: Shape, type: Type, constant: boolean): Operated {
  switch (name) {
    case '_+_':
      return { cost: adding(a, b, type), shape: sumOf(a, b) }
    case '_==_':
    case '_!=_': {
      const deep = upTo(Math.min(a.most('comparing'), b.most('comparing')))
      // A short constant is compared for a unit.
      return { cost: add(comparing(a, b), deep), shape: scalar }
    }
    case '_<_':
    case '_<=_':
    case '_>_':
    case '_>=_':
      return { cost: comparing(a, b), shape: scalar }
    case '@in':
      return { cost: looking(a, b, constant), shape: scalar }
    default:
      return { cost: one, shape: scalar }
  }
}

/** Numbers for a unit; texts and lists by their lengths. */
function adding(a: Shape, b: Shape, { kind }: Type): CostRange {
  const texts = a.text && b.text && through2(a.text, b.text, (x, y) => tens(x + y))
  const lists = a.list && b.list && through2(a.list, b.list, (x, y) => 1 + tens(x + y))
  const known = kind === 'string' || kind === 'bytes' ? texts : kind === 'list' ? lists : undefined
  if (known !== undefined) return known
  return [texts, lists].reduce<CostRange>((cost, other) => (other === undefined ? cost : either(cost, other)), one)
}

/** One, or one for each ten characters of the shorter text. */
function comparing(a: Shape, b: Shape): CostRange {
  if (a.text === undefined || b.text === undefined) return one
  const cost = through2(a.text, b.text, (x, y) => Math.max(1, tens(Math.min(x, y))))
  const texts = isText(a) && isText(b)
  return texts ? cost : either(one, cost)
}

function isText(shape: Shape): boolean {
  return shape.list === undefined && shape.map === undefined
}

/** A key of a map for a unit; of a list, each element. */
function looking(a: Shape, b: Shape, constant: boolean): CostRange {
  const size = listSize(b)
  const each = upTo(Math.min(a.most('comparing'), b.list === undefined ? 0 : b.items.most('comparing')))
  const list = add(size, times(upTo(size.max), each))
  // Constants are in a set.
  if (constant) return { min: Math.min(1, list.min), max: Math.max(1, list.max) }
  if (b.list === undefined) return one
  return b.map === undefined ? list : either(one, list)
}
