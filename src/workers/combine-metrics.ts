import type { MetricValues } from '../telemetry/metrics.js'

export type Combination = 'sum' | 'min' | 'max' | 'first'

/**
 * How gauges of several processes become one where a sum would be nonsense. Of what all of them know alike, such as the
 * policies, the one that is worst off is told; `first` is the primary. Everything else is a sum.
 */
export const combinations: Readonly<Record<string, Combination>> = {
  mcp_authz_build_info: 'first',
  mcp_authz_event_loop_delay_seconds: 'max',
  mcp_authz_event_loop_busy_ratio: 'max',
  mcp_authz_memory_used_bytes: 'max',
  mcp_authz_memory_limit_bytes: 'min',
  mcp_authz_issuer_keys: 'min',
  mcp_authz_issuer_keys_last_success_timestamp_seconds: 'min',
  // Two revisions at one time are two series.
  mcp_authz_policy_info: 'max',
  mcp_authz_policy_documents: 'max',
  mcp_authz_policy_broken_documents: 'max',
  mcp_authz_policy_last_success_timestamp_seconds: 'min',
  mcp_authz_servers_in_audit: 'max',
  mcp_authz_shadow_documents: 'max',
  mcp_authz_shadow_broken_documents: 'max',
  mcp_authz_api_server_connected: 'min',
  mcp_authz_watch_synced: 'min',
  mcp_authz_watch_stale_seconds: 'max',
  process_start_time_seconds: 'first',
  process_max_fds: 'min',
  nodejs_version_info: 'first',
  nodejs_eventloop_lag_seconds: 'max',
  nodejs_eventloop_lag_min_seconds: 'min',
  nodejs_eventloop_lag_max_seconds: 'max',
  nodejs_eventloop_lag_mean_seconds: 'max',
  nodejs_eventloop_lag_stddev_seconds: 'max',
  nodejs_eventloop_lag_p50_seconds: 'max',
  nodejs_eventloop_lag_p90_seconds: 'max',
  nodejs_eventloop_lag_p99_seconds: 'max',
}

type Value = MetricValues['values'][number]

/** The metrics of several processes as those of one; the primary's first. Exemplars are the latest ones. */
export function combineMetrics(parts: readonly (readonly MetricValues[])[]): readonly MetricValues[] {
  const metrics = new Map<string, { readonly metric: MetricValues; readonly values: Map<string, Value> }>()
  for (const metric of parts.flat()) {
    const { values } = metrics.get(metric.name) ?? { values: new Map<string, Value>() }
    if (!metrics.has(metric.name)) metrics.set(metric.name, { metric, values })
    const how = String(metric.type) === 'gauge' ? (combinations[metric.name] ?? 'sum') : 'sum'
    for (const value of metric.values) {
      const key = keyOf(value)
      const before = values.get(key)
      values.set(key, before === undefined ? value : { ...latest(before, value), value: combine(how, before, value) })
    }
  }
  return [...metrics.values()].map(({ metric, values }) => ({ ...metric, values: [...values.values()] }))
}

/** What outlives a process: what it has counted. */
export function countersOf(metrics: readonly MetricValues[]): readonly MetricValues[] {
  return metrics.filter(({ type }) => String(type) !== 'gauge')
}

function combine(how: Combination, a: Value, b: Value): number {
  if (how === 'first') return a.value
  return how === 'sum' ? a.value + b.value : Math[how](a.value, b.value)
}

function latest(a: Value, b: Value): Value {
  return (b.exemplar?.timestamp ?? 0) > (a.exemplar?.timestamp ?? 0) ? b : a
}

function keyOf({ metricName = '', labels }: Value): string {
  const pairs = Object.entries(labels).map(([name, value]) => [name, String(value)])
  return JSON.stringify([metricName, ...pairs.sort(([a = ''], [b = '']) => (a < b ? -1 : 1))])
}
