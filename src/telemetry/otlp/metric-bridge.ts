import { type Attributes, type HrTime, ValueType } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics'
import type { MetricValues } from '../metrics.js'

export interface MetricBridgeOptions {
  readonly resource: Resource
  readonly version: string
  /** Milliseconds since the epoch at which all counters were 0. */
  readonly startedAt: number
}

type Value = MetricValues['values'][number]

/** What was told of one series last, and since when it counts. */
interface Told {
  readonly value: number
  readonly since: HrTime
}

/**
 * Values of the Prometheus registry as OTLP has them: names, labels and bucket boundaries stay, counters are monotonic and
 * cumulative, buckets are no longer (OpenTelemetry specification, "Prometheus and OpenMetrics Compatibility"). A counter that
 * has become smaller, because a process that was counted has gone, counts anew from the last time it was told.
 */
export class MetricBridge {
  readonly #options: MetricBridgeOptions
  readonly #start: HrTime
  /** Series of the last time: as many as the registry has. */
  #told: ReadonlyMap<string, Told> = new Map()
  #toldAt: HrTime

  constructor(options: MetricBridgeOptions) {
    this.#options = options
    this.#start = timeOf(options.startedAt)
    this.#toldAt = this.#start
  }

  /** @param now milliseconds since the epoch */
  convert(metrics: readonly MetricValues[], now: number): ResourceMetrics {
    const { resource, version } = this.#options
    const end = timeOf(now)
    const told = new Map<string, Told>()
    const converted = metrics.flatMap(metric => this.#metric(metric, end, told))
    this.#told = told
    this.#toldAt = end
    return { resource, scopeMetrics: [{ scope: { name: 'mcp-authz', version }, metrics: converted }] }
  }

  #metric(metric: MetricValues, endTime: HrTime, told: Map<string, Told>): MetricData[] {
    const { name, help, values } = metric
    const descriptor = { name, description: help, unit: unitOf(name), valueType: ValueType.DOUBLE }
    const aggregationTemporality = AggregationTemporality.CUMULATIVE
    // The declaration has numbers, the value is a word.
    switch (String(metric.type)) {
      case 'counter': {
        const dataPoints = values.filter(isTellable).map((one): DataPoint<number> => {
          const attributes = attributesOf(one.labels)
          return { ...this.#point(name, attributes, one.value, endTime, told), value: one.value }
        })
        const kind = { dataPointType: DataPointType.SUM, isMonotonic: true } as const
        return dataPoints.length === 0 ? [] : [{ descriptor, aggregationTemporality, ...kind, dataPoints }]
      }
      case 'gauge': {
        const dataPoints = values
          .filter(isTellable)
          .map(({ labels, value }) => ({ startTime: endTime, endTime, attributes: attributesOf(labels), value }))
        const kind = { dataPointType: DataPointType.GAUGE } as const
        return dataPoints.length === 0 ? [] : [{ descriptor, aggregationTemporality, ...kind, dataPoints }]
      }
      case 'histogram': {
        const dataPoints = histogramsOf(name, values).map(({ attributes, histogram }) => ({
          ...this.#point(name, attributes, histogram.count, endTime, told),
          value: histogram,
        }))
        const kind = { dataPointType: DataPointType.HISTOGRAM } as const
        return dataPoints.length === 0 ? [] : [{ descriptor, aggregationTemporality, ...kind, dataPoints }]
      }
      default:
        // There are no summaries: their quantiles cannot be added up.
        return []
    }
  }

  #point(name: string, attributes: Attributes, value: number, endTime: HrTime, told: Map<string, Told>) {
    const key = `${name}\0${keyOf(attributes)}`
    const before = this.#told.get(key)
    const startTime = before === undefined ? this.#start : value < before.value ? this.#toldAt : before.since
    told.set(key, { value, since: startTime })
    return { startTime, endTime, attributes }
  }
}

function histogramsOf(name: string, values: readonly Value[]): { attributes: Attributes; histogram: Histogram }[] {
  interface Gathered {
    readonly attributes: Attributes
    /** Cumulative, by upper bound. */
    readonly buckets: [number, number][]
    sum: number
    count: number
  }
  const series = new Map<string, Gathered>()
  for (const { labels, metricName, value } of values) {
    const { le, ...rest } = labels
    const attributes = attributesOf(rest)
    const key = keyOf(attributes)
    const one = series.get(key) ?? { attributes, buckets: [], sum: 0, count: 0 }
    series.set(key, one)
    if (metricName === `${name}_sum`) one.sum = value
    else if (metricName === `${name}_count`) one.count = value
    else if (le !== undefined) one.buckets.push([le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le), value])
  }
  return [...series.values()].map(({ attributes, buckets, sum, count }) => {
    const finite = buckets.filter(([bound]) => Number.isFinite(bound)).sort(([a], [b]) => a - b)
    const cumulative = [...finite.map(([, upTo]) => upTo), count]
    const counts = cumulative.map((upTo, i) => Math.max(0, upTo - (cumulative[i - 1] ?? 0)))
    return { attributes, histogram: { buckets: { boundaries: finite.map(([bound]) => bound), counts }, sum, count } }
  })
}

/** Prometheus has NaN for what is not known; OTLP has no point then. */
function isTellable({ value }: Value): boolean {
  return Number.isFinite(value)
}

function attributesOf(labels: Value['labels']): Attributes {
  const attributes: Attributes = {}
  for (const [name, value] of Object.entries(labels)) if (value !== undefined) attributes[name] = String(value)
  return attributes
}

function keyOf(attributes: Attributes): string {
  return JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** As UCUM has it, from the suffix that names have by convention. */
function unitOf(name: string): string {
  if (/_seconds(?:_total)?$/.test(name)) return 's'
  return /_bytes(?:_total)?$/.test(name) ? 'By' : ''
}

function timeOf(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000)
  return [seconds, Math.round((ms - seconds * 1000) * 1_000_000)]
}
