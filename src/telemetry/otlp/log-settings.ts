import { type Environment, EnvironmentReader } from './environment-reader.js'
import type { ExportLimits } from './export-queue.js'
import { type OtlpSettings, readOtlpSettings } from './otlp-settings.js'

export interface LogSettings extends OtlpSettings {
  readonly queue: ExportLimits
}

/** The variables of OpenTelemetry about logs; undefined, and so off, unless OTEL_LOGS_EXPORTER is `otlp`. */
export function readLogSettings(env: Environment): {
  readonly settings: LogSettings | undefined
  readonly problems: readonly string[]
} {
  const reader = new EnvironmentReader(env, 'LOGS')
  const otlp = readOtlpSettings(reader, { endpointSuffices: false, otherwise: 'no decision records are exported' })
  if (otlp === undefined) return { settings: undefined, problems: reader.problems }
  const queue = {
    maxItems: reader.number('OTEL_BLRP_MAX_QUEUE_SIZE', 2048, 1, 1_000_000),
    batchItems: reader.number('OTEL_BLRP_MAX_EXPORT_BATCH_SIZE', 512, 1, 1_000_000),
    delayMs: reader.number('OTEL_BLRP_SCHEDULE_DELAY', 1000, 0),
    exportMs: reader.number('OTEL_BLRP_EXPORT_TIMEOUT', 30_000, 1),
  }
  return { settings: { ...otlp, queue }, problems: reader.problems }
}
