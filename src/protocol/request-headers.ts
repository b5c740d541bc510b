/**
 * The headers of one request: lower-case names, repeats kept apart. Pseudo-headers (`:path` and so on) are not in it.
 * A gateway that joins repeats with "," before we see them leaves the joined value; callers that need exactly one value
 * look for the comma themselves, by the grammar of the header.
 */
export class RequestHeaders {
  readonly #values: ReadonlyMap<string, string | readonly string[]>

  private constructor(values: ReadonlyMap<string, string | readonly string[]>) {
    this.#values = values
  }

  /** Names must be lower-case already; an upper-case name is kept as it is and will not be found. */
  static from(entries: Iterable<readonly [name: string, value: string]>): RequestHeaders {
    const values = new Map<string, string | string[]>()
    for (const [name, value] of entries) {
      if (name.startsWith(':')) continue
      const seen = values.get(name)
      if (seen === undefined) values.set(name, value)
      else if (typeof seen === 'string') values.set(name, [seen, value])
      else seen.push(value)
    }
    return new RequestHeaders(values)
  }

  /** The same headers and one more value, beside those that the name has already. */
  with(name: string, value: string): RequestHeaders {
    const values = new Map(this.#values)
    values.set(name, this.has(name) ? [...this.all(name), value] : value)
    return new RequestHeaders(values)
  }

  /** The value if the header came exactly once, `undefined` if it is absent **or repeated**: see {@link repeated}. */
  one(name: string): string | undefined {
    const value = this.#values.get(name)
    return typeof value === 'string' ? value : undefined
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  repeated(name: string): boolean {
    return Array.isArray(this.#values.get(name))
  }

  all(name: string): readonly string[] {
    const value = this.#values.get(name)
    if (value === undefined) return []
    return typeof value === 'string' ? [value] : value
  }

  names(): IterableIterator<string> {
    return this.#values.keys()
  }
}
