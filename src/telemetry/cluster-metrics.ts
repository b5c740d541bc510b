import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** How things stand with one cluster whose API server is asked. All labels come from the configuration. */
export interface ClusterSample {
  readonly cluster: string
  readonly connected: boolean
  readonly inFlight: number
  readonly waiting: number
  /** Copies that follow the API server: `rbac`, or `configmaps/<namespace>`. */
  readonly watches: readonly { readonly what: string; readonly synced: boolean; readonly staleForMs: number }[]
  /** Counts since the start; absent where no SubjectAccessReviews are asked. */
  readonly reviews?: {
    readonly hits: number
    readonly asked: number
    readonly joined: number
    readonly failed: number
    readonly refused: number
    readonly flushes: number
    readonly entries: number
    readonly bytes: number
  }
}

export interface ClusterAnswer {
  readonly cluster: string
  /** `sar`, `tokenReview`, `read`, `write`, `watch`. */
  readonly kind: string
  /** `ok`, or why not: a closed set. */
  readonly outcome: string
  readonly durationMs: number
}

/** Seconds; a question on a kept connection takes about one millisecond. */
const buckets = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15]

/** Registers what is told of clusters; `samples` is read when scraped. */
export function registerClusterMetrics(
  registry: Registry,
  samples: () => readonly ClusterSample[],
): (answer: ClusterAnswer) => void {
  const registers = [registry]
  const requests = new Counter({
    name: 'mcp_authz_api_server_requests_total',
    help: 'Requests to API servers by cluster, kind and outcome.',
    labelNames: ['cluster', 'kind', 'outcome'] as const,
    registers,
  })
  const duration = new Histogram({
    name: 'mcp_authz_api_server_request_duration_seconds',
    help: 'Time of requests to API servers, waiting, connecting and a retry included.',
    labelNames: ['cluster', 'kind'] as const,
    buckets,
    registers,
  })
  const gauge = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    values: (sample: ClusterSample) => readonly (readonly [Readonly<Record<Label, string>>, number])[],
  ) =>
    new Gauge({
      ...{ name, help, labelNames, registers },
      collect() {
        this.reset()
        for (const sample of samples()) for (const [labels, value] of values(sample)) this.set(labels, value)
      },
    })
  gauge(
    'mcp_authz_api_server_connected',
    '1 while a connection to the API server stands.',
    ['cluster'],
    ({ cluster, connected }) => [[{ cluster }, connected ? 1 : 0]],
  )
  gauge(
    'mcp_authz_api_server_requests_pending',
    'Requests to the API server that are under way or wait for a place.',
    ['cluster', 'state'],
    ({ cluster, inFlight, waiting }) => [
      [{ cluster, state: 'in_flight' }, inFlight],
      [{ cluster, state: 'waiting' }, waiting],
    ],
  )
  gauge(
    'mcp_authz_watch_synced',
    '1 once what is watched was listed whole, and is within its limits.',
    ['cluster', 'what'],
    ({ cluster, watches }) => watches.map(({ what, synced }) => [{ cluster, what }, synced ? 1 : 0] as const),
  )
  gauge(
    'mcp_authz_watch_stale_seconds',
    'Time since the API server last confirmed what is watched; absent before the first time.',
    ['cluster', 'what'],
    ({ cluster, watches }) =>
      watches.flatMap(({ what, staleForMs }) =>
        Number.isFinite(staleForMs) ? [[{ cluster, what }, staleForMs / 1000] as const] : [],
      ),
  )
  gauge(
    'mcp_authz_access_reviews_cached',
    'Answers of SubjectAccessReviews that are kept.',
    ['cluster'],
    ({ cluster, reviews }) => (reviews === undefined ? [] : [[{ cluster }, reviews.entries]]),
  )
  gauge(
    'mcp_authz_access_reviews_cached_bytes',
    'Memory that answers of SubjectAccessReviews which are kept take, estimated.',
    ['cluster'],
    ({ cluster, reviews }) => (reviews === undefined ? [] : [[{ cluster }, reviews.bytes]]),
  )
  new Counter({
    name: 'mcp_authz_access_reviews_total',
    help: 'Questions about permissions by what became of them: hit (known), joined (asked already), asked, failed, refused (never asked).',
    labelNames: ['cluster', 'result'] as const,
    registers,
    collect() {
      this.reset()
      for (const { cluster, reviews } of samples()) {
        if (reviews === undefined) continue
        this.inc({ cluster, result: 'hit' }, reviews.hits)
        for (const result of ['joined', 'asked', 'failed', 'refused'] as const)
          this.inc({ cluster, result }, reviews[result])
      }
    },
  })
  new Counter({
    name: 'mcp_authz_access_reviews_flushes_total',
    help: 'How often all kept answers were forgotten because RBAC changed.',
    labelNames: ['cluster'] as const,
    registers,
    collect() {
      this.reset()
      for (const { cluster, reviews } of samples()) if (reviews !== undefined) this.inc({ cluster }, reviews.flushes)
    },
  })
  return ({ cluster, kind, outcome, durationMs }) => {
    requests.inc({ cluster, kind, outcome })
    duration.observe({ cluster, kind }, durationMs / 1000)
  }
}
