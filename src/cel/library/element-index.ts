import { equal } from '../values/equal.js'
import { lookupKey } from '../values/map-key.js'
import type { Value } from '../values/value.js'
import type { CallContext } from './library.js'

/**
 * Which elements a list has, by CEL equality. Texts, bools, null and numbers (the same number is the same key, whatever its
 * type) are found by hash; the rest (lists, maps, bytes, times) is compared one by one, and that is charged.
 */
export class ElementIndex {
  readonly #context: CallContext
  readonly #keys = new Set<Value>()
  readonly #others: Value[] = []

  constructor(context: CallContext) {
    this.#context = context
  }

  add(value: Value): void {
    const key = keyOf(value)
    if (key === undefined) this.#others.push(value)
    else this.#keys.add(key)
  }

  /** False also when the budget is spent. */
  has(value: Value): boolean {
    const key = keyOf(value)
    if (key !== undefined) return this.#keys.has(key)
    if (!this.#context.charge(this.#others.length)) return false
    return this.#others.some(other => equal(other, value, this.#context))
  }
}

/** undefined where a hash does not decide: NaN too, which is equal to nothing. */
function keyOf(value: Value): Value | undefined {
  if (value === null) return null
  return lookupKey(value) ?? (typeof value === 'number' && !Number.isNaN(value) ? value : undefined)
}
