import { dearestNumber } from '../library/string-format.js'
import type { Type } from '../types/type.js'
import { types } from '../types/type.js'
import type { InputSizes, Kind } from './input-sizes.js'
import { add, either, exactly, fullTens, most, type SizeRange, through, upTo, zero } from './range.js'

/**
 * What can be said of all parts of a value together: units that comparing it takes beyond the first, units that showing it in
 * a text takes, characters of such a text, and elements of lists in lists.
 */
export type Measure = 'comparing' | 'showing' | 'shown' | 'elements'

/** How large a value may be. Of what it never is, it has no size: a value of unknown type has all three. */
export abstract class Shape {
  abstract readonly text: SizeRange | undefined
  abstract readonly list: SizeRange | undefined
  abstract readonly map: SizeRange | undefined
  #items: Shape | undefined
  #keys: Shape | undefined
  #values: Shape | undefined
  readonly #measures = new Map<Measure, number>()

  /** Any element of the list. */
  get items(): Shape {
    this.#items ??= this.findItems()
    return this.#items
  }

  /** Any key of the map. */
  get keys(): Shape {
    this.#keys ??= this.findKeys()
    return this.#keys
  }

  /** Any value of the map. */
  get values(): Shape {
    this.#values ??= this.findValues()
    return this.#values
  }

  most(measure: Measure): number {
    const known = this.#measures.get(measure)
    if (known !== undefined) return known
    const found = Math.min(this.measure(measure), most)
    this.#measures.set(measure, found)
    return found
  }

  /** What a field of the map is. */
  field(_name: string): Shape {
    return this.values
  }

  protected findItems(): Shape {
    return scalar
  }

  protected findKeys(): Shape {
    return scalar
  }

  protected findValues(): Shape {
    return scalar
  }

  protected measure(measure: Measure): number {
    const { text, list, map } = this
    let found = measureScalar(measure)
    if (text !== undefined) found = Math.max(found, measureText(text.max, measure))
    if (list !== undefined) found = Math.max(found, measureList(list.max, this.items, measure))
    if (map !== undefined) found = Math.max(found, measureMap(map.max, this.keys, this.values, measure))
    return found
  }
}

function measureScalar(measure: Measure): number {
  switch (measure) {
    case 'comparing':
    case 'elements':
      return 0
    case 'showing':
      return dearestNumber.shown
    case 'shown':
      // The longest double has 309 digits before the point, and six behind it.
      return 330
  }
}

function measureText(size: number, measure: Measure): number {
  switch (measure) {
    case 'comparing':
      return Math.floor(size / 64)
    case 'showing':
      return fullTens(2 * size)
    case 'shown':
      return 10 * size + 3
    case 'elements':
      return 0
  }
}

function measureList(size: number, items: Shape, measure: Measure): number {
  const within = size === 0 ? 0 : size * items.most(measure)
  switch (measure) {
    case 'comparing':
      return 1 + fullTens(size) + within
    case 'showing':
    case 'elements':
      return size + within
    case 'shown':
      return 2 + 2 * size + within
  }
}

function measureMap(size: number, keys: Shape, values: Shape, measure: Measure): number {
  const within = size === 0 ? 0 : size * (keys.most(measure) + values.most(measure))
  switch (measure) {
    case 'comparing':
      return 1 + size + within
    case 'showing':
      return size * (1 + Math.ceil(Math.log2(size + 1))) + within
    case 'shown':
      return 2 + 5 * size + within
    case 'elements':
      return 0
  }
}

/** A number, a bool, a time: nothing that has a size. */
class ScalarShape extends Shape {
  readonly text = undefined
  readonly list = undefined
  readonly map = undefined
}

export const scalar: Shape = new ScalarShape()

class TextShape extends Shape {
  readonly text: SizeRange
  readonly list = undefined
  readonly map = undefined

  constructor(text: SizeRange) {
    super()
    this.text = text
  }
}

/** A text, bytes, or a value made of a text (a URL, a version). */
export function textOf(size: SizeRange): Shape {
  return new TextShape(size)
}

class ListShape extends Shape {
  readonly text = undefined
  readonly list: SizeRange
  readonly map = undefined
  readonly #find: () => Shape

  constructor(list: SizeRange, find: () => Shape) {
    super()
    this.list = list
    this.#find = find
  }

  protected override findItems(): Shape {
    return this.#find()
  }
}

export function listOf(size: SizeRange, items: () => Shape): Shape {
  return new ListShape(size, items)
}

class MapShape extends Shape {
  readonly text = undefined
  readonly list = undefined
  readonly map: SizeRange
  readonly #keys: () => Shape
  readonly #values: () => Shape

  constructor(map: SizeRange, keys: () => Shape, values: () => Shape) {
    super()
    this.map = map
    this.#keys = keys
    this.#values = values
  }

  protected override findKeys(): Shape {
    return this.#keys()
  }

  protected override findValues(): Shape {
    return this.#values()
  }
}

