import { type Type, types } from '../../types/type.js'
import type { InputSizes, Kind } from '../input-sizes.js'
import { type SizeRange, upTo } from '../range.js'
import type { Measure } from './measure.js'
import { Shape } from './shape.js'

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

  override get outside(): Shape {
    return anything(this.#sizes)
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
    // Where no place is told from another, elements and values are the same.
    const toldApart = this.#path !== undefined && this.#sizes.of !== undefined
    if (this.#type.kind === 'dyn' && !toldApart) return this.items
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

/** A value of a variable, or of what stands below it: `path` as `InputSizes.of` has it. */
export function inputOf(type: Type, path: readonly string[], sizes: InputSizes): Shape {
  return new InputShape(type, path, sizes)
}

/** Anything within the sizes of inputs. */
export function anything(sizes: InputSizes): Shape {
  return new InputShape(types.dyn, undefined, sizes)
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
