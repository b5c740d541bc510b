import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base'
import { ExportQueue } from '../otlp/export-queue.js'
import type { SpanCounts } from './span-metrics.js'

export { ExportTimeout } from '../otlp/export-queue.js'

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
  /** Resolves to what went wrong; undefined: they were taken. May throw. */
  send(spans: ReadableSpan[]): Promise<unknown>
  /** Spans are lost because the collector did not take them. Must not throw. */
  onFailed(error: unknown): void
  /** Milliseconds until spans that were not taken are sent again; undefined: they are lost. Default: they are. */
  retryMs?(error: unknown, failures: number): number | undefined
}

/** Milliseconds. No span is worth a process that does not end. */
const patienceMs = 1500

/** Spans on their way to the collector. */
export class SpanQueue implements SpanProcessor {
  readonly #queue: ExportQueue<ReadableSpan>
  readonly #exportMs: number

  constructor({ maxSpans, batchSpans, ...options }: SpanQueueOptions) {
    this.#exportMs = options.exportMs
    this.#queue = new ExportQueue({ ...options, patienceMs, maxItems: maxSpans, batchItems: batchSpans })
  }

  get counts(): SpanCounts {
    return this.#queue.counts
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    this.#queue.add(span)
  }

  forceFlush(): Promise<void> {
    return this.#queue.flush()
  }

  shutdown(): Promise<void> {
    return this.stop(this.#exportMs)
  }

  /** Hands over what waits, for at most `limitMs`; the rest counts as dropped. Later spans are dropped. */
  stop(limitMs: number): Promise<void> {
    return this.#queue.stop(limitMs)
  }
}
