const newline = 0x0a

/** Longer than any record: a line beyond it is not one. */
const longest = 1024 * 1024

export interface RecordLinesOptions {
  onLine(line: string): void
  /** A line that cannot be used: too long, or not written to its end. */
  onLost(): void
  /** Bytes. Default 1 MiB. */
  readonly maxBytes?: number
}

/** Cuts what a worker writes into whole lines. A line that its writer did not finish, because it died, is never handed on. */
export class RecordLines {
  readonly #options: RecordLinesOptions
  readonly #maxBytes: number
  #held: Buffer[] = []
  #size = 0

  constructor(options: RecordLinesOptions) {
    this.#options = options
    this.#maxBytes = options.maxBytes ?? longest
  }

  push(chunk: Buffer): void {
    let from = 0
    for (;;) {
      const end = chunk.indexOf(newline, from)
      if (end < 0) break
      this.#hold(chunk.subarray(from, end))
      this.#take()
      from = end + 1
    }
    if (from < chunk.length) this.#hold(chunk.subarray(from))
  }

  /** Nothing more will come. */
  end(): void {
    if (this.#size > 0) this.#options.onLost()
    this.#held = []
    this.#size = 0
  }

  #hold(part: Buffer): void {
    this.#size += part.length
    if (this.#size > this.#maxBytes) this.#held = []
    else this.#held.push(part)
  }

  #take(): void {
    if (this.#size > this.#maxBytes) this.#options.onLost()
    else if (this.#size > 0) this.#options.onLine(Buffer.concat(this.#held).toString())
    this.#held = []
    this.#size = 0
  }
}
