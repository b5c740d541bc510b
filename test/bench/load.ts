import type { CheckAnswer, Http2Connection } from './http2-connection.js'
import { quantile } from './statistics.js'

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
  connections: readonly Http2Connection[],
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
  connections: readonly Http2Connection[],
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
  #latencies = new Float64Array(16_384)
  #sent = 0
  #answered = 0
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

  send(connection: Http2Connection, startedAt: number): void {
    this.#sent++
    connection.send(this.#traffic.next(), startedAt)
  }

  answered({ code, startedAt }: CheckAnswer): void {
    this.#lastAt = performance.now()
    if (code !== this.#traffic.expectedCode) this.#wrong++
    if (this.#answered === this.#latencies.length) {
      const longer = new Float64Array(this.#latencies.length * 2)
      longer.set(this.#latencies)
      this.#latencies = longer
    }
    this.#latencies[this.#answered++] = this.#lastAt - startedAt
  }

  result(): LoadResult {
    const sorted = this.#latencies.slice(0, this.#answered).sort()
    const seconds = (this.#lastAt - this.#startedAt) / 1000
    const { user, system } = process.cpuUsage(this.#cpuAtStart)
    return {
      requests: this.#answered,
      wrong: this.#wrong,
      seconds,
      p50Ms: quantile(sorted, 0.5),
      p99Ms: quantile(sorted, 0.99),
      generatorBusy: (user + system) / 1e6 / seconds,
    }
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
