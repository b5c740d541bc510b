import { Histogram, type Registry } from 'prom-client'

export interface TimesByLabelOptions {
  readonly name: string
  readonly help: string
  readonly label: string
  /** Upper bounds in seconds, ascending. */
  readonly buckets: readonly number[]
}

interface Series {
  /** How many fell into each bucket; the last one has no bound. */
  readonly counts: number[]
  count: number
  sum: number
}

/** One value, as the library's own histograms have it. */
interface Value {
  readonly metricName: string
  readonly labels: { le?: number | string }
  /** What all values of a series have in common. */
  readonly sharedLabels: Readonly<Record<string, string>>
  readonly value: number
  readonly exemplar: null | undefined
}

/**
 * A histogram with one label that counts by itself and is read when scraped. The library's own builds a text of the labels
 * for each observation and checks them, which takes longer than all else that is counted of a decision.
 */
export class TimesByLabel extends Histogram {
  readonly #name: string
  readonly #help: string
  readonly #label: string
  readonly #bounds: readonly number[]
  readonly #series = new Map<string, Series>()

  constructor(registry: Registry, { name, help, label, buckets }: TimesByLabelOptions) {
    super({ name, help, labelNames: [label], buckets: [...buckets], registers: [registry] })
    this.#name = name
    this.#help = help
    this.#label = label
    this.#bounds = buckets
  }

  /**
   * Counts one time under this value of the label. Returns the index of its bucket; the number of bounds for the one without.
   * Throws for what is not a finite number.
   */
  add(value: string, seconds: number): number {
    if (!Number.isFinite(seconds)) throw new TypeError(`${seconds} is not a time`)
    let series = this.#series.get(value)
    if (series === undefined) {
      series = { counts: this.#bounds.map(() => 0), count: 0, sum: 0 }
      series.counts.push(0)
      this.#series.set(value, series)
    }
    const bucket = this.#bucketOf(seconds)
    series.counts[bucket] = (series.counts[bucket] ?? 0) + 1
    series.count++
    series.sum += seconds
    return bucket
  }

  /** Without a closure, unlike findIndex: this is done for every decision. */
  #bucketOf(seconds: number): number {
    const bounds = this.#bounds
    for (let bucket = 0; bucket < bounds.length; bucket++) if (seconds <= (bounds[bucket] ?? 0)) return bucket
    return bounds.length
  }

  /** What the library asks its metrics for, under a name that its types do not tell; its `get` is made of the same. */
  async getForPromString() {
    return { name: this.#name, help: this.#help, type: 'histogram', values: this.#values(), aggregator: 'sum' }
  }

  #values(): readonly Value[] {
    const values: Value[] = []
    for (const [value, { counts, count, sum }] of this.#series) {
      const sharedLabels = { [this.#label]: value }
      const bucket = (le: number | string, below: number) =>
        values.push({ metricName: `${this.#name}_bucket`, labels: { le }, sharedLabels, value: below, exemplar: null })
      const whole = (suffix: 'sum' | 'count', value: number) =>
        values.push({ metricName: `${this.#name}_${suffix}`, labels: {}, sharedLabels, value, exemplar: undefined })
      let below = 0
      for (const [at, bound] of this.#bounds.entries()) {
        below += counts[at] ?? 0
        bucket(bound, below)
      }
      bucket('+Inf', count)
      whole('sum', sum)
      whole('count', count)
    }
    return values
  }
}
