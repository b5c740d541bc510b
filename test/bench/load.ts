import { quantile } from './statistics.js'

/** An answer to one call of a load. */
export interface Answer {
  /** What {@link Traffic} expects, if all is well. */
  readonly code: number
  /** As given to `send`. */
  readonly startedAt: number
}

/** A connection that a load goes through; Http2Connection and Http1Connection are. */
export interface LoadConnection {
  onAnswer(answer: Answer): void
  readonly inFlight: number
  /** Queues one call; `flush` sends what is queued. */
  send(message: Buffer, startedAt: number): void
  flush(): void
}

/** Messages to send, over and over, and the code that each must be answered with. */
export interface Traffic {
  next(): Buffer
  readonly expectedCode: number
}

export interface LoadResult {
  readonly requests: number
  /** Answers with another code than the expected one, or none. */
  readonly wrong: number
  readonly seconds: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  /**
   * Open loop: how long after it was due a call was sent, in 999 of 1,000 cases. Latencies hold it, since they count from
   * the due time; where it is not far below them the generator is what was measured.
   */
  readonly lateP999Ms: number
  /** Share of its core that the load generator used: near 1 it would be what is measured. */
  readonly generatorBusy: number
}

/** Ends the run at a time, or after a number of requests, whichever comes first. */
export interface Until {
  readonly seconds?: number
  readonly requests?: number
}

/** Keeps `inFlight` calls under way on every connection: what a server can do at most. */
export function closedLoop(
  connections: readonly LoadConnection[],
  inFlight: number,
  traffic: Traffic,
  until: Until,
): Promise<LoadResult> {
  const run = new Run(traffic, until)
  return new Promise(resolve => {
    for (const connection of connections) {
      connection.onAnswer = answer => {
        run.answered(answer)
        if (run.goesOn()) run.send(connection, performance.now())
        else if (connections.every(one => one.inFlight === 0)) resolve(run.result())
      }
    }
    for (let i = 0; i < inFlight; i++)
      for (const connection of connections) if (run.goesOn()) run.send(connection, performance.now())
    for (const connection of connections) connection.flush()
  })
}

/**
 * Sends at `rate` per second, at random times (a Poisson process, the same one for the same rate), whether or not the
 * server keeps up. Latency counts from the time at which a request was due, so that waiting is not hidden.
 */
export function openLoop(
  connections: readonly LoadConnection[],
  rate: number,
  traffic: Traffic,
  until: Until,
): Promise<LoadResult> {
  const run = new Run(traffic, until)
  const random = randomNumbers()
  let due = performance.now()
  let next = 0
  return new Promise(resolve => {
    for (const connection of connections) connection.onAnswer = answer => run.answered(answer)
    // The generator has a core of its own: it never sleeps, because timers are too coarse for this.
    const turn = () => {
      const now = performance.now()
      while (due <= now && run.goesOn()) {
        const connection = connections[next++ % connections.length]
        if (connection !== undefined) run.send(connection, due)
        run.wasLate(now - due)
        due += (-Math.log(1 - random()) / rate) * 1000
      }
      for (const connection of connections) connection.flush()
      if (run.goesOn() || connections.some(connection => connection.inFlight > 0)) setImmediate(turn)
      else resolve(run.result())
    }
    turn()
  })
}

class Run {
  readonly #traffic: Traffic
  readonly #startedAt = performance.now()
  readonly #cpuAtStart = process.cpuUsage()
  readonly #endsAt: number
  readonly #limit: number
  readonly #latencies = new Series()
  readonly #late = new Series()
  #sent = 0
  #wrong = 0
  #lastAt = 0

  constructor(traffic: Traffic, { seconds = Number.POSITIVE_INFINITY, requests = Number.POSITIVE_INFINITY }: Until) {
    this.#traffic = traffic
    this.#endsAt = this.#startedAt + seconds * 1000
    this.#limit = requests
  }

  goesOn(): boolean {
    return this.#sent < this.#limit && performance.now() < this.#endsAt
  }

  send(connection: LoadConnection, startedAt: number): void {
    this.#sent++
    connection.send(this.#traffic.next(), startedAt)
  }

  answered({ code, startedAt }: Answer): void {
    this.#lastAt = performance.now()
    if (code !== this.#traffic.expectedCode) this.#wrong++
    this.#latencies.add(this.#lastAt - startedAt)
  }

  wasLate(ms: number): void {
    this.#late.add(ms)
  }

  result(): LoadResult {
    const sorted = this.#latencies.sorted()
    const seconds = (this.#lastAt - this.#startedAt) / 1000
    const { user, system } = process.cpuUsage(this.#cpuAtStart)
    return {
      requests: sorted.length,
      wrong: this.#wrong,
      seconds,
      p50Ms: quantile(sorted, 0.5),
      p99Ms: quantile(sorted, 0.99),
      p999Ms: quantile(sorted, 0.999),
      lateP999Ms: quantile(this.#late.sorted(), 0.999),
      generatorBusy: (user + system) / 1e6 / seconds,
    }
  }
}

/** Numbers that are added one after the other, without an object for each. */
class Series {
  #values = new Float64Array(16_384)
  #count = 0

  add(value: number): void {
    if (this.#count === this.#values.length) {
      const longer = new Float64Array(this.#values.length * 2)
      longer.set(this.#values)
      this.#values = longer
    }
    this.#values[this.#count++] = value
  }

  sorted(): Float64Array {
    return this.#values.slice(0, this.#count).sort()
  }
}

/** Park and Miller's generator: two runs get the same times. */
function randomNumbers(): () => number {
  let state = 20_260_728
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}
