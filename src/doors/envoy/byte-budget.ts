export const defaultBudgetBytes = 256 * 1024 * 1024

/**
 * Bytes that many streams may hold together. Each stream has a bound of its own; this one holds where all of them come near
 * theirs at once. Whoever takes must give the same amount back, once, when the bytes are gone.
 */
export class ByteBudget {
  readonly #max: number
  #taken = 0

  /** @param max bytes, at least 0; default 256 MiB */
  constructor(max: number = defaultBudgetBytes) {
    this.#max = amount(max)
  }

  /** Bytes that are taken at the moment. */
  get taken(): number {
    return this.#taken
  }

  /** Whether there was room for them: nothing is taken where there was not. */
  take(bytes: number): boolean {
    if (amount(bytes) > this.#max - this.#taken) return false
    this.#taken += bytes
    return true
  }

  /** Throws where more comes back than was taken: a part of ours counts wrong, and the bound would no longer hold. */
  give(bytes: number): void {
    if (amount(bytes) > this.#taken) throw new RangeError('more bytes are given back than were taken')
    this.#taken -= bytes
  }
}

function amount(bytes: number): number {
  if (!Number.isSafeInteger(bytes) || bytes < 0) throw new RangeError('not a number of bytes')
  return bytes
}
