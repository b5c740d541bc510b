import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { registerBuildInfo } from './build-info.js'
import { type ClusterAnswer, type ClusterSample, registerClusterMetrics } from './cluster-metrics.js'
import { type EventLoopDelay, registerEventLoop } from './event-loop.js'
import { registerSpanMetrics, type SpanCounts } from './tracing/span-metrics.js'

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
  readonly would?: readonly string[]
}

export interface PolicyState {
  readonly revision: string
  /** Documents that run on their last good version, or not at all. */
  readonly brokenDocuments: number
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
  /** A request to an API server is over. */
  answered(answer: ClusterAnswer): void
  readonly contentType: string
  /** The Prometheus text format. */
  text(): Promise<string>
}

/** Seconds. Warm decisions take well under a millisecond, cold ones a round trip to the API server. */
const durationBuckets = [
  0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5,
]

/** Labels must not grow with what clients send: names come from the configuration, codes from a closed union. */
const maxServers = 500
const maxReasons = 200

export interface MetricsOptions {
  /** Records that the decision log lost so far; read when scraped. */
  droppedRecords(): number
  /** The clusters whose API servers are asked; read when scraped. Default: none. */
  clusters?(): readonly ClusterSample[]
  /** How late the event loop is; read when scraped. Default: nobody looks, and there is no such metric. */
  eventLoop?(): EventLoopDelay
  /** What became of spans; read when scraped. Default: nothing is traced, and there is no such metric. */
  spans?(): SpanCounts
  /** Process and Node metrics too. Default true. */
  readonly defaults?: boolean
}

export function createMetrics(options: MetricsOptions): Metrics {
  const { droppedRecords, clusters = () => [], eventLoop, spans, defaults = true } = options
  const registry = new Registry()
  const registers = [registry]
  registerBuildInfo(registry)
  if (eventLoop !== undefined) registerEventLoop(registry, eventLoop)
  if (spans !== undefined) registerSpanMetrics(registry, spans)
  if (defaults) collectDefaultMetrics({ register: registry })

  const decisions = new Counter({
    name: 'mcp_authz_decisions_total',
    help: 'Decisions by server, outcome, reason code and mode of the server.',
    labelNames: ['server', 'decision', 'reason', 'mode'] as const,
    registers,
  })
  const wouldDeny = new Counter({
    name: 'mcp_authz_would_deny_total',
    help: 'Decisions in which something that is in Audit would have denied the request, by server and reason code.',
    labelNames: ['server', 'reason'] as const,
    registers,
  })
  const duration = new Histogram({
    name: 'mcp_authz_decision_duration_seconds',
    help: 'Time from the arrival of a request to its decision.',
    labelNames: ['decision'] as const,
    buckets: durationBuckets,
    registers,
  })
  const revision = new Gauge({
    name: 'mcp_authz_policy_info',
    help: 'Always 1; the label is the revision of the loaded policies.',
    labelNames: ['revision'] as const,
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
  let servers: ReadonlySet<string> = new Set()
  const reasons = new Set<string>()
  const knownReason = (reason: string): string => {
    if (reason === '' || reasons.has(reason)) return reason
    if (reasons.size >= maxReasons) return '_other'
    reasons.add(reason)
    return reason
  }
  return {
    decided({ server, decision, reason, mode, durationMs, would = [] }) {
      const label = servers.has(server) ? server : '_other'
      decisions.inc({ server: label, decision, reason: knownReason(reason), mode })
      // A request that two rules of one kind would have denied is one request.
      if (would.length > 0)
        for (const code of new Set(would)) wouldDeny.inc({ server: label, reason: knownReason(code) })
      duration.observe({ decision }, durationMs / 1000)
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
      broken.set(state.brokenDocuments)
      success.set(state.lastSuccess === undefined ? 0 : state.lastSuccess / 1000)
      audit.set(state.serversInAudit)
    },
    answered,
    contentType: registry.contentType,
    text: () => registry.metrics(),
  }
}
