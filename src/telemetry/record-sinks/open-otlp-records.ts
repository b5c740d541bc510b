import type { DecisionLog } from '../decision-log.js'
import { limitRepeats } from '../limit-repeats.js'
import type { Logger } from '../logger.js'
import type { Environment } from '../otlp/environment-reader.js'
import { ExportQueue } from '../otlp/export-queue.js'
import { type LogSettings, readLogSettings } from '../otlp/log-settings.js'
import { hostOf } from '../otlp/otlp-settings.js'
import type { RecordPost } from '../otlp/post-records.js'
import { describeExportError } from '../tracing/describe-export-error.js'
import type { SinkSample } from './sink-metrics.js'

export interface OtlpRecordsOptions {
  /** Bytes of records that wait for the collector at most. */
  readonly maxBufferedBytes: number
  /** Milliseconds that the end may take at most. */
  readonly flushMs: number
}

/** How often one batch is sent before it is lost: a collector that restarts is away for some seconds. */
const attempts = 6
/** Collectors take messages of some MiB. */
const batchBytes = 2 * 1024 * 1024

/**
 * Decision records by OTLP as the OTEL_* variables want it, see docs/decision-log.md; undefined: they do not. Says what is
 * wrong with them.
 */
export function openOtlpRecords(env: Environment, log: Logger, options: OtlpRecordsOptions): DecisionLog | undefined {
  const { settings, problems } = readLogSettings(env)
  for (const problem of problems) log.warn(problem)
  return settings === undefined ? undefined : new OtlpRecords(settings, log, options)
}

class OtlpRecords implements DecisionLog {
  readonly #settings: LogSettings
  readonly #log: Logger
  readonly #flushMs: number
  readonly #queue: ExportQueue<string>
  readonly sealed = undefined
  /** OpenTelemetry is loaded for the first record, so that who does not want it does not pay for it. */
  #post: Promise<RecordPost> | undefined
  #posting: RecordPost | undefined
  #retryDelay: typeof import('../otlp/retry-delay.js').retryDelay | undefined
  /** Such as with a certificate that cannot be read. */
  #unusable = false
  /** What the collector took and then did not want. */
  #rejected = 0
  #lastError: unknown
  readonly #failed = limitRepeats((message, suppressed) =>
    this.#log.warn(`${message}: ${describeExportError(this.#lastError)}`, suppressed > 0 ? { suppressed } : {}),
  )

  constructor(settings: LogSettings, log: Logger, { maxBufferedBytes, flushMs }: OtlpRecordsOptions) {
    this.#settings = settings
    this.#log = log
    this.#flushMs = flushMs
    this.#queue = new ExportQueue({
      ...settings.queue,
      batchBytes,
      maxBytes: maxBufferedBytes,
      sizeOf: line => line.length,
      send: batch => this.#send(batch),
      retryMs: (error, failures) => {
        if (!this.#unusable) this.#fail('the collector of logs did not take decision records', error)
        return this.#retryDelay?.(error, failures, { attempts })
      },
      onFailed: error => {
        const why = this.#unusable ? 'their export could not be started' : 'the collector did not take them'
        this.#fail(`decision records are lost because ${why}`, error)
      },
    })
    log.info('decision records are exported', { address: hostOf(settings.url) })
  }

  write(line: string): void {
    this.#queue.add(line)
  }

  async close(limitMs = 5000): Promise<void> {
    await this.#queue.stop(Math.min(limitMs, this.#flushMs))
    this.#posting?.close()
  }

  get dropped(): number {
    const { dropped, failed } = this.#queue.counts
    return dropped + failed + this.#rejected
  }

  get waitingBytes(): number {
    return this.#queue.waitingBytes
  }

  get samples(): readonly SinkSample[] {
    const { exported, dropped, failed } = this.#queue.counts
    const rejected = this.#rejected
    return [{ sink: 'otlp', exported: exported - rejected, dropped, failed: failed + rejected }]
  }

  async #send(batch: readonly string[]): Promise<unknown> {
    this.#post ??= this.#load()
    const answer = await (await this.#post).post(batch)
    if ('error' in answer) return answer.error
    this.#rejected += answer.rejected
    if (answer.rejected > 0) this.#fail('the collector of logs did not want decision records', new Error('rejected'))
    return undefined
  }

  async #load(): Promise<RecordPost> {
    const [{ createRecordPost }, { retryDelay }] = await Promise.all([
      import('../otlp/post-records.js'),
      import('../otlp/retry-delay.js'),
    ])
    this.#retryDelay = retryDelay
    try {
      this.#posting = createRecordPost(this.#settings)
    } catch (error) {
      this.#unusable = true
      throw error
    }
    return this.#posting
  }

  #fail(message: string, error: unknown): void {
    this.#lastError = error
    this.#failed(message)
  }
}
