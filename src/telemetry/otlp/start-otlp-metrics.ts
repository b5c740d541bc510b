import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer'
import { packageVersion } from '../../package-version.js'
import type { Metrics } from '../metrics.js'
import type { StartedMetricExport } from './create-metric-export.js'
import { ExportTimeout } from './export-queue.js'
import { MetricBridge } from './metric-bridge.js'
import type { MetricSettings } from './metric-settings.js'
import { createOtlpClient } from './otlp-client.js'
import { otlpResource } from './otlp-resource.js'

export interface OtlpMetricsOptions {
  collect: Metrics['collect']
  /** The collector did not take what was told; the next export tells all of it again. Must not throw. */
  onFailed(error: unknown): void
  /** Milliseconds since the epoch. Default: the system's clock. */
  now?(): number
}

/**
 * Tells all values to a collector, over and over. Nothing is tried twice: values are cumulative, so that the next export
 * makes up for one that was lost. Throws when a certificate cannot be read.
 */
export function startOtlpMetrics(
  settings: MetricSettings,
  { collect, onFailed, now = Date.now }: OtlpMetricsOptions,
): StartedMetricExport {
  const client = createOtlpClient(settings, settings.exportMs)
  const bridge = new MetricBridge({
    resource: otlpResource(settings),
    version: packageVersion,
    startedAt: performance.timeOrigin,
  })
  let exporting: Promise<void> | undefined
  let stopped = false

  async function tell(): Promise<void> {
    try {
      const message = ProtobufMetricsSerializer.serializeRequest(bridge.convert(await collect(), now()))
      if (message === undefined) return
      const answer = await client.post(message)
      if (!answer.ok) onFailed(answer.error)
    } catch (error) {
      onFailed(error)
    }
  }

  function run(): Promise<void> {
    exporting ??= tell().finally(() => {
      exporting = undefined
    })
    return exporting
  }

  const timer = setInterval(() => void run(), settings.intervalMs).unref()
  return {
    async stop(limitMs) {
      if (stopped) return
      stopped = true
      clearInterval(timer)
      let limit: NodeJS.Timeout | undefined
      const expired = new Promise<'expired'>(resolve => {
        limit = setTimeout(() => resolve('expired'), limitMs)
      })
      // One that is under way does not have the last values.
      const last = Promise.resolve(exporting).then(run)
      if ((await Promise.race([last, expired])) === 'expired') onFailed(new ExportTimeout())
      clearTimeout(limit)
      client.close()
    },
  }
}