export function mapOf(size: SizeRange, keys: () => Shape, values: () => Shape): Shape {
  return new MapShape(size, keys, values)
}

/** One of several. */
class UnionShape extends Shape {
  readonly text: SizeRange | undefined
  readonly list: SizeRange | undefined
  readonly map: SizeRange | undefined
  readonly #parts: readonly Shape[]

  constructor(parts: readonly Shape[]) {
    super()
    this.#parts = parts
    this.text = sizeOfAny(parts, 'text')
    this.list = sizeOfAny(parts, 'list')
    this.map = sizeOfAny(parts, 'map')
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

export function union(parts: readonly Shape[]): Shape {
  const distinct = [...new Set(parts)]
  const [only] = distinct
  if (only === undefined) return scalar
  return distinct.length === 1 ? only : new UnionShape(distinct)
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

/** Steps of a path that are told; below, only what holds anywhere is known. */
const longestPath = 32

/** What comes from outside. */
class InputShape extends Shape {
  readonly text: SizeRange | undefined
  readonly list: SizeRange | undefined
  readonly map: SizeRange | undefined
  readonly #type: Type
  readonly #path: readonly string[] | undefined
  readonly #sizes: InputSizes

  constructor(type: Type, path: readonly string[] | undefined, sizes: InputSizes) {
    super()
    this.#type = type
    this.#path = path !== undefined && path.length <= longestPath ? path : undefined
    this.#sizes = sizes
    const { inputBytes } = sizes
    this.text = kindsOf(type).includes('text') ? this.#size('text', inputBytes) : undefined
    this.list = kindsOf(type).includes('list') ? this.#size('list', Math.ceil(inputBytes / 2)) : undefined
    this.map = kindsOf(type).includes('map') ? this.#size('map', Math.ceil(inputBytes / 4)) : undefined
  }

  override field(name: string): Shape {
    const type = this.#type.kind === 'map' ? this.#type.value : types.dyn
    return this.#part(type, name)
  }

  #size(kind: Kind, max: number): SizeRange {
    const known = this.#path && this.#sizes.of?.(this.#path, kind)
    return known ?? upTo(max)
  }

  #part(type: Type, step: string): Shape {
    return new InputShape(type, this.#path && [...this.#path, step], this.#sizes)
  }

  protected override findItems(): Shape {
    return this.#part(this.#type.kind === 'list' ? this.#type.element : types.dyn, '@items')
  }

  protected override findKeys(): Shape {
    return this.#part(this.#type.kind === 'map' ? this.#type.key : types.string, '@keys')
  }

  protected override findValues(): Shape {
    return this.#part(this.#type.kind === 'map' ? this.#type.value : types.dyn, '@values')
  }

  /** However a value is built, no part of it takes less than two bytes of the message. */
  protected override measure(measure: Measure): number {
    const { inputBytes, ordinary, of } = this.#sizes
    if (ordinary === true && measure === 'comparing') return this.#comparingOrdinary()
    if (of !== undefined && this.#type.kind !== 'dyn') return super.measure(measure)
    const sizes = [this.text, this.list, this.map].map(size => size?.max ?? 0)
    const bytes = Math.max(inputBytes, ...(of === undefined ? [] : sizes.map(size => 4 * size)))
    switch (measure) {
      case 'comparing':
      case 'elements':
        return bytes / 2
      case 'showing':
        return 8 * bytes
      case 'shown':
        return 400 * bytes
    }
  }

  #comparingOrdinary(): number {
    const within = this.#path === undefined || this.#path.some(step => step === '@items' || step === '@values')
    return within ? 0 : Math.floor((this.text?.max ?? 0) / 64)
  }
}

const noKinds: readonly Kind[] = []
const allKinds: readonly Kind[] = ['text', 'list', 'map']

function kindsOf(type: Type): readonly Kind[] {
  switch (type.kind) {
    case 'string':
    case 'bytes':
    case 'opaque':
      return ['text']
    case 'list':
      return ['list']
    case 'map':
    case 'message':
      return ['map']
    case 'dyn':
    case 'param':
    case 'error':
      return allKinds
    case 'optional':
      return kindsOf(type.value)
    case 'wrapper':
      return type.of === 'string' || type.of === 'bytes' ? ['text'] : noKinds
    default:
      return noKinds
  }
}

export function inputOf(type: Type, path: readonly string[], sizes: InputSizes): Shape {
  return new InputShape(type, path, sizes)
}

/** Anything within the sizes of inputs. */
export function anything(sizes: InputSizes): Shape {
  return new InputShape(types.dyn, undefined, sizes)
}

export function textSize(shape: Shape): SizeRange {
  return shape.text ?? zero
}

export function listSize(shape: Shape): SizeRange {
  return shape.list ?? zero
}

export function mapSize(shape: Shape): SizeRange {
  return shape.map ?? zero
}

export function exactText(text: string | Uint8Array): Shape {
  return new TextShape(exactly(text.length))
}
