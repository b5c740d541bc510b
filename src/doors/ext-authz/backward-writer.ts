/**
 * Writes protobuf from the end to the front: when a message is complete its length is known, so that nothing is measured
 * before it is written and nothing is written twice. Field numbers up to 15 only, whose tags are one byte.
 */
export class BackwardWriter {
  readonly #bytes: Buffer
  #at = 0
  #full = false

  /** @param capacity bytes; what needs more makes {@link finish} answer undefined */
  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafeSlow(capacity)
  }

  start(): void {
    this.#at = this.#bytes.length
    this.#full = false
  }

  /** Where the message that is written next will end; for {@link message}. */
  get mark(): number {
    return this.#at
  }

  /** Puts length and tag before everything that was written since `mark`. */
  message(field: number, mark: number): void {
    this.#prefix(field, mark - this.#at)
  }

  text(field: number, value: string): void {
    const bytes = this.#bytes
    let at = this.#at
    if (at < 3 * value.length + room) {
      this.#full = true
      return
    }
    if (value.length > longestByHand) {
      this.#utf8(field, value)
      return
    }
    for (let i = value.length - 1; i >= 0; i--) {
      const code = value.charCodeAt(i)
      if (code > 0x7f) {
        this.#utf8(field, value)
        return
      }
      bytes[--at] = code
    }
    this.#at = at
    this.#prefix(field, value.length)
  }

  /** What another writer wrote. */
  bytes(written: Uint8Array): void {
    if (this.#at < written.length + room) {
      this.#full = true
      return
    }
    this.#at -= written.length
    this.#bytes.set(written, this.#at)
  }

  /** A bool or an enum, below 128. */
  small(field: number, value: number): void {
    if (this.#lacksRoom()) return
    this.#bytes[--this.#at] = value
    this.#bytes[--this.#at] = field << 3
  }

  double(field: number, value: number): void {
    if (this.#lacksRoom()) return
    this.#at -= 8
    this.#bytes.writeDoubleLE(value, this.#at)
    this.#bytes[--this.#at] = (field << 3) | 1
  }

  /** A copy of what was written since `mark`; undefined when it was too much. */
  since(mark: number): Buffer | undefined {
    if (this.#full) return undefined
    const written = Buffer.allocUnsafeSlow(mark - this.#at)
    this.#bytes.copy(written, 0, this.#at, mark)
    return written
  }

  /** A copy of all that was written; undefined when it was too much. */
  finish(): Buffer | undefined {
    if (this.#full) return undefined
    const written = Buffer.allocUnsafe(this.#bytes.length - this.#at)
    this.#bytes.copy(written, 0, this.#at)
    return written
  }

  #utf8(field: number, value: string): void {
    const length = Buffer.byteLength(value)
    this.#at -= length
    this.#bytes.write(value, this.#at)
    this.#prefix(field, length)
  }

  #prefix(field: number, length: number): void {
    if (this.#lacksRoom()) return
    const bytes = this.#bytes
    if (length < 0x80) {
      bytes[this.#at - 1] = length
      bytes[this.#at - 2] = (field << 3) | 2
      this.#at -= 2
      return
    }
    const groups = length < 0x4000 ? 2 : length < 0x20_0000 ? 3 : 4
    for (let group = groups - 1; group >= 0; group--) {
      const more = group < groups - 1 ? 0x80 : 0
      bytes[--this.#at] = ((length >>> (7 * group)) & 0x7f) | more
    }
    bytes[--this.#at] = (field << 3) | 2
  }

  #lacksRoom(): boolean {
    if (this.#at < room) this.#full = true
    return this.#full
  }
}

/** Characters; up to here it costs less to write them one by one than to ask Node to. */
const longestByHand = 56

/** More than any number, or length and tag, take. */
const room = 16
