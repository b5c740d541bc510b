const smallest = 16 * 1024
/** What was needed for one very long line is not kept. */
const largestKept = 1024 * 1024
const lineEnd = 0x0a

/**
 * Lines as UTF-8, one behind the other, in memory that is used again: a new buffer for each write costs more than what is
 * put into it, and one text joined of all lines is copied twice.
 */
export class LineBuffer {
  #buffer = Buffer.alloc(0)
  #at = 0

  /** Nothing is in it. Whoever still has {@link bytes} of before must not need them any more. */
  clear(): void {
    this.#at = 0
    if (this.#buffer.length > largestKept) this.#buffer = Buffer.alloc(0)
  }

  /** Ends a line of which nobody knows where it was left. */
  end(): void {
    this.#reserve(1)
    this.#at = this.#buffer.writeUInt8(lineEnd, this.#at)
  }

  /** Adds one line and its end. Returns how many bytes these are. */
  add(line: string): number {
    // A UTF-16 unit is three bytes at most; only near the end of the memory it is worth being counted.
    if (this.#at + 3 * line.length + 1 > this.#buffer.length) this.#reserve(Buffer.byteLength(line) + 1)
    const from = this.#at
    this.#at += this.#buffer.write(line, from)
    this.#at = this.#buffer.writeUInt8(lineEnd, this.#at)
    return this.#at - from
  }

  /** Bytes that are in it. */
  get size(): number {
    return this.#at
  }

  /** What was added since it was empty, as long as nothing more happens to it. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#at)
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(smallest, needed, 2 * this.#buffer.length))
    this.#buffer.copy(larger, 0, 0, this.#at)
    this.#buffer = larger
  }
}
