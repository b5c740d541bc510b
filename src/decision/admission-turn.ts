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
 * Requests of one turn. No more come at once of callers who wait for their answers: a gateway has about a thousand under way. Two
 * connections with messages of 2 KB bring more, though, if it waits in them: Node reads 2 MiB of each in a turn.
 */
const crowd = 1536
/** What decisions have of a turn at least: of the limit, and of the time that refusals take. */
const leastShare = 0.02
const leastToRefusals = 0.25
/** What they have is less by this after a turn of a crowd, and more by that after another one. */
const shrinking = 4
const growth = 1.25

/**
 * How long decisions may keep one turn of the event loop busy. What waits in the sockets is read in one turn, and
 * answers leave when it is over: its length is how long everybody waits, and what would make it longer is refused.
 *
 * One long turn is no overload. Requests pile up while garbage is collected, policies are compiled, or somebody else has
 * the core, and clients send theirs in heaps for the same reasons. So there is a reserve for longer turns, which fills
 * while the loop is idle: where more comes than can be decided it never is, and once the reserve is used up turns have to
 * keep to the limit. A pause of our own adds its length, since what comes in it takes no longer to decide, or there
 * would be too much of it at any time. The longest step of a turn is taken for such a pause: a turn may end one step late.
 *
 * Of what comes, a turn reads only so much of each connection. The rest waits where nobody refuses it, in the kernel and in
 * the gateway, and turns of the same length would never get to it. So all of a turn of a crowd is taken from the reserve, and once
 * there is none the next one is much shorter. Decisions have as large a part of the time in short turns as in long ones, but more
 * of those come, and more is read, until no crowd is left. Where that does not help, as with thousands of callers who ask again
 * at once when they are refused, decisions still have a fifth of the time.
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
  #came = 0
  /** When it began to refuse; Infinity while it does not. */
  #refusedFrom = Number.POSITIVE_INFINITY
  /** What decisions may take of a turn, without the reserve. */
  #allowedMs: number
  #endedAt: number
  #idleMs: number

  /** @param maxMs milliseconds */
  constructor(maxMs: number, clock: TurnClock = nodeTurnClock) {
    this.#maxMs = maxMs
    this.#clock = clock
    this.#allowedMs = maxMs
    this.#fullReserveMs = reserveTurns * maxMs
    this.#reserveMs = this.#fullReserveMs
    this.#endedAt = clock.now()
    this.#idleMs = clock.idle()
  }

  /** To be asked before each decision. False: the time is up. */
  enter(): boolean {
    this.goOn()
    this.#came++
    if (this.#spentMs <= this.#allowedMs + this.#reserveMs) return true
    if (this.#last < this.#refusedFrom) this.#refusedFrom = this.#last
    return false
  }

  /** To be told of work that goes on after a wait. */
  goOn(): void {
    const now = this.#clock.now()
    if (!this.#open) {
      this.#begin(now)
      return
    }
    const step = now - this.#last
    this.#last = now
    if (step > this.#longest) this.#longest = step
  }

  get #spentMs(): number {
    return this.#last - this.#began - this.#longest
  }

  #begin(now: number): void {
    const idleMs = this.#clock.idle()
    const idle = idleMs - this.#idleMs
    this.#idleMs = idleMs
    this.#allowedMs = Math.min(this.#maxMs, this.#allowedMs + idle)
    this.#reserveMs = Math.max(this.#reserveMs, Math.min(this.#fullReserveMs, this.#reserveMs + idle))
    if (!this.#behind) {
      const pause = Math.max(0, now - this.#endedAt - idle) + this.#longest
      this.#reserveMs += Math.min(pause, pauseTurns * this.#maxMs)
    }
    this.#open = true
    this.#began = now
    this.#last = now
    this.#longest = 0
    this.#came = 0
    this.#refusedFrom = Number.POSITIVE_INFINITY
    this.#clock.atEnd(() => this.#end())
  }

  #end(): void {
    this.#open = false
    this.#endedAt = this.#clock.now()
    const spentMs = this.#spentMs
    const crowded = this.#came > crowd
    const over = Math.max(spentMs - this.#allowedMs, crowded ? spentMs : 0)
    this.#behind = over > 0
    this.#reserveMs = this.#behind
      ? Math.max(0, this.#reserveMs - over)
      : // A pause that came to nothing is forgotten.
        Math.min(this.#reserveMs, this.#fullReserveMs)
    if (!crowded) this.#allowedMs = Math.min(this.#maxMs, this.#allowedMs * growth)
    else if (this.#reserveMs === 0) this.#shrink()
  }

  #shrink(): void {
    const refusingMs = Math.max(0, this.#last - this.#refusedFrom)
    const leastMs = Math.max(this.#maxMs * leastShare, refusingMs * leastToRefusals)
    this.#allowedMs = Math.min(this.#maxMs, Math.max(leastMs, this.#allowedMs / shrinking))
  }
}
