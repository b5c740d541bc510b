import { AggregatorRegistry } from 'prom-client'
import type { Metrics, MetricValues } from '../telemetry/metrics.js'
import { combineMetrics } from './combine-metrics.js'

/** The metrics of the primary, told together with those of the workers. */
export function poolMetrics(own: Metrics, workers: () => Promise<readonly (readonly MetricValues[])[]>): Metrics {
  const collect = async () => combineMetrics([await own.collect(), ...(await workers())])
  return { ...own, collect, text: async () => textOf(await collect()) }
}

/** Combined already: the library only has to write it, and omits nothing. */
async function textOf(metrics: readonly MetricValues[]): Promise<string> {
  const all = metrics.map(metric => ({ ...metric, aggregator: 'first' }))
  return AggregatorRegistry.aggregate([all]).metrics()
}
