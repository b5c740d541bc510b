import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { type ClusterSample, registerClusterMetrics } from './cluster-metrics.js'

const reviews = { hits: 8, asked: 5, joined: 2, failed: 1, refused: 0, flushes: 3, entries: 4, bytes: 2000 }
const sample: ClusterSample = {
  ...{ cluster: 'prod', connected: true, inFlight: 2, waiting: 1, reviews },
  watches: [
    { what: 'rbac', synced: true, staleForMs: 1500 },
    { what: 'configmaps/policies', synced: false, staleForMs: Number.POSITIVE_INFINITY },
  ],
}

async function linesOf(registry: Registry): Promise<readonly string[]> {
  return (await registry.metrics()).split('\n').filter(line => line !== '' && !line.startsWith('#'))
}

describe('the metrics of clusters', () => {
  it('are read when scraped, and say the same twice', async () => {
    const registry = new Registry()
    registerClusterMetrics(registry, () => [sample])
    const lines = await linesOf(registry)
    expect(lines).toEqual([
      'mcp_authz_api_server_connected{cluster="prod"} 1',
      'mcp_authz_api_server_requests_pending{cluster="prod",state="in_flight"} 2',
      'mcp_authz_api_server_requests_pending{cluster="prod",state="waiting"} 1',
      'mcp_authz_watch_synced{cluster="prod",what="rbac"} 1',
      'mcp_authz_watch_synced{cluster="prod",what="configmaps/policies"} 0',
      'mcp_authz_watch_stale_seconds{cluster="prod",what="rbac"} 1.5',
      'mcp_authz_access_reviews_cached{cluster="prod"} 4',
      'mcp_authz_access_reviews_cached_bytes{cluster="prod"} 2000',
      'mcp_authz_access_reviews_total{cluster="prod",result="hit"} 8',
      'mcp_authz_access_reviews_total{cluster="prod",result="joined"} 2',
      'mcp_authz_access_reviews_total{cluster="prod",result="asked"} 5',
      'mcp_authz_access_reviews_total{cluster="prod",result="failed"} 1',
      'mcp_authz_access_reviews_total{cluster="prod",result="refused"} 0',
      'mcp_authz_access_reviews_flushes_total{cluster="prod"} 3',
    ])
    expect(await linesOf(registry)).toEqual(lines)
  })

  it('count and time requests', async () => {
    const registry = new Registry()
    const answered = registerClusterMetrics(registry, () => [])
    answered({ cluster: 'prod', kind: 'sar', outcome: 'ok', durationMs: 3 })
    answered({ cluster: 'prod', kind: 'sar', outcome: 'timeout', durationMs: 1000 })
    const lines = await linesOf(registry)
    expect(lines).toContain('mcp_authz_api_server_requests_total{cluster="prod",kind="sar",outcome="timeout"} 1')
    expect(lines).toContain(
      'mcp_authz_api_server_request_duration_seconds_bucket{le="0.005",cluster="prod",kind="sar"} 1',
    )
    expect(lines).toContain('mcp_authz_api_server_request_duration_seconds_sum{cluster="prod",kind="sar"} 1.003')
  })
})
