export interface TurnClock {
  /** Monotonic, in milliseconds. */
  now(): number
  /** Milliseconds so far in which the event loop had nothing to do. */
  idle(): number
  /** Calls back when the turn of the event loop is over. */
  atEnd(callback: () => void): unknown
}

export const nodeTurnClock: TurnClock = {
  now: () => performance.now(),
  idle: () => performance.eventLoopUtilization().idle,
  atEnd: setImmediate,
}

/** Of the limit: by how much turns may be longer together, before the loop was idle for as long again. */
const reserveTurns = 4
/** Of the limit: what is made good of a pause. Whoever has waited longer does not wait any more. */
const pauseTurns = 10

/**
 * How long decisions may keep one turn of the event loop busy. What waits in the sockets is read in one turn, and
 * answers leave when it is over: its length is how long everybody waits, and what would make it longer is refused.
 *
 * One long turn is no overload. Requests pile up while garbage is collected, policies are compiled, or somebody else has
 * the core, and clients send theirs in heaps for the same reasons. So there is a reserve for longer turns, which fills
 * while the loop is idle: where more comes than can be decided it never is, and once the reserve is used up turns have to
 * keep to the limit. A pause of our own adds its length, since what comes in it takes no longer to decide, or there
 * would be too much of it at any time. The longest step of a turn is taken for such a pause: a turn may end one step late.
 */
export class TurnBudget {
  readonly #maxMs: number
  readonly #clock: TurnClock
  readonly #fullReserveMs: number
  #reserveMs: number
  /** The turn before was longer than the limit. */
  #behind = false
  #open = false
  #began = 0
  #last = 0
  #longest = 0
  #endedAt: number
  #idleMs: number

  /** @param maxMs milliseconds */
  constructor(maxMs: number, clock: TurnClock = nodeTurnClock) {
    this.#maxMs = maxMs
    this.#clock = clock
    this.#fullReserveMs = reserveTurns * maxMs
    this.#reserveMs = this.#fullReserveMs
    this.#endedAt = clock.now()
    this.#idleMs = clock.idle()
  }

  /** To be asked before each decision, and told of work that goes on after a wait. False: the time is up. */
  enter(): boolean {
    const now = this.#clock.now()
    if (!this.#open) {
      this.#begin(now)
      return true
    }
    const step = now - this.#last
    this.#last = now
    if (step > this.#longest) this.#longest = step
    return this.#spentMs <= this.#maxMs + this.#reserveMs
  }

  get #spentMs(): number {
    return this.#last - this.#began - this.#longest
  }

  #begin(now: number): void {
    const idleMs = this.#clock.idle()
    const idle = idleMs - this.#idleMs
    this.#idleMs = idleMs
    this.#reserveMs = Math.max(this.#reserveMs, Math.min(this.#fullReserveMs, this.#reserveMs + idle))
    if (!this.#behind) {
      const pause = Math.max(0, now - this.#endedAt - idle) + this.#longest
      this.#reserveMs += Math.min(pause, pauseTurns * this.#maxMs)
    }
    this.#open = true
    this.#began = now
    this.#last = now
    this.#longest = 0
    this.#clock.atEnd(() => this.#end())
  }

  #end(): void {
    this.#open = false
    this.#endedAt = this.#clock.now()
    const over = this.#spentMs - this.#maxMs
    this.#behind = over > 0
    this.#reserveMs = this.#behind
      ? Math.max(0, this.#reserveMs - over)
      : // A pause that came to nothing is forgotten.
        Math.min(this.#reserveMs, this.#fullReserveMs)
  }
}
