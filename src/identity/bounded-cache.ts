interface Entry<V> {
  readonly value: V
  readonly weight: number
}

/** A map that forgets what was not used for longest when it holds too many entries, or entries that weigh too much. */
export class BoundedCache<V> {
  readonly #limit: number
  readonly #maxWeight: number
  readonly #entries = new Map<string, Entry<V>>()
  #weight = 0

  /** `maxWeight` is in whatever unit `set` is told; default unlimited. */
  constructor(limit: number, maxWeight = Number.POSITIVE_INFINITY) {
    this.#limit = limit
    this.#maxWeight = maxWeight
  }

  get size(): number {
    return this.#entries.size
  }

  get weight(): number {
    return this.#weight
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry.value
  }

  /** What weighs more than all may weigh together is not kept. */
  set(key: string, value: V, weight = 0): void {
    this.delete(key)
    if (weight > this.#maxWeight) return
    this.#entries.set(key, { value, weight })
    this.#weight += weight
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#limit && this.#weight <= this.#maxWeight) return
      this.delete(oldest)
    }
  }

  delete(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.#weight -= entry.weight
  }
}
