import { type Environment, EnvironmentReader } from '../otlp/environment-reader.js'
import { type OtlpSettings, readOtlpSettings } from '../otlp/otlp-settings.js'
import type { SpanQueueLimits } from './span-queue.js'

export interface TracingSettings extends OtlpSettings {
  readonly sampler: Sampler
  readonly queue: SpanQueueLimits
}

export interface Sampler {
  /** A decision is recorded if and only if the span that asks for it is. */
  readonly parentBased: boolean
  /** Share of the others that is recorded, 0 to 1. */
  readonly ratio: number
}

export interface ReadTracing {
  /** undefined: off. */
  readonly settings: TracingSettings | undefined
  /** What is wrong with the variables; none of it stops the service. No values that may be secret. */
  readonly problems: readonly string[]
}

/**
 * The standard variables of OpenTelemetry. Tracing is off unless an endpoint or the exporter `otlp` is set; what cannot be
 * understood counts as not set and is told (OpenTelemetry specification, "Environment Variable Specification").
 */
export function readTracingSettings(env: Environment): ReadTracing {
  const reader = new EnvironmentReader(env, 'TRACES')
  return { settings: read(reader), problems: reader.problems }
}

function read(reader: EnvironmentReader): TracingSettings | undefined {
  const otlp = readOtlpSettings(reader, { endpointSuffices: true, otherwise: 'nothing is traced' })
  return (
    otlp && {
      ...otlp,
      sampler: samplerOf(reader),
      queue: {
        maxSpans: reader.number('OTEL_BSP_MAX_QUEUE_SIZE', 2048, 1, 1_000_000),
        batchSpans: reader.number('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512, 1, 1_000_000),
        delayMs: reader.number('OTEL_BSP_SCHEDULE_DELAY', 5000, 0),
        exportMs: reader.number('OTEL_BSP_EXPORT_TIMEOUT', 30_000, 1),
      },
    }
  )
}

function samplerOf(reader: EnvironmentReader): Sampler {
  const name = reader.text('OTEL_TRACES_SAMPLER') ?? 'parentbased_always_on'
  const parentBased = name.startsWith('parentbased_')
  switch (parentBased ? name.slice('parentbased_'.length) : name) {
    case 'always_on':
      return { parentBased, ratio: 1 }
    case 'always_off':
      return { parentBased, ratio: 0 }
    case 'traceidratio':
      return { parentBased, ratio: reader.number('OTEL_TRACES_SAMPLER_ARG', 1, 0, 1) }
    default:
      reader.problem(`OTEL_TRACES_SAMPLER: ${name} is not offered; parentbased_always_on is used`)
      return { parentBased: true, ratio: 1 }
  }
}
