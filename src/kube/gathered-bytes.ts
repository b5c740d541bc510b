/**
 * Bytes that come in pieces. They are copied together: a server may send each byte in a frame of its own, and every piece
 * that is kept by itself costs some hundred bytes more than it holds.
 */
export class GatheredBytes {
  #buffer: Buffer = Buffer.alloc(0)
  #size = 0

  get size(): number {
    return this.#size
  }

  add(piece: Buffer): void {
    if (this.#size === 0) {
      this.#buffer = piece // most answers have one piece, which needs no copy
      this.#size = piece.length
      return
    }
    const size = this.#size + piece.length
    if (size > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#size, size))
      this.#buffer.copy(larger, 0, 0, this.#size)
      this.#buffer = larger
    }
    piece.copy(this.#buffer, this.#size)
    this.#size = size
  }

  /** All of them, and begins anew. */
  take(): Buffer {
    const all = this.#buffer.subarray(0, this.#size)
    this.#buffer = Buffer.alloc(0)
    this.#size = 0
    return all
  }
}
