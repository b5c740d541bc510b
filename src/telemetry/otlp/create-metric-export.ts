import { limitRepeats } from '../limit-repeats.js'
import type { Logger } from '../logger.js'
import type { Metrics } from '../metrics.js'
import { describeExportError } from '../tracing/describe-export-error.js'
import type { Environment } from './environment-reader.js'
import { type MetricSettings, readMetricSettings } from './metric-settings.js'
import { hostOf } from './otlp-settings.js'

/** Metrics on their way to a collector, beside the address from which Prometheus takes them. */
export interface MetricExport {
  /** Never rejects: who cannot tell still decides. */
  start(): Promise<void>
  /** Tells the last values, for at most `limitMs`. Never rejects. */
  stop(limitMs: number): Promise<void>
}

/** The part that loads OpenTelemetry. */
export interface StartedMetricExport {
  stop(limitMs: number): Promise<void>
}

/** Metrics by OTLP as the OTEL_* variables want it; see docs/tracing.md. Says what is wrong with them. */
export function createMetricExport(env: Environment, metrics: Pick<Metrics, 'collect'>, log: Logger): MetricExport {
  const { settings, problems } = readMetricSettings(env)
  for (const problem of problems) log.warn(problem)
  return settings === undefined ? off : new CollectorExport(settings, metrics, log)
}

const off: MetricExport = { start: () => Promise.resolve(), stop: () => Promise.resolve() }

class CollectorExport implements MetricExport {
  readonly #settings: MetricSettings
  readonly #metrics: Pick<Metrics, 'collect'>
  readonly #log: Logger
  #started: StartedMetricExport | undefined
  #lastError: unknown
  readonly #failed = limitRepeats((message, suppressed) =>
    this.#log.warn(`${message}: ${describeExportError(this.#lastError)}`, suppressed > 0 ? { suppressed } : {}),
  )

  constructor(settings: MetricSettings, metrics: Pick<Metrics, 'collect'>, log: Logger) {
    this.#settings = settings
    this.#metrics = metrics
    this.#log = log
  }

  async start(): Promise<void> {
    try {
      const { startOtlpMetrics } = await import('./start-otlp-metrics.js')
      this.#started = startOtlpMetrics(this.#settings, {
        collect: () => this.#metrics.collect(),
        onFailed: error => {
          this.#lastError = error
          this.#failed('the collector of metrics did not take them')
        },
      })
      this.#log.info('metrics are exported', { address: hostOf(this.#settings.url) })
    } catch (error) {
      // Such as a certificate that is not there.
      this.#log.error('the export of metrics could not be started', { error })
    }
  }

  async stop(limitMs: number): Promise<void> {
    await this.#started?.stop(limitMs).catch(() => undefined)
  }
}
