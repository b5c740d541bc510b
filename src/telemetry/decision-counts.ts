import { Counter, type Registry } from 'prom-client'
import { TimesByLabel } from './times-by-label.js'

/** One decision, with labels that do not grow with what clients send. */
export interface CountedDecision {
  readonly server: string
  readonly decision: 'allow' | 'deny' | 'respond'
  readonly reason: string
  readonly mode: 'Enforce' | 'Audit'
  readonly seconds: number
  /** How many requests got it. Default 1. */
  readonly requests?: number | undefined
  /** Default: none, and there is no exemplar of it. */
  readonly decisionId?: string | undefined
  /** 32 hex digits, of a trace that is recorded. */
  readonly traceId?: string | undefined
}

/** A decision that stands for the others of its series, as OpenMetrics 1.0 has it. */
export interface Exemplar {
  readonly labelSet: Readonly<Record<string, string>>
  readonly value: number
  /** Seconds since the epoch. */
  readonly timestamp: number
}

export interface DecisionCounts {
  count(decision: CountedDecision): void
  /** The last decision of a series; undefined where none has one. `name` is that of the series, not of the metric. */
  exemplar(name: string, labels: Readonly<Record<string, string | number | undefined>>): Exemplar | undefined
}

export const decisionsMetric = 'mcp_authz_decisions_total'
export const durationMetric = 'mcp_authz_decision_duration_seconds'

/** Seconds. Warm decisions take well under a millisecond, cold ones a round trip to the API server. */
const buckets = [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]

/** What is known of the last decision of a series; written over, so that a decision leaves no garbage. */
interface Last {
  decisionId: string | undefined
  traceId: string | undefined
  value: number
  /** Milliseconds since the epoch. */
  at: number
}

interface Series extends Last {
  readonly labels: Pick<CountedDecision, 'server' | 'decision' | 'reason' | 'mode'>
  count: number
}

/**
 * Registers the count and the time of decisions, with exemplars. Both are kept by us and read when scraped: a decision is
 * counted by looking labels up, where the library would build a text of them each time.
 * @param now milliseconds since the epoch
 */
export function registerDecisions(registry: Registry, now: () => number): DecisionCounts {
  const registers = [registry]
  const all: Series[] = []
  const byServer = new Map<string, Map<string, Map<string, Map<string, Series>>>>()
  const seriesOf = ({ server, mode, decision, reason }: Series['labels']): Series => {
    const byReason = below(below(below(byServer, server), mode), decision)
    const known = byReason.get(reason)
    if (known !== undefined) return known
    const series: Series = { labels: { server, decision, reason, mode }, count: 0, ...nothing }
    byReason.set(reason, series)
    all.push(series)
    return series
  }
  new Counter({
    name: decisionsMetric,
    help: 'Decisions by server, outcome, reason code and mode of the server.',
    labelNames: ['server', 'decision', 'reason', 'mode'] as const,
    registers,
    collect() {
      this.reset()
      for (const { labels, count } of all) this.inc(labels, count)
    },
  })
  const duration = new TimesByLabel(registry, {
    name: durationMetric,
    help: 'Time from the arrival of a request to its decision.',
    label: 'decision',
    buckets,
  })
  /** By decision and bucket; the last bucket has no bound. */
  const lastTimes = new Map<string, readonly Last[]>()
  return {
    count(counted) {
      const { decision, seconds, decisionId } = counted
      const series = seriesOf(counted)
      series.count += counted.requests ?? 1
      const bucket = duration.add(decision, seconds)
      if (decisionId === undefined) return
      const at = now()
      note(series, counted, 1, at)
      let last = lastTimes.get(decision)
      if (last === undefined) {
        last = [...buckets, Number.POSITIVE_INFINITY].map(() => ({ ...nothing }))
        lastTimes.set(decision, last)
      }
      const inBucket = last[bucket]
      if (inBucket !== undefined) note(inBucket, counted, seconds, at)
    },
    exemplar(name, { server, decision, reason, mode, le }) {
      if (name === decisionsMetric)
        return exemplarOf(byServer.get(`${server}`)?.get(`${mode}`)?.get(`${decision}`)?.get(`${reason}`))
      if (name !== `${durationMetric}_bucket`) return undefined
      return exemplarOf(lastTimes.get(`${decision}`)?.[le === '+Inf' ? buckets.length : buckets.indexOf(Number(le))])
    },
  }
}

const nothing: Last = { decisionId: undefined, traceId: undefined, value: 0, at: 0 }

function below<T>(map: Map<string, Map<string, T>>, key: string): Map<string, T> {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = new Map<string, T>()
  map.set(key, made)
  return made
}

function note(last: Last, { decisionId, traceId }: CountedDecision, value: number, at: number): void {
  last.decisionId = decisionId
  last.traceId = traceId
  last.value = value
  last.at = at
}

function exemplarOf(last: Last | undefined): Exemplar | undefined {
  if (last?.decisionId === undefined) return undefined
  const { decisionId, traceId, value, at } = last
  const labelSet = { decision_id: decisionId, ...(traceId !== undefined && { trace_id: traceId }) }
  return { labelSet, value, timestamp: at / 1000 }
}
