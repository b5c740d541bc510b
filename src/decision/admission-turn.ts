export interface TurnClock {
  /** Monotonic, in milliseconds. */
  now(): number
  /** Calls back when the turn of the event loop is over. */
  atEnd(callback: () => void): unknown
}

const nodeClock: TurnClock = { now: () => performance.now(), atEnd: setImmediate }

/**
 * How long decisions may keep one turn of the event loop busy. What waits in the sockets is read in one turn, and
 * answers leave when it is over: its length is how long everybody waits, and what would make it longer is refused.
 *
 * It counts from the first decision of a turn, because a pause before it (a collection of garbage, policies being
 * compiled) is not the requests' doing, and it leaves out the longest step, because that may have been such a pause. So a
 * turn ends at the limit plus one step.
 */
export class TurnBudget {
  readonly #maxMs: number
  readonly #clock: TurnClock
  #open = false
  #began = 0
  #last = 0
  #longest = 0

  /** @param maxMs milliseconds */
  constructor(maxMs: number, clock: TurnClock = nodeClock) {
    this.#maxMs = maxMs
    this.#clock = clock
  }

  /** To be asked before each decision, and told of work that goes on after a wait. False: the time is up. */
  enter(): boolean {
    const now = this.#clock.now()
    if (!this.#open) {
      this.#open = true
      this.#began = now
      this.#last = now
      this.#longest = 0
      this.#clock.atEnd(() => {
        this.#open = false
      })
      return true
    }
    const step = now - this.#last
    this.#last = now
    if (step > this.#longest) this.#longest = step
    return now - this.#began - this.#longest <= this.#maxMs
  }
}
