import { type HeaderField, sizeOf } from './header-field.js'

/** What SETTINGS_HEADER_TABLE_SIZE is unless somebody says otherwise, and we do not. Bytes. */
export const tableLimit = 4096

/** No field is smaller than 32 bytes. A power of two. */
const slots = tableLimit / 32

/** The table that grows with what was said (RFC 7541 §2.3.2), as a ring: the newest entry first. */
export class DynamicTable {
  readonly #ring: (HeaderField | undefined)[] = []
  #newest = 0
  #length = 0
  #size = 0
  #limit = tableLimit

  get size(): number {
    return this.#size
  }

  get length(): number {
    return this.#length
  }

  /** @param index 0 for the newest */
  at(index: number): HeaderField | undefined {
    return index < this.#length ? this.#ring[(this.#newest - index + slots) % slots] : undefined
  }

  /** A field that is larger than the table empties it, which is no error (§4.4). */
  add(field: HeaderField): void {
    const size = sizeOf(field)
    this.#evict(this.#limit - size)
    if (size > this.#limit) return
    this.#newest = (this.#newest + 1) % slots
    this.#ring[this.#newest] = field
    this.#length++
    this.#size += size
  }

  /** @returns false if it is more than we allow (§6.3) */
  resize(limit: number): boolean {
    if (limit > tableLimit) return false
    this.#limit = limit
    this.#evict(limit)
    return true
  }

  #evict(size: number): void {
    while (this.#length > 0 && this.#size > size) {
      const oldest = (this.#newest - this.#length + 1 + slots) % slots
      const field = this.#ring[oldest]
      if (field !== undefined) this.#size -= sizeOf(field)
      this.#ring[oldest] = undefined
      this.#length--
    }
  }
}
