import { most, type SizeRange, upTo, zero } from '../range.js'
import { type Measure, type Measured, measureList, measureMap, measureScalar, measureText } from './measure.js'

/** How large a value may be. Of what it never is, it has no size: a value of unknown type has all three. */
export abstract class Shape implements Measured {
  abstract readonly text: SizeRange | undefined
  abstract readonly list: SizeRange | undefined
  abstract readonly map: SizeRange | undefined
  #items: Shape | undefined
  #keys: Shape | undefined
  #values: Shape | undefined
  readonly #measures = new Map<Measure, number>()

  /** Of how many shapes this is one. */
  readonly width: number = 1

  /** For what comes from outside: the shape of anything that does. */
  get outside(): Shape | undefined {
    return undefined
  }

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

/** A number, a bool, a time: nothing that has a size. */
class ScalarShape extends Shape {
  readonly text = undefined
  readonly list = undefined
  readonly map = undefined
}

export const scalar: Shape = new ScalarShape()

/** Of a value of which nothing is known. */
class BoundlessShape extends Shape {
  readonly text = upTo(most)
  readonly list = upTo(most)
  readonly map = upTo(most)

  protected override findItems(): Shape {
    return this
  }

  protected override findKeys(): Shape {
    return this
  }

  protected override findValues(): Shape {
    return this
  }

  protected override measure(): number {
    return most
  }
}

export const boundless: Shape = new BoundlessShape()

export function textSize(shape: Shape): SizeRange {
  return shape.text ?? zero
}

export function listSize(shape: Shape): SizeRange {
  return shape.list ?? zero
}

export function mapSize(shape: Shape): SizeRange {
  return shape.map ?? zero
}
