/** A turn of the event loop that has lasted for so long is a long one. Milliseconds. */
const longMs = 10

/**
 * One turn of the event loop, as all connections of a process share it. A turn goes on while there is something to read; whoever asks
 * again as soon as there is an answer would make it longer still. So in a long one answers wait for its end: what comes in it is then
 * no more than was under way when it began to be long.
 */
export class LoopTurn {
  #open = false
  #began = 0
  #waiting: (() => void)[] = []

  /** To be asked whenever something was read. @param now as performance.now() says */
  isLong(now: number): boolean {
    if (!this.#open) {
      this.#open = true
      this.#began = now
      setImmediate(this.#end)
    }
    return now - this.#began > longMs
  }

  /** Calls back, once, when the turn is over. Must not throw. */
  atEnd(callback: () => void): void {
    this.#waiting.push(callback)
  }

  readonly #end = (): void => {
    this.#open = false
    const waiting = this.#waiting
    if (waiting.length === 0) return
    this.#waiting = []
    for (const callback of waiting) callback()
  }
}
