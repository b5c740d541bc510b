import { emptyResource } from '@opentelemetry/resources'
import { type DataPoint, DataPointType, type Histogram, type MetricData } from '@opentelemetry/sdk-metrics'
import fc from 'fast-check'
import { Counter, Gauge, Histogram as PromHistogram, Registry, Summary } from 'prom-client'
import { describe, expect, it } from 'vitest'
import type { MetricValues } from '../metrics.js'
import { MetricBridge } from './metric-bridge.js'

const startedAt = 1_000_000
const bridge = () => new MetricBridge({ resource: emptyResource(), version: '1', startedAt })

function metricsOf(one: MetricBridge, values: readonly MetricValues[], now = 2_000_500.25): readonly MetricData[] {
  return one.convert(values, now).scopeMetrics.flatMap(({ metrics }) => metrics)
}

async function converted(registry: Registry): Promise<readonly MetricData[]> {
  return metricsOf(bridge(), await registry.getMetricsAsJSON())
}

function histogramPoints(metric: MetricData | undefined): readonly DataPoint<Histogram>[] {
  return metric?.dataPointType === DataPointType.HISTOGRAM ? metric.dataPoints : []
}

describe('metrics by OTLP', () => {
  it('are counters that only grow, from the start of the process', async () => {
    const registry = new Registry()
    const registers = [registry]
    const counter = new Counter({ name: 'a_seconds_total', help: 'About a.', labelNames: ['server', 'n'], registers })
    counter.inc({ server: 'x', n: 1 }, 2.5)
    counter.inc({ server: 'y' })
    expect(await converted(registry)).toEqual([
      {
        descriptor: { name: 'a_seconds_total', description: 'About a.', unit: 's', valueType: 1 },
        aggregationTemporality: 1,
        dataPointType: DataPointType.SUM,
        isMonotonic: true,
        dataPoints: [
          { startTime: [1000, 0], endTime: [2000, 500_250_000], attributes: { server: 'x', n: '1' }, value: 2.5 },
          { startTime: [1000, 0], endTime: [2000, 500_250_000], attributes: { server: 'y' }, value: 1 },
        ],
      },
    ])
  })

  it('are gauges, without values that are not known', async () => {
    const registry = new Registry()
    const gauge = new Gauge({ name: 'g_bytes', help: 'h', labelNames: ['of'], registers: [registry] })
    gauge.set({ of: 'a' }, -3)
    gauge.set({ of: 'b' }, Number.NaN)
    const [metric] = await converted(registry)
    expect(metric).toMatchObject({ descriptor: { unit: 'By' }, dataPointType: DataPointType.GAUGE })
    expect(metric?.dataPoints).toMatchObject([{ attributes: { of: 'a' }, value: -3 }])
  })

  it('are histograms with the boundaries of the registry, and counts of each bucket alone', async () => {
    const registry = new Registry()
    const registers = [registry]
    const histogram = new PromHistogram({ name: 'h', help: 'h', labelNames: ['d'], buckets: [0.1, 1, 10], registers })
    for (const value of [0.05, 0.1, 0.5, 100]) histogram.observe({ d: 'allow' }, value)
    histogram.observe({ d: 'deny' }, 2)
    const points = histogramPoints((await converted(registry))[0])
    expect(points.map(({ attributes, value }) => ({ attributes, value }))).toEqual([
      {
        attributes: { d: 'allow' },
        value: { buckets: { boundaries: [0.1, 1, 10], counts: [2, 1, 0, 1] }, sum: 100.65, count: 4 },
      },
      {
        attributes: { d: 'deny' },
        value: { buckets: { boundaries: [0.1, 1, 10], counts: [0, 0, 1, 0] }, sum: 2, count: 1 },
      },
    ])
  })

  it('leave out what OTLP has no form for, and what has no values', async () => {
    const registry = new Registry()
    new Summary({ name: 's', help: 's', registers: [registry] }).observe(1)
    new Gauge({ name: 'g', help: 'g', labelNames: ['a'], registers: [registry] })
    expect(await converted(registry)).toEqual([])
  })

  it('count anew where a counter became smaller, each series for itself', () => {
    const one = bridge()
    const counter = (x: number, y: number): MetricValues[] => [
      {
        ...{ name: 'c', help: '', aggregator: 'sum', collect() {} },
        // As the registry has it, in spite of its declaration.
        type: Object('counter'),
        values: [
          { labels: { of: 'x' }, value: x },
          { labels: { of: 'y' }, value: y },
        ],
      },
    ]
    const starts = (now: number, x: number, y: number) =>
      metricsOf(one, counter(x, y), now).flatMap(({ dataPoints }) => dataPoints.map(point => point.startTime[0]))
    expect(starts(2_000_000, 5, 5)).toEqual([1000, 1000])
    expect(starts(3_000_000, 4, 5)).toEqual([2000, 1000])
    expect(starts(4_000_000, 6, 5)).toEqual([2000, 1000])
    expect(starts(5_000_000, 6, 0)).toEqual([2000, 4000])
  })

  it('lose no observation', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.double({ min: 0, max: 20, noNaN: true }), { maxLength: 50 }), async values => {
        const registry = new Registry()
        const histogram = new PromHistogram({ name: 'h', help: 'h', buckets: [1, 2, 5, 10], registers: [registry] })
        for (const value of values) histogram.observe(value)
        for (const { value } of histogramPoints((await converted(registry))[0])) {
          expect(value.count).toBe(values.length)
          expect(value.buckets.counts.reduce((sum, count) => sum + count, 0)).toBe(values.length)
          value.buckets.boundaries.forEach((bound, i) => {
            const below = value.buckets.boundaries[i - 1] ?? Number.NEGATIVE_INFINITY
            expect(value.buckets.counts[i]).toBe(values.filter(one => one > below && one <= bound).length)
          })
        }
      }),
      { numRuns: 50 },
    )
  })
})
