/** The time that one call has, in all its phases. One timer, and one thing to be done when it runs out. */
export class Deadline {
  readonly totalMs: number
  /** What is to be ended when the time is up; each phase sets its own. */
  onExpiry: (() => void) | undefined
  readonly #at: number
  readonly #timer: NodeJS.Timeout
  #expired = false

  constructor(totalMs: number) {
    this.totalMs = totalMs
    this.#at = performance.now() + totalMs
    this.#timer = setTimeout(() => this.expire(), totalMs)
  }

  get expired(): boolean {
    return this.#expired
  }

  /** Milliseconds; never negative. */
  get leftMs(): number {
    return this.#expired ? 0 : Math.max(0, this.#at - performance.now())
  }

  /** Ends it before its time. */
  expire(): void {
    this.#expired = true
    clearTimeout(this.#timer)
    this.onExpiry?.()
  }

  /** The call is answered. */
  end(): void {
    this.onExpiry = undefined
    clearTimeout(this.#timer)
  }

  /** What the promise (which never rejects) comes to; undefined once the time is up. */
  within<T>(promise: Promise<T>): Promise<T | undefined> {
    if (this.#expired) return Promise.resolve(undefined)
    return new Promise(resolve => {
      this.onExpiry = () => resolve(undefined)
      void promise.then(resolve)
    })
  }

  /** Waits. False once the time is up. */
  pause(ms: number): Promise<boolean> {
    if (this.#expired) return Promise.resolve(false)
    return new Promise(resolve => {
      const timer = setTimeout(() => resolve(true), ms)
      this.onExpiry = () => {
        clearTimeout(timer)
        resolve(false)
      }
    })
  }
}
