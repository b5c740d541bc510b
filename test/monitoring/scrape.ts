import { openAdmin } from '../../src/doors/http/admin/admin.fixture.js'
import { createMetrics } from '../../src/telemetry/metrics.js'

export interface Series {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  readonly value: number
}

/** Every metric as Prometheus gets it, each with a series at least. */
export async function scrape(): Promise<readonly Series[]> {
  const reviews = { hits: 1, asked: 1, joined: 1, failed: 1, refused: 1, flushes: 1, entries: 1 }
  const watches = ['rbac', 'configmaps/policies'].map(what => ({ what, synced: true, staleForMs: 1 }))
  const cluster = { cluster: 'local', connected: true, inFlight: 0, waiting: 0, watches, reviews }
  const metrics = createMetrics({
    droppedRecords: () => 0,
    clusters: () => [cluster],
    eventLoop: () => ({ p50: 0, p99: 0.01, max: 0.02 }),
  })
  for (const outcome of ['ok', 'refused', 'throttled'])
    metrics.answered({ cluster: 'local', kind: 'sar', outcome, durationMs: 1 })
  metrics.policies({ revision: 'r', brokenDocuments: 0, lastSuccess: 1, servers: ['files'], serversInAudit: 1 })
  const decision = { server: 'files', mode: 'Enforce', durationMs: 1 } as const
  metrics.decided({ ...decision, decision: 'allow', reason: '', mode: 'Audit', would: ['guardrail.violated'] })
  for (const reason of ['guardrail.violated', 'dependency.api_server', 'internal.error', 'policy.error'])
    metrics.decided({ ...decision, decision: 'deny', reason })
  metrics.resultGuarded({ server: 'files', outcome: 'redacted', redactions: 1 })
  const { get, door } = await openAdmin({}, { metrics: () => metrics })
  try {
    return seriesIn((await get('/metrics')).body)
  } finally {
    await door.stop()
  }
}

/** Of the Prometheus text format. */
function seriesIn(text: string): readonly Series[] {
  return text.split('\n').flatMap(line => {
    const [, name, labels = '', value] = /^([a-z_]+)(?:\{(.*)\})? (\S+)/.exec(line) ?? []
    if (name === undefined) return []
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', text = '']) => [key, text] as const)
    return [{ name, labels: new Map(pairs), value: Number(value) }]
  })
}
