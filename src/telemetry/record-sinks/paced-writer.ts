import type { ExportCounts } from '../otlp/export-queue.js'
import { mayHelpLater, type ObjectStore, type StoreFailure, type StoreRequest } from './object-store.js'

export interface PacedWriterOptions {
  readonly store: ObjectStore
  /** Jobs that wait at most; further ones are dropped. */
  readonly maxWaiting: number
  /** Requests at the same time at most. */
  readonly atOnce: number
  /** Requests that may go out at once, and how many more each second. */
  readonly burst: number
  readonly perSecond: number
  /** Something was lost. Must not throw. */
  onFailure(failure: StoreFailure): void
  /** From 0 to 1. Default: drawn. */
  random?(): number
}

export interface Job {
  /** Asked for when its turn has come, so that it says what is so then; undefined: there is nothing to do any more. */
  request(): StoreRequest | undefined
  /** HTTP statuses that are as good as success, such as 409: it was written by an attempt that was thought to have failed. */
  readonly fine?: readonly number[]
  /** What came of it, in the end. Must not throw. */
  onDone?(result: 'written' | 'failed', status: number | undefined): void
}

/** How often one request is sent before it is lost. */
const attempts = 6
const firstRetryMs = 1000
const mostRetryMs = 30_000

interface Waiting {
  readonly job: Job
  failures: number
}

/**
 * Requests to an API server that nobody waits for: no more than a few at once and per second, tried again after what may
 * pass (429, 5xx, no connection), lost after that and beyond a limit, which `counts` tells.
 */
export class PacedWriter {
  readonly #options: PacedWriterOptions
  readonly #counts = { exported: 0, dropped: 0, failed: 0 }
  readonly #waiting: Waiting[] = []
  #underWay = 0
  #allowance: number
  #refilledAt = performance.now()
  /** Nothing goes out before: the API server was not there, or wants to be left alone. */
  #resumeAt = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  #closed = false
  #onIdle: (() => void) | undefined

  constructor(options: PacedWriterOptions) {
    this.#options = options
    this.#allowance = options.burst
  }

  get counts(): ExportCounts {
    return { ...this.#counts }
  }

  get waiting(): number {
    return this.#waiting.length + this.#underWay
  }

  /** False: there was no room. */
  add(job: Job): boolean {
    if (this.#closed || this.waiting >= this.#options.maxWaiting) {
      this.#counts.dropped++
      return false
    }
    this.#waiting.push({ job, failures: 0 })
    this.#schedule()
    return true
  }

  /** Writes what waits, for at most `limitMs` and no slower than before; the rest counts as dropped. */
  async stop(limitMs: number): Promise<void> {
    if (this.waiting > 0) {
      let timer: NodeJS.Timeout | undefined
      await new Promise<void>(resolve => {
        this.#onIdle = resolve
        timer = setTimeout(resolve, limitMs)
      })
      clearTimeout(timer)
    }
    this.#closed = true
    clearTimeout(this.#timer)
    this.#counts.dropped += this.#waiting.length + this.#underWay
    this.#waiting.length = 0
    this.#underWay = 0
  }

  #schedule(): void {
    if (this.#closed || this.#timer !== undefined || this.#waiting.length === 0) return
    if (this.#underWay >= this.#options.atOnce) return
    const now = performance.now()
    this.#refill(now)
    const rest = this.#allowance >= 1 ? 0 : ((1 - this.#allowance) * 1000) / this.#options.perSecond
    // Never in the turn of the event loop that has a decision to make.
    this.#timer = setTimeout(() => this.#next(), Math.max(rest, this.#resumeAt - now, 0)).unref()
  }

  #refill(now: number): void {
    const { burst, perSecond } = this.#options
    this.#allowance = Math.min(burst, this.#allowance + ((now - this.#refilledAt) * perSecond) / 1000)
    this.#refilledAt = now
  }

  #next(): void {
    this.#timer = undefined
    // What was sent since the clock was set has failed meanwhile.
    if (performance.now() < this.#resumeAt) {
      this.#schedule()
      return
    }
    const next = this.#waiting.shift()
    const request = next?.job.request()
    if (next !== undefined && request !== undefined) {
      this.#refill(performance.now())
      this.#allowance -= 1
      this.#underWay++
      void this.#run(next, request)
    }
    this.#schedule()
    this.#tellIdle()
  }

  async #run(waiting: Waiting, request: StoreRequest): Promise<void> {
    const { job } = waiting
    const { random = Math.random } = this.#options
    const answer = await this.#options.store.request(request)
    if (this.#closed) return
    this.#underWay--
    if (answer.ok || job.fine?.includes(answer.status ?? 0)) {
      this.#counts.exported++
      job.onDone?.('written', answer.status)
    } else if (mayHelpLater(answer) && waiting.failures + 1 < attempts) {
      waiting.failures++
      const delay = Math.min(mostRetryMs, firstRetryMs * 2 ** (waiting.failures - 1)) * (0.5 + random() / 2)
      const asked = Math.min(mostRetryMs, answer.retryAfterMs ?? 0)
      this.#resumeAt = Math.max(this.#resumeAt, performance.now() + Math.max(delay, asked))
      this.#waiting.unshift(waiting)
    } else {
      this.#counts.failed++
      this.#options.onFailure(answer)
      job.onDone?.('failed', answer.status)
    }
    this.#schedule()
    this.#tellIdle()
  }

  #tellIdle(): void {
    if (this.waiting === 0) this.#onIdle?.()
  }
}
