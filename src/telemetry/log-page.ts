import { LineBuffer } from './line-buffer.js'

/**
 * Lines that wait to be written together, as bytes: as text they would live through collections of garbage, each of which
 * copies what still lives. Between them stands how many were lost there.
 */
export class LogPage {
  readonly #lines = new LineBuffer()
  /** Bytes of a line with its end, or less than 0: that so many were lost. */
  readonly #entries: number[] = []
  #losses = 0

  get lineCount(): number {
    return this.#entries.length - this.#losses
  }

  /** At how many places lines were lost. */
  get lossCount(): number {
    return this.#losses
  }

  /** Of all lines, with their ends. */
  get size(): number {
    return this.#lines.size
  }

  /** All lines, as long as nothing more happens to the page. */
  get bytes(): Buffer {
    return this.#lines.bytes
  }

  /** Of each line with its end; only where there are no losses. */
  get sizes(): readonly number[] {
    return this.#entries
  }

  /** Whether its bytes are not more than `limit` with this line. */
  hasRoom(line: string, limit: number): boolean {
    return this.size + mostBytes(line) <= limit || this.size + exactBytes(line) <= limit
  }

  /** Returns its bytes with the line end. */
  add(line: string): number {
    const size = this.#lines.add(line)
    this.#entries.push(size)
    return size
  }

  lost(count: number): void {
    this.#entries.push(-count)
    this.#losses++
  }

  /** Each line as text, or how many were lost, in their order. */
  *entries(): Generator<string | number> {
    const { bytes } = this.#lines
    let from = 0
    for (const entry of this.#entries) {
      if (entry < 0) {
        yield -entry
        continue
      }
      yield bytes.toString('utf8', from, from + entry - 1)
      from += entry
    }
  }

  /** Nothing is in it. Whoever still has {@link bytes} of before must not need them any more. */
  clear(): void {
    this.#lines.clear()
    this.#entries.length = 0
    this.#losses = 0
  }
}

/** A UTF-16 unit is three bytes at most. Nothing has to be looked at for it. */
export function mostBytes(line: string): number {
  return 3 * line.length + 1
}

/** Of a line with its end. */
export function exactBytes(line: string): number {
  return Buffer.byteLength(line) + 1
}
