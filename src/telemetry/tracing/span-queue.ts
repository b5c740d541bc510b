import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { SpanCounts } from './span-metrics.js'

export interface SpanQueueLimits {
  /** Spans that wait at most; further ones are dropped. */
  readonly maxSpans: number
  /** Spans per export at most. */
  readonly batchSpans: number
  /** Milliseconds that spans wait for others, and after an export that failed. */
  readonly delayMs: number
  /** Milliseconds that one export may take. */
  readonly exportMs: number
}

export interface SpanQueueOptions extends SpanQueueLimits {
  readonly exporter: Pick<SpanExporter, 'export'>
  /** Spans are lost because the collector did not take them. Must not throw. */
  onFailed(error: unknown): void
}

/** The collector did not answer in time. */
export class ExportTimeout extends Error {}

/**
 * Spans on their way to the collector: kept in memory up to a limit, handed over in batches, one at a time, and lost
 * beyond that, which `counts` makes visible. Nothing waits for it. In place of the SDK's own processor, which does not
 * tell what it drops, sends the moment that a batch is full (in the middle of a decision), and does not end within a
 * given time.
 */
export class SpanQueue implements SpanProcessor {
  readonly #options: SpanQueueOptions
  readonly #counts = { exported: 0, dropped: 0, failed: 0 }
  #waiting: ReadableSpan[] = []
  #exporting: Promise<boolean> | undefined
  /** Ends the export under way, as failed. */
  #giveUp: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined
  /** Spans were not taken: the next ones wait, however many they are. */
  #pausing = false
  #closed = false

  constructor(options: SpanQueueOptions) {
    this.#options = { ...options, batchSpans: Math.min(options.batchSpans, options.maxSpans) }
  }

  get counts(): SpanCounts {
    return { ...this.#counts }
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if (this.#closed || this.#waiting.length >= this.#options.maxSpans) {
      this.#counts.dropped++
      return
    }
    this.#waiting.push(span)
    this.#schedule()
  }

  /** Resolves when what waits has been handed over, or when some of it could not be. */
  async forceFlush(): Promise<void> {
    while (await this.#export()) if (this.#waiting.length === 0) return
  }

  shutdown(): Promise<void> {
    return this.stop(this.#options.exportMs)
  }

  /** Hands over what waits, for at most `limitMs`; the rest counts as dropped. Later spans are dropped. */
  async stop(limitMs: number): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    let timer: NodeJS.Timeout | undefined
    const limit = new Promise<void>(resolve => {
      timer = setTimeout(resolve, limitMs)
    })
    await Promise.race([this.forceFlush(), limit])
    clearTimeout(timer)
    this.#giveUp?.()
    await this.#exporting
    this.#counts.dropped += this.#waiting.length
    this.#waiting = []
  }

  #schedule(): void {
    if (this.#closed || this.#exporting !== undefined || this.#waiting.length === 0) return
    const { batchSpans, delayMs } = this.#options
    const full = this.#waiting.length >= batchSpans && !this.#pausing
    // Once is enough: the first span of a batch starts the clock, the last one stops it.
    if (this.#timer !== undefined && (!full || this.#waiting.length > batchSpans)) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#export(), full ? 0 : delayMs).unref()
  }

  /** Sends one batch, or waits for the one that is being sent. False: it was not taken. Never rejects. */
  #export(): Promise<boolean> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#exporting !== undefined) return this.#exporting
    const batch = this.#waiting.splice(0, this.#options.batchSpans)
    if (batch.length === 0) return Promise.resolve(true)
    this.#exporting = this.#send(batch).then(error => {
      this.#exporting = undefined
      this.#pausing = error !== undefined
      if (error === undefined) this.#counts.exported += batch.length
      else {
        this.#counts.failed += batch.length
        this.#options.onFailed(error)
      }
      this.#schedule()
      return error === undefined
    })
    return this.#exporting
  }

  /** Resolves to what went wrong. */
  #send(batch: ReadableSpan[]): Promise<unknown> {
    const { exporter, exportMs } = this.#options
    return new Promise(resolve => {
      const timer = setTimeout(() => resolve(new ExportTimeout()), exportMs).unref()
      const end = (error: unknown) => {
        clearTimeout(timer)
        resolve(error)
      }
      this.#giveUp = () => end(new ExportTimeout())
      try {
        exporter.export(batch, ({ code, error }) => end(code === 0 ? undefined : (error ?? new Error('not exported'))))
      } catch (error) {
        end(error ?? new Error('not exported'))
      }
    })
  }
}
