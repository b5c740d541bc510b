/** Seconds and nanoseconds since the epoch, as OpenTelemetry takes them. */
export type EpochTime = [seconds: number, nanoseconds: number]

/** Beyond this many milliseconds the clock was set, or has drifted from ours. */
const tolerance = 2

/**
 * Turns monotonic times (`performance.now()`) into times since the epoch with the resolution of the former. The system's
 * clock shows whole milliseconds only, so that it is late by up to one; the largest difference seen is the truest. Spans of
 * one trace then fit into each other, also beside those of the gateway, which are far shorter than a millisecond.
 */
export class PreciseClock {
  readonly #now: () => number
  #offset = Number.NEGATIVE_INFINITY

  /** @param now milliseconds since the epoch. Default: the system's clock */
  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /** Compares the clocks; call now and then. */
  adjust(tick: number): void {
    const offset = this.#now() - tick
    if (offset > this.#offset || this.#offset - offset > tolerance) this.#offset = offset
  }

  /** @param tick as `performance.now()` */
  at(tick: number): EpochTime {
    const time = this.#offset + tick
    const seconds = Math.floor(time / 1000)
    return [seconds, Math.min(999_999_999, Math.round((time - seconds * 1000) * 1e6))]
  }
}
