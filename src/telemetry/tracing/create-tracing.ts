import { limitRepeats } from '../limit-repeats.js'
import type { Logger } from '../logger.js'
import { hostOf } from '../otlp/otlp-settings.js'
import type { DecisionTracer } from './decision-tracer.js'
import { describeExportError } from './describe-export-error.js'
import type { SpanCounts } from './span-metrics.js'
import { readTracingSettings, type TracingSettings } from './tracing-settings.js'

/** Spans of decisions, on their way to a collector. */
export interface Tracing {
  /** undefined: off, or not started yet. */
  tracer(): DecisionTracer | undefined
  /** What became of spans since the start; undefined: off. */
  readonly spans: (() => SpanCounts) | undefined
  /** Never rejects: who cannot trace still decides. */
  start(): Promise<void>
  /** Hands over what waits, for at most `limitMs`. Never rejects. */
  stop(limitMs: number): Promise<void>
}

/** The part that loads OpenTelemetry. */
export interface StartedTracing {
  readonly tracer: DecisionTracer
  counts(): SpanCounts
  stop(limitMs: number): Promise<void>
}

/** Tracing as the OTEL_* variables want it; see docs/tracing.md. Says what is wrong with them. */
export function createTracing(env: Readonly<Record<string, string | undefined>>, log: Logger): Tracing {
  const { settings, problems } = readTracingSettings(env)
  for (const problem of problems) log.warn(problem)
  return settings === undefined ? off : new CollectorTracing(settings, log)
}

const off: Tracing = {
  tracer: () => undefined,
  spans: undefined,
  start: () => Promise.resolve(),
  stop: () => Promise.resolve(),
}

const none: SpanCounts = { exported: 0, dropped: 0, failed: 0 }

class CollectorTracing implements Tracing {
  readonly #settings: TracingSettings
  readonly #log: Logger
  #started: StartedTracing | undefined
  #lastError: unknown
  readonly #failed = limitRepeats((message, suppressed) =>
    this.#log.warn(`${message}: ${describeExportError(this.#lastError)}`, suppressed > 0 ? { suppressed } : {}),
  )

  constructor(settings: TracingSettings, log: Logger) {
    this.#settings = settings
    this.#log = log
  }

  tracer(): DecisionTracer | undefined {
    return this.#started?.tracer
  }

  readonly spans = (): SpanCounts => this.#started?.counts() ?? none

  /** OpenTelemetry is loaded here and nowhere else, so that who does not trace does not pay for it. */
  async start(): Promise<void> {
    try {
      const { createOtlpTracing } = await import('./create-otlp-tracing.js')
      this.#started = createOtlpTracing(this.#settings, {
        onFailed: error => this.#fail('the collector of traces did not take spans', error),
        onError: error => this.#fail('a span could not be made', error),
      })
      this.#log.info('decisions are traced', { address: hostOf(this.#settings.url) })
    } catch (error) {
      // Such as a certificate that is not there.
      this.#log.error('tracing could not be started; nothing is traced', { error })
    }
  }

  async stop(limitMs: number): Promise<void> {
    await this.#started?.stop(limitMs).catch(error => this.#fail('tracing could not be ended', error))
  }

  #fail(message: string, error: unknown): void {
    this.#lastError = error
    this.#failed(message)
  }
}
