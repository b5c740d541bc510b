import { type CelMap, Failure, type MapKey, type Result, type Value } from '../values/value.js'

/** An object whose fields may have failed. */
export class Fields {
  readonly #names: readonly string[]
  readonly #read: (name: string) => Result | undefined

  constructor(names: readonly string[], read: (name: string) => Result | undefined) {
    this.#names = names
    this.#read = read
  }

  /** undefined if there is no such field. */
  field(key: string | number): Result | undefined {
    return typeof key === 'string' ? this.#read(key) : undefined
  }

  /** All of them; a failure if one failed. */
  whole(): CelMap | Failure {
    const map = new Map<MapKey, Value>()
    for (const name of this.#names) {
      const value = this.#read(name)
      if (value instanceof Failure) return value
      if (value !== undefined) map.set(name, value)
    }
    return map
  }
}
