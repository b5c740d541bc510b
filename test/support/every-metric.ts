import { createMetrics, type Metrics } from '../../src/telemetry/metrics.js'

/**
 * Metrics of a program in which everything is on, each with a series at least: for what is said about all metrics.
 * @param defaults those of the process and of Node too
 */
export function everyMetric({ defaults }: { readonly defaults: boolean }): Metrics {
  const reviews = { hits: 1, asked: 1, joined: 1, failed: 1, refused: 1, flushes: 1, entries: 1, bytes: 1 }
  const watches = ['rbac', 'configmaps/policies'].map(what => ({ what, synced: true, staleForMs: 1 }))
  const cluster = { cluster: 'local', connected: true, inFlight: 0, waiting: 0, watches, reviews }
  const keys = { issuer: 'https://idp.example.com', keys: 1, confirmedAt: 1000, loads: { ok: 1, failed: 1 } }
  const tokens = { known: 1, joined: 1, checked: 1, overloaded: 1, kept: 1, keptBytes: 1, pending: 1 }
  const metrics = createMetrics({
    defaults,
    droppedRecords: () => 0,
    waitingRecords: () => 0,
    identity: () => ({ tokens, keys: [keys] }),
    clusters: () => [cluster],
    eventLoop: () => ({ busy: 0.1, p50: 0, p99: 0.01, max: 0.02 }),
    spans: () => ({ exported: 1, dropped: 1, failed: 1 }),
    overload: () => ({ inFlight: 0, memoryUsedBytes: 1, memoryLimitBytes: 2 }),
    shadow: true,
    sinks: () => [{ sink: 'otlp', exported: 1, dropped: 1, failed: 1 }],
    workers: () => ({ states: { ready: 2, unready: 0, starting: 0, waiting: 0 }, restarts: 1, missedCollections: 1 }),
  })
  for (const outcome of ['ok', 'refused', 'throttled'])
    metrics.answered({ cluster: 'local', kind: 'sar', outcome, durationMs: 1 })
  const servers = ['files']
  metrics.policies({
    ...{ revision: 'r', documents: 2, brokenDocuments: 0, lastSuccess: 1, servers, serversInAudit: 1 },
  })
  for (let decision = 0; decision < 100; decision++) {
    const timer = metrics.stageTimer()
    for (const stage of ['framing', 'identity', 'message', 'authorization', 'guardrails', 'upstream'] as const)
      timer?.stage(stage)
    timer?.stage(undefined)
  }
  const decision = { server: 'files', mode: 'Enforce', durationMs: 1 } as const
  const ids = { decisionId: '50883324-87c0-4e22-b6b5-af6a95697034', traceId: '0af7651916cd43dd8448eb211c80319c' }
  const would = ['guardrail.violated']
  metrics.decided({ ...decision, ...ids, decision: 'allow', reason: '', mode: 'Audit', would })
  for (const reason of ['guardrail.violated', 'dependency.api_server', 'internal.error', 'policy.error'])
    metrics.decided({ ...decision, decision: 'deny', reason })
  metrics.resultGuarded({ server: 'files', outcome: 'redacted', redactions: 1 })
  metrics.shadow.compared('files', 'tightened')
  return metrics
}
