import { GatheredBytes } from './gathered-bytes.js'

const newline = 0x0a

/**
 * Cuts a stream of bytes into lines; a character of several bytes that is spread over two chunks stays whole, because lines
 * are put together before they are decoded. Empty lines are passed over.
 */
export class LineSplitter {
  readonly #maxBytes: number
  readonly #held = new GatheredBytes()

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Bytes of a line that has not ended. */
  get pending(): number {
    return this.#held.size
  }

  /** Calls `onLine` for each line that is complete now, until it answers false. False if a line is too long. */
  push(chunk: Buffer, onLine: (line: Buffer) => boolean): boolean {
    let from = 0
    for (;;) {
      const end = chunk.indexOf(newline, from)
      const size = this.#held.size + (end < 0 ? chunk.length : end) - from
      if (size > this.#maxBytes) return false
      if (end < 0) {
        if (from < chunk.length) this.#held.add(chunk.subarray(from))
        return true
      }
      const rest = chunk.subarray(from, end)
      if (this.#held.size > 0) this.#held.add(rest)
      const line = this.#held.size > 0 ? this.#held.take() : rest
      from = end + 1
      if (line.length > 0 && !onLine(line)) return true
    }
  }
}
