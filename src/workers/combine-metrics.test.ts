import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { everyMetric } from '../../test/support/every-metric.js'
import { createMetrics } from '../telemetry/metrics.js'
import { combinations, combineMetrics, countersOf } from './combine-metrics.js'
import { poolMetrics } from './pooled-metrics.js'

/** One process that has counted, shows a state, and has measured. */
function processWith(count: number, gauge: number, seconds: number) {
  const registry = new Registry()
  const registers = [registry]
  new Counter({ name: 'c_total', help: 'c', labelNames: ['a', 'b'], registers }).inc({ a: 'x', b: 'y' }, count)
  for (const name of ['mcp_authz_policy_info', 'mcp_authz_watch_synced', 'mcp_authz_build_info', 'other'])
    new Gauge({ name, help: name, registers }).set(gauge)
  new Histogram({ name: 'h_seconds', help: 'h', buckets: [1, 2], registers }).observe(seconds)
  return registry.getMetricsAsJSON()
}

const valuesOf = (metrics: Awaited<ReturnType<typeof processWith>>) =>
  Object.fromEntries(
    metrics.flatMap(({ name, values }) =>
      values.map(one => [
        `${'metricName' in one ? String(one.metricName) : name}${Object.values(one.labels).map(String).join()}`,
        one.value,
      ]),
    ),
  )

describe('combineMetrics', () => {
  it('adds what was counted and measured, and picks of states', async () => {
    const parts = await Promise.all([processWith(1, 5, 0.5), processWith(10, 3, 1.5), processWith(100, 9, 9)])
    expect(valuesOf([...combineMetrics(parts)])).toEqual({
      'c_totalx,y': 111,
      mcp_authz_policy_info: 9,
      mcp_authz_watch_synced: 3,
      mcp_authz_build_info: 5,
      other: 17,
      ...{ h_seconds_bucket1: 1, h_seconds_bucket2: 2, 'h_seconds_bucket+Inf': 3 },
      ...{ h_seconds_sum: 11, h_seconds_count: 3 },
    })
  })

  it('adds series whose labels come in another order, and keeps apart those that differ', async () => {
    const part = (labels: { a?: string; b?: string }) => {
      const registry = new Registry()
      new Counter({ name: 'c_total', help: 'c', labelNames: ['a', 'b'], registers: [registry] }).inc(labels)
      return registry.getMetricsAsJSON()
    }
    const some = [{ a: '1', b: '2' }, { b: '2', a: '1' }, { a: '2', b: '1' }, { a: '1' }]
    const combined = combineMetrics(await Promise.all(some.map(part)))
    expect(combined[0]?.values.map(({ value }) => value)).toEqual([2, 1, 1])
  })

  it('has the latest exemplar of each series', async () => {
    const [one, other] = [createMetrics({ droppedRecords: () => 0 }), createMetrics({ droppedRecords: () => 0 })]
    const decision = { server: 'files', decision: 'allow', reason: '', mode: 'Enforce', durationMs: 1 } as const
    one.decided({ ...decision, decisionId: 'earlier' })
    await new Promise(resolve => setTimeout(resolve, 5))
    other.decided({ ...decision, decisionId: 'later' })
    for (const parts of [
      [one, other],
      [other, one],
    ]) {
      const combined = combineMetrics(await Promise.all(parts.map(metrics => metrics.collect())))
      const [value] = combined.find(({ name }) => name === 'mcp_authz_decisions_total')?.values ?? []
      expect([value?.value, value?.exemplar?.labelSet.decision_id]).toEqual([2, 'later'])
    }
  })

  it('knows of every gauge of ours whether a sum of it means something', async () => {
    const summed = [
      'mcp_authz_tokens_cached',
      'mcp_authz_tokens_cached_bytes',
      'mcp_authz_tokens_pending',
      'mcp_authz_decision_records_waiting_bytes',
      'mcp_authz_api_server_requests_pending',
      'mcp_authz_access_reviews_cached',
      'mcp_authz_access_reviews_cached_bytes',
      'mcp_authz_decisions_in_flight',
      // The primary alone has it.
      'mcp_authz_workers',
    ]
    const metrics = await everyMetric({ defaults: false }).collect()
    const gauges = metrics.filter(({ type }) => String(type) === 'gauge').map(({ name }) => name)
    const known = [...summed, ...Object.keys(combinations).filter(name => name.startsWith('mcp_authz_'))]
    expect([...gauges].sort()).toEqual(known.sort())
  })
})

describe('countersOf', () => {
  it('leaves out what ends with a process', async () => {
    const names = countersOf(await processWith(1, 1, 1)).map(({ name }) => name)
    expect(names).toEqual(['c_total', 'h_seconds'])
  })
})

describe('poolMetrics', () => {
  it('writes all of them as one, omitting nothing', async () => {
    const own = createMetrics({ droppedRecords: () => 1 })
    const worker = createMetrics({ droppedRecords: () => 2 })
    worker.policies({
      revision: 'r',
      documents: 1,
      brokenDocuments: 0,
      lastSuccess: 5000,
      servers: ['a'],
      serversInAudit: 0,
    })
    worker.decided({ server: 'a', decision: 'allow', reason: '', mode: 'Enforce', durationMs: 1 })
    const pooled = poolMetrics(own, async () => [await worker.collect()])
    const text = await pooled.text()
    expect(text).toContain('mcp_authz_decision_records_dropped_total 3\n')
    expect(text).toContain('mcp_authz_decisions_total{server="a",decision="allow",reason="",mode="Enforce"} 1\n')
    expect(text).toContain('mcp_authz_decision_duration_seconds_count{decision="allow"} 1\n')
    expect(text).toMatch(/^process_start_time_seconds \d+$/m)
    const names = (all: string) => new Set([...all.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name))
    expect(names(text)).toEqual(names(await own.text()))
  })
})
