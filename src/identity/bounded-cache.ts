interface Entry<V> {
  readonly key: string
  readonly value: V
  readonly weight: number
  older: Entry<V> | undefined
  newer: Entry<V> | undefined
}

/**
 * A map that forgets what was not used for longest when it holds too many entries, or entries that weigh too much. The
 * order of use is a list of its own: to take a key out of a Map and put it back makes the Map build its table anew every
 * few times, which costs more than the digest of a token.
 */
export class BoundedCache<V> {
  readonly #limit: number
  readonly #maxWeight: number
  readonly #entries = new Map<string, Entry<V>>()
  #oldest: Entry<V> | undefined
  #newest: Entry<V> | undefined
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
    if (entry !== this.#newest) {
      this.#unlink(entry)
      this.#append(entry)
    }
    return entry.value
  }

  /** What weighs more than all may weigh together is not kept. */
  set(key: string, value: V, weight = 0): void {
    this.delete(key)
    if (weight > this.#maxWeight) return
    const entry: Entry<V> = { key, value, weight, older: undefined, newer: undefined }
    this.#entries.set(key, entry)
    this.#append(entry)
    this.#weight += weight
    while (this.#oldest !== undefined && (this.#entries.size > this.#limit || this.#weight > this.#maxWeight))
      this.#remove(this.#oldest)
  }

  delete(key: string): void {
    const entry = this.#entries.get(key)
    if (entry !== undefined) this.#remove(entry)
  }

  #remove(entry: Entry<V>): void {
    this.#entries.delete(entry.key)
    this.#weight -= entry.weight
    this.#unlink(entry)
  }

  #append(entry: Entry<V>): void {
    entry.older = this.#newest
    if (this.#newest === undefined) this.#oldest = entry
    else this.#newest.newer = entry
    this.#newest = entry
  }

  #unlink(entry: Entry<V>): void {
    const { older, newer } = entry
    if (older === undefined) this.#oldest = newer
    else older.newer = newer
    if (newer === undefined) this.#newest = older
    else newer.older = older
    entry.older = undefined
    entry.newer = undefined
  }
}
