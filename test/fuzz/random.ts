/**
 * Pseudo-random numbers that are the same on every machine (sfc32). One for each iteration of a run, so that an iteration
 * can be repeated without those before it.
 */
export class Random {
  #a: number
  #b: number
  #c: number
  #d = 1

  constructor(seed: number, iteration: number) {
    this.#a = seed | 0
    this.#b = iteration | 0
    this.#c = 0x9e3779b9
    for (let i = 0; i < 15; i++) this.#next()
  }

  /** From 0 to below `limit`. */
  int(limit: number): number {
    return Math.floor((this.#next() / 2 ** 32) * limit)
  }

  chance(probability: number): boolean {
    return this.#next() / 2 ** 32 < probability
  }

  /** One of several; the list must not be empty. */
  pick<T>(list: readonly T[]): T {
    const one = list[this.int(list.length)]
    if (one === undefined) throw new Error('nothing to pick from')
    return one
  }

  /** A small number: 0 often, larger ones ever more seldom. */
  few(most: number): number {
    let count = 0
    while (count < most && this.chance(0.5)) count++
    return count
  }

  #next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#d) | 0
    this.#d = (this.#d + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (this.#c << 21) | (this.#c >>> 11)
    this.#c = (this.#c + sum) | 0
    return sum >>> 0
  }
}
