import { type Environment, EnvironmentReader } from './environment-reader.js'
import { type OtlpSettings, readOtlpSettings } from './otlp-settings.js'

export interface MetricSettings extends OtlpSettings {
  /** Milliseconds between two exports. */
  readonly intervalMs: number
  /** Milliseconds that one export may take. */
  readonly exportMs: number
}

/** The variables of OpenTelemetry about metrics; undefined, and so off, unless OTEL_METRICS_EXPORTER is `otlp`. */
export function readMetricSettings(env: Environment): {
  readonly settings: MetricSettings | undefined
  readonly problems: readonly string[]
} {
  const reader = new EnvironmentReader(env, 'METRICS')
  const otlp = readOtlpSettings(reader, { endpointSuffices: false, otherwise: 'no metrics are exported' })
  if (otlp === undefined) return { settings: undefined, problems: reader.problems }
  const temporality = reader.text(reader.ownName('TEMPORALITY_PREFERENCE'))?.toLowerCase() ?? 'cumulative'
  if (temporality !== 'cumulative')
    reader.problem(`${reader.ownName('TEMPORALITY_PREFERENCE')}: only cumulative is offered, which is used`)
  const aggregation =
    reader.text(reader.ownName('DEFAULT_HISTOGRAM_AGGREGATION'))?.toLowerCase() ?? 'explicit_bucket_histogram'
  if (aggregation !== 'explicit_bucket_histogram')
    reader.problem(
      `${reader.ownName('DEFAULT_HISTOGRAM_AGGREGATION')}: only explicit_bucket_histogram is offered, which is used`,
    )
  const settings = {
    ...otlp,
    intervalMs: reader.number('OTEL_METRIC_EXPORT_INTERVAL', 60_000, 100),
    exportMs: reader.number('OTEL_METRIC_EXPORT_TIMEOUT', 30_000, 1),
  }
  return { settings, problems: reader.problems }
}
