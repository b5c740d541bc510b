import { exactly, type SizeRange } from '../range.js'
import { Shape } from './shape.js'

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

/** A text or bytes that are known. */
export function exactText(text: string | Uint8Array): Shape {
  return new TextShape(exactly(text.length))
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
