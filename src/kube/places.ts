import type { Deadline } from './deadline.js'

/** How many calls may be under way at once, and how many may wait. */
export class Places {
  readonly #most: number
  readonly #mostWaiting: number
  /** What the API server takes at present; between 1 and `#most`. */
  #limit: number
  #peerLimit = Number.POSITIVE_INFINITY
  #narrowedAt = Number.NEGATIVE_INFINITY
  #taken = 0
  readonly #waiting: (() => void)[] = []

  constructor(most: number, mostWaiting: number) {
    this.#most = most
    this.#limit = most
    this.#mostWaiting = mostWaiting
  }

  get taken(): number {
    return this.#taken
  }

  get waiting(): number {
    return this.#waiting.length
  }

  get limit(): number {
    return Math.max(1, Math.floor(Math.min(this.#limit, this.#peerLimit)))
  }

  /** Takes a place: at once, after a wait, or not at all (`full`: nowhere to wait; `expired`: the time ran out). */
  enter(deadline: Deadline): 'entered' | 'full' | Promise<'entered' | 'expired'> {
    if (this.#taken < this.limit && this.#waiting.length === 0) {
      this.#taken++
      return 'entered'
    }
    if (this.#waiting.length >= this.#mostWaiting) return 'full'
    return new Promise(resolve => {
      const enter = () => resolve('entered')
      this.#waiting.push(enter)
      deadline.onExpiry = () => {
        const at = this.#waiting.indexOf(enter)
        if (at < 0) return // it entered in this very moment
        this.#waiting.splice(at, 1)
        resolve('expired')
      }
    })
  }

  leave(): void {
    this.#taken--
    this.#admit()
  }

  /** The API server answered 429: half as many from now on, lowered at most every 100 ms, so that one burst counts once. */
  narrow(): void {
    const now = performance.now()
    if (now - this.#narrowedAt < 100) return
    this.#narrowedAt = now
    this.#limit = Math.max(1, this.limit / 2)
  }

  /** The API server answered: one place more after each round without a 429. */
  widen(): void {
    if (this.#limit < this.#most) this.#limit = Math.min(this.#most, this.#limit + 1 / this.#limit)
  }

  /** How many streams the API server allows on one connection. */
  setPeerLimit(streams: number): void {
    this.#peerLimit = streams
    this.#admit()
  }

  #admit(): void {
    while (this.#taken < this.limit) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      this.#taken++
      next()
    }
  }
}
