import {
  Counter,
  collectDefaultMetrics,
  Gauge,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from 'prom-client'
import { registerBuildInfo } from './build-info.js'
import { type ClusterAnswer, type ClusterSample, registerClusterMetrics } from './cluster-metrics.js'
import { type DecisionCounts, type Exemplar, registerDecisions } from './decision-counts.js'
import { type EventLoopDelay, registerEventLoop } from './event-loop.js'
import { type IdentitySample, registerIdentityMetrics } from './identity-metrics.js'
import { type OverloadMetrics, type OverloadSample, registerOverloadMetrics } from './overload-metrics.js'
import { registerSinkMetrics, type SinkSample } from './record-sinks/sink-metrics.js'
import { registerShadowMetrics, type ShadowMetrics } from './shadow-metrics.js'
import { registerStages, type StageTimer } from './stage-timer.js'
import { registerSpanMetrics, type SpanCounts } from './tracing/span-metrics.js'
import { registerWorkerMetrics, type WorkerCounts } from './worker-metrics.js'

export interface DecisionSample {
  /** Name of the Server; counted as `_other` unless the configuration has it. */
  readonly server: string
  readonly decision: 'allow' | 'deny' | 'respond'
  /** Reason code, "" for none. */
  readonly reason: string
  readonly mode: 'Enforce' | 'Audit'
  /** Milliseconds from the arrival of the message to the decision. */
  readonly durationMs: number
  /** Reason codes of what would have been denied if it were enforced. Default: none. */
  readonly would?: readonly string[] | undefined
  /** How many requests got this decision. Default 1. */
  readonly requests?: number
  /** For the exemplar of its series. Default: it is none. */
  readonly decisionId?: string
  /** 32 hex digits, of a trace that is recorded. */
  readonly traceId?: string | undefined
}

export interface PolicyState {
  readonly revision: string
  /** Documents that run on their last good version, or not at all. */
  readonly brokenDocuments: number
  /** Documents that were looked at, broken ones included. */
  readonly documents: number
  /** Milliseconds since the epoch; undefined when nothing ever loaded. */
  readonly lastSuccess: number | undefined
  /** Names of all Servers; no other name becomes a label. */
  readonly servers: readonly string[]
  readonly serversInAudit: number
}

export interface ResultSample {
  /** Name of the Server, "" when none was found. */
  readonly server: string
  readonly outcome: 'withheld' | 'redacted' | 'passed'
  /** Texts that were replaced. */
  readonly redactions: number
}

export interface Metrics {
  decided(sample: DecisionSample): void
  policies(state: PolicyState): void
  /** Guardrails about results had something to say about one. */
  resultGuarded(sample: ResultSample): void
  /** For a decision that begins: undefined for most, the others are timed by stages. */
  stageTimer(): StageTimer | undefined
  /** A request to an API server is over. */
  answered(answer: ClusterAnswer): void
  /** Requests were refused because there is too much to do. */
  overloaded: OverloadMetrics['refused']
  /** About policies that are tried beside those in force. */
  readonly shadow: ShadowMetrics
  readonly contentType: string
  /** The Prometheus text format. */
  text(): Promise<string>
  /** The values themselves, of all processes of the service, for whoever writes them in another format. */
  collect(): Promise<readonly MetricValues[]>
}

/**
 * One metric with its values. A histogram has those of its buckets, sum and count, each under its own `metricName`. Some
 * of those that count decisions have an exemplar.
 */
export type MetricValues = MetricObjectWithValues<
  MetricValue<string> & { readonly metricName?: string; readonly exemplar?: Exemplar | null }
>

/** Labels must not grow with what clients send: names come from the configuration, codes from a closed union. */
const maxServers = 500
const maxReasons = 200

export interface MetricsOptions {
  /** Records that the decision log lost so far; read when scraped. */
  droppedRecords(): number
  /** The clusters whose API servers are asked; read when scraped. Default: none. */
  clusters?(): readonly ClusterSample[]
  /** Bytes of decision records that wait to be written; read when scraped. Default: nobody knows, and there is no such metric. */
  waitingRecords?(): number
  /** How things stand with tokens and keys; read when scraped. Default: nobody looks, and there are no such metrics. */
  identity?(): IdentitySample
  /** How late the event loop is; read when scraped. Default: nobody looks, and there is no such metric. */
  eventLoop?(): EventLoopDelay
  /** What became of spans; read when scraped. Default: nothing is traced, and there is no such metric. */
  spans?(): SpanCounts
  /** How the process stands with its limits; read when scraped. Default: nothing is limited. */
  overload?(): OverloadSample
  /** Whether policies are tried beside those in force. Default false: there are no such metrics. */
  readonly shadow?: boolean
  /** What sinks over the network made of decision records; read when scraped. Default: there are none, and no such metric. */
  sinks?(): readonly SinkSample[]
  /** The worker processes of this one; read when scraped. Default: there are none, and there is no such metric. */
  workers?(): WorkerCounts
  /** Process and Node metrics too. Default true. */
  readonly defaults?: boolean
}

export function createMetrics(options: MetricsOptions): Metrics {
  const {
    droppedRecords,
    waitingRecords,
    identity,
    clusters = () => [],
    eventLoop,
    spans,
    sinks,
    overload,
    shadow = false,
    defaults = true,
  } = options
  const registry = new Registry()
  const registers = [registry]
  registerBuildInfo(registry)
  if (eventLoop !== undefined) registerEventLoop(registry, eventLoop)
  if (spans !== undefined) registerSpanMetrics(registry, spans)
  if (sinks !== undefined) registerSinkMetrics(registry, sinks)
  if (identity !== undefined) registerIdentityMetrics(registry, identity)
  if (options.workers !== undefined) registerWorkerMetrics(registry, options.workers)
  if (defaults) collectDefaultMetrics({ register: registry })

  const decisions = registerDecisions(registry, Date.now)
  const stageTimer = registerStages(registry)
  const wouldDeny = new Counter({
    name: 'mcp_authz_would_deny_total',
    help: 'Decisions in which something that is in Audit would have denied the request, by server and reason code.',
    labelNames: ['server', 'reason'] as const,
    registers,
  })
  const revision = new Gauge({
    name: 'mcp_authz_policy_info',
    help: 'Always 1; the label is the revision of the loaded policies.',
    labelNames: ['revision'] as const,
    registers,
  })
  const documents = new Gauge({
    name: 'mcp_authz_policy_documents',
    help: 'Documents that were read in the last load, broken ones included.',
    registers,
  })
  const broken = new Gauge({
    name: 'mcp_authz_policy_broken_documents',
    help: 'Documents that do not compile: they run on their last good version, or what they could govern is denied.',
    registers,
  })
  const success = new Gauge({
    name: 'mcp_authz_policy_last_success_timestamp_seconds',
    help: 'When all policies last loaded without error; 0 for never.',
    registers,
  })
  const audit = new Gauge({
    name: 'mcp_authz_servers_in_audit',
    help: 'Servers that record what they would deny and deny nothing.',
    registers,
  })
  new Counter({
    name: 'mcp_authz_decision_records_dropped_total',
    help: 'Decision records that were lost because the log could not keep up or could not be written.',
    registers,
    collect() {
      this.reset()
      this.inc(droppedRecords())
    },
  })
  if (waitingRecords !== undefined)
    new Gauge({
      name: 'mcp_authz_decision_records_waiting_bytes',
      help: 'Bytes of decision records that wait to be written; beyond decisionLog.maxBufferedBytes records are lost.',
      registers,
      collect() {
        this.set(waitingRecords())
      },
    })

  const results = new Counter({
    name: 'mcp_authz_guarded_results_total',
    help: 'Results about which Guardrails had something to say, by what became of them: withheld, redacted, or passed (Audit and Warn).',
    labelNames: ['server', 'outcome'],
    registers,
  })
  const redactions = new Counter({
    name: 'mcp_authz_redactions_total',
    help: 'Texts in results that Guardrails replaced.',
    labelNames: ['server'],
    registers,
  })
  const answered = registerClusterMetrics(registry, clusters)
  const overloaded = overload === undefined ? () => undefined : registerOverloadMetrics(registry, overload).refused
  const shadowed = shadow ? registerShadowMetrics(registry) : undefined
  let servers: ReadonlySet<string> = new Set()
  const reasons = new Set<string>()
  const knownReason = (reason: string): string => {
    if (reason === '' || reasons.has(reason)) return reason
    if (reasons.size >= maxReasons) return '_other'
    reasons.add(reason)
    return reason
  }
  return {
    decided({ server, decision, reason, mode, durationMs, would = [], requests, decisionId, traceId }) {
      const label = servers.has(server) ? server : '_other'
      const seconds = durationMs / 1000
      const known = knownReason(reason)
      // Without a spread, which takes longer than all that is counted.
      decisions.count({ server: label, decision, reason: known, mode, seconds, requests, decisionId, traceId })
      // A request that two rules of one kind would have denied is one request.
      if (would.length > 0)
        for (const code of new Set(would)) wouldDeny.inc({ server: label, reason: knownReason(code) })
    },
    resultGuarded({ server, outcome, redactions: count }) {
      const label = servers.has(server) ? server : '_other'
      results.inc({ server: label, outcome })
      if (count > 0) redactions.inc({ server: label }, count)
    },
    policies(state) {
      servers = new Set(state.servers.slice(0, maxServers))
      revision.reset()
      revision.set({ revision: state.revision }, 1)
      documents.set(state.documents)
      broken.set(state.brokenDocuments)
      success.set(state.lastSuccess === undefined ? 0 : state.lastSuccess / 1000)
      audit.set(state.serversInAudit)
    },
    stageTimer,
    answered,
    overloaded,
    shadow: {
      compared: (server, result) => shadowed?.compared(servers.has(server) ? server : '_other', result),
      dropped: cause => shadowed?.dropped(cause),
      loaded: state => shadowed?.loaded(state),
    },
    contentType: registry.contentType,
    text: () => registry.metrics(),
    collect: async () => withExemplars(await registry.getMetricsAsJSON(), decisions),
  }
}

function withExemplars(metrics: readonly MetricValues[], decisions: DecisionCounts): readonly MetricValues[] {
  return metrics.map(metric => ({
    ...metric,
    values: metric.values.map(value => {
      const exemplar = decisions.exemplar(value.metricName ?? metric.name, value.labels)
      return exemplar === undefined ? value : { ...value, exemplar }
    }),
  }))
}
