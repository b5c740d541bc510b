import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { rawPost } from '../../src/demo/raw-post.js'
import { decisionIdOf, resultOf } from './support/answers.js'
import { eventually } from './support/eventually.js'
import { pods, scaled } from './support/fresh-stand.js'
import { type Stand, startStand } from './support/stand.js'
import { type Collector, startCollector } from './tracing-collector.js'

let collector: Collector
const stops: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  collector = await startCollector()
  stops.push(() => collector.stop())
  // Those who run it may use them themselves.
  for (const name of Object.keys(process.env)) if (name.startsWith('OTEL_')) vi.stubEnv(name, undefined)
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url)
  vi.stubEnv('OTEL_METRICS_EXPORTER', 'otlp')
  vi.stubEnv('OTEL_LOGS_EXPORTER', 'otlp')
  vi.stubEnv('OTEL_BSP_SCHEDULE_DELAY', '100')
  vi.stubEnv('OTEL_METRIC_EXPORT_INTERVAL', '500')
})
afterAll(async () => {
  vi.unstubAllEnvs()
  for (const stop of stops.splice(0).reverse()) await stop()
})

describe('metrics and records by OTLP, of the program as it is shipped', () => {
  let stand: Stand
  let alice: string
  const ask = (body: string) => rawPost({ url: stand.url, token: alice, body })
  const logOf = (id: string) =>
    eventually(`the log record of ${id}`, () =>
      collector.logs.find(one => one.attributes['mcp_authz.decision_id'] === id),
    )
  const metric = (name: string) => collector.metrics.findLast(one => one.name === name)
  const decisions = () =>
    (metric('mcp_authz_decisions_total')?.sum?.dataPoints ?? []).reduce((sum, point) => sum + point.asDouble, 0)

  beforeAll(async () => {
    stand = await startStand({ upstream: 'kubernetes-stateless', config: { shutdown: { drainSeconds: 2 } } })
    stops.push(() => stand.stop())
    alice = await stand.idp.login('alice')
  })

  it('have the record of stdout, and the trace and the service of the spans', async () => {
    const id = decisionIdOf(await ask(scaled(50)))
    const log = await logOf(id)
    expect(log).toMatchObject({ eventName: 'mcp_authz.decision', severityText: 'WARN' })
    expect(log.body).toEqual(await stand.authz.record(id))
    const span = await collector.find('the span', one => one.attributes['mcp_authz.decision_id'] === id)
    expect(log.traceId).toBe(span.traceId)
    const counted = await eventually('the metrics', () => metric('mcp_authz_decisions_total'))
    const instances = [log, span, counted].map(({ resource }) => resource['service.instance.id'])
    expect(new Set(instances).size).toBe(1)
    expect(instances[0]).toMatch(/^[-0-9a-f]{36}$/)
  })

  it('count what Prometheus counts', async () => {
    await ask(pods('team-a'))
    const scraped = await (await fetch(`http://127.0.0.1:${stand.httpPort}/metrics`)).text()
    const counted = [...scraped.matchAll(/^mcp_authz_decisions_total\{.*\} (\d+)/gm)].reduce(
      (sum, [, n]) => sum + Number(n),
      0,
    )
    expect(counted).toBeGreaterThan(1)
    await eventually('the same count', () => decisions() === counted)
    expect(scraped).toMatch(/^mcp_authz_record_sink_total\{sink="otlp",result="exported"\} [1-9]/m)
    expect(scraped).toMatch(/^mcp_authz_record_sink_total\{sink="otlp",result="failed"\} 0/m)
  })

  it('are handed over when the service ends', async () => {
    const before = decisions()
    const id = decisionIdOf(await ask(scaled(50)))
    expect(await stand.authz.stop()).toEqual({ code: 0, signal: null })
    expect(collector.logs.map(one => one.attributes['mcp_authz.decision_id'])).toContain(id)
    expect(decisions()).toBe(before + 1)
  })

  it('hold nobody up where the collector never answers, neither decisions nor the end', async () => {
    for (const name of ['OTEL_BLRP_SCHEDULE_DELAY', 'OTEL_METRIC_EXPORT_INTERVAL']) vi.stubEnv(name, '100')
    collector.answer('never')
    await stand.restartAuthz()
    await eventually('Envoy to find it', () => stand.envoySeesHealthy())
    for (let i = 0; i < 20; i++) expect(resultOf(await ask(scaled(50))).isError).toBe(true)
    const before = performance.now()
    expect(await stand.authz.stop()).toEqual({ code: 0, signal: null })
    // Two seconds of shutdown.drainSeconds, and what the process takes by itself.
    expect(performance.now() - before).toBeLessThan(5000)
  })
})
