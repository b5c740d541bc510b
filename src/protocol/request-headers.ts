/** A value, or the place of one that nobody has asked for yet. */
type HeaderSlot = string | number
export type HeaderSlots = Map<string, HeaderSlot | HeaderSlot[]>

/** Reads what is at a place: most values of a request are never asked for. */
export interface HeaderSource {
  text(place: number): string
}

/** Lines, and bytes of names and values in UTF-8. */
export interface HeaderSize {
  readonly count: number
  readonly bytes: number
}

const none: readonly string[] = Object.freeze([])

/**
 * The headers of one request: lower-case names, repeats kept apart. Pseudo-headers (`:path` and so on) are not in it.
 * A gateway that joins repeats with "," before we see them leaves the joined value; callers that need exactly one value
 * look for the comma themselves, by the grammar of the header.
 */
export class RequestHeaders {
  readonly #values: HeaderSlots
  readonly #source: HeaderSource | undefined
  /** They are no more than that; undefined where nobody has counted. */
  readonly atMost: HeaderSize | undefined

  private constructor(values: HeaderSlots, source: HeaderSource | undefined, atMost: HeaderSize | undefined) {
    this.#values = values
    this.#source = source
    this.atMost = atMost
  }

  /** Names must be lower-case already; an upper-case name is kept as it is and will not be found. */
  static from(entries: Iterable<readonly [name: string, value: string]>): RequestHeaders {
    const values: HeaderSlots = new Map()
    for (const [name, value] of entries) if (!name.startsWith(':')) addHeader(values, name, value)
    return new RequestHeaders(values, undefined, undefined)
  }

  /**
   * Of a map from {@link addHeader} that nobody else changes from here on, without pseudo-headers.
   * @param source of values that are places; it must give the same text at any time
   */
  static of(values: HeaderSlots, source: HeaderSource, atMost: HeaderSize): RequestHeaders {
    return new RequestHeaders(values, source, atMost)
  }

  /** The same headers and one more value, beside those that the name has already. */
  with(name: string, value: string): RequestHeaders {
    const values = new Map(this.#values)
    values.set(name, this.has(name) ? [...this.all(name), value] : value)
    return new RequestHeaders(values, this.#source, undefined)
  }

  /** The value if the header came exactly once, `undefined` if it is absent **or repeated**: see {@link repeated}. */
  one(name: string): string | undefined {
    const value = this.#values.get(name)
    if (typeof value === 'string') return value
    if (typeof value !== 'number') return undefined
    const text = this.#textOf(value)
    this.#values.set(name, text)
    return text
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  repeated(name: string): boolean {
    return Array.isArray(this.#values.get(name))
  }

  all(name: string): readonly string[] {
    const value = this.#values.get(name)
    if (value === undefined) return none
    return typeof value === 'object' ? value.map(one => this.#textOf(one)) : [this.#textOf(value)]
  }

  names(): IterableIterator<string> {
    return this.#values.keys()
  }

  #textOf(slot: HeaderSlot): string {
    if (typeof slot === 'string') return slot
    if (this.#source === undefined) throw new Error('a header has a place and no source')
    return this.#source.text(slot)
  }
}

/** Beside the values that the name has. */
export function addHeader(values: HeaderSlots, name: string, value: HeaderSlot): void {
  const seen = values.get(name)
  if (seen === undefined) values.set(name, value)
  else if (typeof seen === 'object') seen.push(value)
  else values.set(name, [seen, value])
}
