import type { Exemplar } from './decision-counts.js'

/** One metric with its values, as the registry gives them. */
export interface ExposedMetric {
  readonly name: string
  readonly help: string
  readonly type: unknown
  readonly values: readonly ExposedValue[]
}

export interface ExposedValue {
  readonly value: number
  readonly labels: Readonly<Record<string, string | number | undefined>>
  /** Of a histogram: that of its buckets, its sum or its count. Default: that of the metric. */
  readonly metricName?: string
  readonly exemplar?: Exemplar | null | undefined
}

export const openMetricsType = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

/** Label names and values of one exemplar, in characters (OpenMetrics 1.0, section 4.6.1). */
const maxExemplar = 128

/**
 * The text of OpenMetrics 1.0. In place of the library's own, which knows one format per registry and takes exemplars in
 * that one only: a scraper says with each request what it can read.
 */
export function writeOpenMetrics(metrics: readonly ExposedMetric[]): string {
  let text = ''
  for (const { name, help, type, values } of metrics) {
    const isCounter = type === 'counter'
    const family = isCounter ? name.replace(/_total$/, '') : name
    text += `# HELP ${family} ${escaped(help)}\n# TYPE ${family} ${typeof type === 'string' ? type : 'unknown'}\n`
    for (const { value, labels, metricName, exemplar } of values) {
      const sample = metricName ?? (isCounter ? `${family}_total` : name)
      text += `${sample}${labelsOf(labels)} ${numberOf(value)}`
      // No other sample may have one.
      if (exemplar && (isCounter || sample.endsWith('_bucket'))) text += exemplarOf(exemplar)
      text += '\n'
    }
  }
  return `${text}# EOF\n`
}

function exemplarOf({ labelSet, value, timestamp }: Exemplar): string {
  const length = Object.entries(labelSet).reduce((sum, [name, text]) => sum + name.length + text.length, 0)
  return length > maxExemplar ? '' : ` # {${pairs(labelSet)}} ${numberOf(value)} ${timestamp}`
}

function labelsOf(labels: ExposedValue['labels']): string {
  const written = pairs(labels)
  return written === '' ? '' : `{${written}}`
}

function pairs(labels: ExposedValue['labels']): string {
  return Object.entries(labels)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}="${labelText(name, value)}"`]))
    .join(',')
}

function labelText(name: string, value: string | number): string {
  // Bounds are numbers in the canonical form, in which whole ones have a fraction too.
  if (typeof value === 'number') return name === 'le' || name === 'quantile' ? canonical(value) : `${value}`
  return escaped(value)
}

function canonical(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e21 ? `${value}.0` : numberOf(value)
}

function numberOf(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  return Number.isFinite(value) ? `${value}` : value < 0 ? '-Inf' : '+Inf'
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}
