import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Collector, startCollector } from '../../../test/e2e/tracing-collector.js'
import type { Logger } from '../logger.js'
import { createMetrics } from '../metrics.js'
import { createMetricExport } from './create-metric-export.js'

const stops: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

async function collector(): Promise<Collector> {
  const started = await startCollector()
  stops.push(() => started.stop())
  return started
}

async function start(env: Readonly<Record<string, string>>) {
  const lines: string[] = []
  const at = (level: string) => (message: string) => void lines.push(`${level} ${message}`)
  const log: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  const metrics = createMetrics({ droppedRecords: () => 7 })
  const exported = createMetricExport(env, metrics, log)
  await exported.start()
  stops.push(() => exported.stop(0))
  return { metrics, exported, lines }
}

const otlp = { OTEL_METRICS_EXPORTER: 'otlp' }
const decision = { server: 'kubernetes', decision: 'deny', reason: 'r', mode: 'Enforce', durationMs: 0.3 } as const

describe('the export of metrics', () => {
  it.each<[string, Record<string, string>, string[]]>([
    ['nothing is set', {}, []],
    ['only an endpoint is set', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }, []],
    ['there is to be none', { OTEL_METRICS_EXPORTER: 'none' }, []],
    ['Prometheus is to ask', { OTEL_METRICS_EXPORTER: 'prometheus' }, []],
    ['it is to go to a console', { OTEL_METRICS_EXPORTER: 'console' }, ['warn OTEL_METRICS_EXPORTER: console is not']],
    ['the SDK is disabled', { ...otlp, OTEL_SDK_DISABLED: 'true' }, []],
  ])('is off where %s', async (_name, env, told) => {
    const { lines } = await start(env)
    expect(lines).toEqual(told.map(line => expect.stringContaining(line)))
  })

  it('says what it does not offer', async () => {
    const { lines } = await start({
      ...otlp,
      OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'delta',
      OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION: 'base2_exponential_bucket_histogram',
      OTEL_METRIC_EXPORT_INTERVAL: 'soon',
    })
    expect(lines.slice(0, 3).join('\n')).toMatch(
      /only cumulative.*\n.*only explicit_bucket_histogram.*\n.*INTERVAL must/,
    )
  })

  it('tells what Prometheus would be told, over and over, and once more at the end', async () => {
    const one = await collector()
    const { metrics, exported } = await start({
      ...{ ...otlp, OTEL_METRIC_EXPORT_INTERVAL: '100', OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=a%20b' },
      ...{ OTEL_EXPORTER_OTLP_ENDPOINT: one.url, OTEL_EXPORTER_OTLP_METRICS_COMPRESSION: 'gzip' },
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=authz,k8s.pod.name=p1',
    })
    metrics.policies({
      ...{ revision: 'r1', brokenDocuments: 0, lastSuccess: 1, serversInAudit: 0, servers: ['kubernetes'] },
      documents: 1,
    })
    metrics.decided(decision)
    await vi.waitFor(() => expect(one.exports.length).toBeGreaterThan(1), 5000)
    expect(one.exports[0]).toMatchObject({
      path: '/v1/metrics',
      headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip', 'x-tenant': 'a b' },
    })
    metrics.decided(decision)
    const before = BigInt(Date.now()) * 1_000_000n
    await exported.stop(5000)
    const last = (name: string) => one.metrics.findLast(metric => metric.name === name)
    expect(last('mcp_authz_decisions_total')).toMatchObject({
      resource: { 'service.name': 'authz', 'k8s.pod.name': 'p1', 'service.version': expect.any(String) },
      sum: {
        ...{ isMonotonic: true, aggregationTemporality: 2 },
        dataPoints: [
          { asDouble: 2, attributes: { server: 'kubernetes', decision: 'deny', reason: 'r', mode: 'Enforce' } },
        ],
      },
    })
    const [point] = last('mcp_authz_decisions_total')?.sum?.dataPoints ?? []
    expect(point?.timeUnixNano).toBeGreaterThanOrEqual(before)
    expect(point?.startTimeUnixNano).toBeLessThan(before)
    const [duration] = last('mcp_authz_decision_duration_seconds')?.histogram?.dataPoints ?? []
    expect(duration).toMatchObject({ count: 2, sum: expect.closeTo(0.0006) })
    expect(duration?.bucketCounts.length).toBe((duration?.explicitBounds.length ?? 0) + 1)
    expect(last('mcp_authz_decision_records_dropped_total')?.sum?.dataPoints).toMatchObject([{ asDouble: 7 }])
    expect(last('process_resident_memory_bytes')).toMatchObject({ unit: 'By', gauge: { dataPoints: [{}] } })
    // Every metric that Prometheus gets.
    const names = [...(await metrics.text()).matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
    const withValues = names.filter(name => name !== undefined && last(name) !== undefined)
    expect(withValues.length).toBeGreaterThan(names.length / 2)
    expect(one.metrics.every(({ name }) => names.includes(name))).toBe(true)
  })

  it('tells what a collector missed with the next export', async () => {
    const one = await collector()
    one.answer(503)
    const { metrics, lines } = await start({
      ...{ ...otlp, OTEL_METRIC_EXPORT_INTERVAL: '100', OTEL_EXPORTER_OTLP_ENDPOINT: one.url },
    })
    metrics.decided(decision)
    await vi.waitFor(() => expect(one.exports.length).toBeGreaterThan(1), 5000)
    one.answer(200)
    await vi.waitFor(() => expect(one.metrics.length).toBeGreaterThan(0), 5000)
    expect(lines).toContain('warn the collector of metrics did not take them: it answered HTTP 503')
    expect(one.metrics.find(({ name }) => name === 'mcp_authz_decisions_total')?.sum?.dataPoints).toHaveLength(1)
  })

  it.each<[string, (one: Collector) => Promise<unknown> | undefined]>([
    ['has gone', one => one.stop()],
    ['never answers', one => void one.answer('never')],
  ])('ends in time where the collector %s', async (_name, become) => {
    const one = await collector()
    await become(one)
    const { exported, lines } = await start({
      ...{ ...otlp, OTEL_METRIC_EXPORT_INTERVAL: '100', OTEL_EXPORTER_OTLP_ENDPOINT: one.url },
    })
    await new Promise(resolve => setTimeout(resolve, 150))
    const before = performance.now()
    await exported.stop(300)
    expect(performance.now() - before).toBeLessThan(1500)
    await vi.waitFor(() => expect(lines.join('\n')).toContain('the collector of metrics did not take them'), 2000)
  })

  it('goes on where a certificate cannot be read, without metrics', async () => {
    const { lines } = await start({
      ...{ ...otlp, OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c:4318' },
      OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE: '/nowhere.pem',
    })
    expect(lines).toEqual(['error the export of metrics could not be started'])
  })
})
