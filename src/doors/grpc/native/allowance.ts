import type { Rate } from './limits.js'

/** A bucket of tokens. It looks at the clock only when it is empty, because most never are. */
export class Allowance {
  readonly #rate: Rate
  #left: number
  #since: number

  /** @param now milliseconds of any clock that does not go back */
  constructor(rate: Rate, now: number) {
    this.#rate = rate
    this.#left = rate.burst
    this.#since = now
  }

  /** @returns false when there is nothing left */
  take(now: number): boolean {
    if (this.#left < 1) {
      const { burst, perSecond } = this.#rate
      this.#left = Math.min(burst, this.#left + ((now - this.#since) * perSecond) / 1000)
      this.#since = now
      if (this.#left < 1) return false
    }
    this.#left--
    return true
  }

  /** What the peer does of use pays for what comes with it. */
  earn(tokens: number): void {
    this.#left = Math.min(this.#rate.burst, this.#left + tokens)
  }
}
