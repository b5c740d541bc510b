import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { parse, stringify } from 'yaml'
import { type RawAnswer, rawPost } from '../../src/demo/raw-post.js'
import { decisionIdOf, resultOf } from './support/answers.js'
import { eventually } from './support/eventually.js'
import { pods, scaled } from './support/fresh-stand.js'
import { type Stand, startStand } from './support/stand.js'
import { type CollectedSpan, type Collector, spanKinds, startCollector } from './tracing-collector.js'

const unsampled = { traceId: '0af7651916cd43dd8448eb211c80319c', flags: '00' }
const sampled = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', flags: '01' }
const clientSpan = 'b7ad6b7169203331'

let collector: Collector
const stops: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  collector = await startCollector()
  stops.push(() => collector.stop())
  // Those who run it may trace themselves.
  for (const name of Object.keys(process.env)) if (name.startsWith('OTEL_')) vi.stubEnv(name, undefined)
  vi.stubEnv('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', `${collector.url}/v1/traces`)
  vi.stubEnv('OTEL_BSP_SCHEDULE_DELAY', '100')
})
afterAll(async () => {
  vi.unstubAllEnvs()
  for (const stop of stops.splice(0).reverse()) await stop()
})

/** Our example with Envoy's own tracer, which sends to the same collector. */
function withTracer(template: string): string {
  const config = parse(template)
  const [filter] = config.static_resources.listeners[0].filter_chains[0].filters
  filter.typed_config.tracing = {
    spawn_upstream_span: true,
    provider: {
      name: 'envoy.tracers.opentelemetry',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig',
        service_name: 'envoy',
        http_service: { http_uri: { uri: `${collector.url}/v1/traces`, cluster: 'collector', timeout: '1s' } },
      },
    },
  }
  // In the other spelling of the field, because ports of the example are replaced by those of the stand.
  const address = { socket_address: { address: '127.0.0.1', portValue: collector.port } }
  config.static_resources.clusters.push({
    name: 'collector',
    type: 'STATIC',
    connect_timeout: '1s',
    load_assignment: { cluster_name: 'collector', endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
  })
  // It holds its spans back for five seconds.
  const opentelemetry = { flush_interval_ms: 200, min_flush_spans: 1 }
  config.layered_runtime = { layers: [{ name: 'test', static_layer: { tracing: { opentelemetry } } }] }
  return stringify(config)
}

/** Envoy's spans of the exchange that ours belongs to. */
async function envoySpans(ours: CollectedSpan) {
  const asking = await collector.find("Envoy's span of its question", one => one.spanId === ours.parentSpanId)
  const ingress = await collector.find("Envoy's span of the request", one => one.spanId === asking.parentSpanId)
  return { asking, ingress }
}

const spanOf = (decisionId: string) =>
  collector.find(
    `the span of decision ${decisionId}`,
    one => one.service === 'mcp-authz' && one.attributes['mcp_authz.decision_id'] === decisionId,
  )

function stagesOf(ours: CollectedSpan): readonly string[] {
  return collector.spans.filter(one => one.parentSpanId === ours.spanId).map(one => one.name.replace('mcp.authz.', ''))
}

const openMetrics = ({ httpPort }: Stand) =>
  fetch(`http://127.0.0.1:${httpPort}/metrics`, { headers: { accept: 'application/openmetrics-text' } }).then(answer =>
    answer.text(),
  )

/** The decision that the log had none of before. */
async function newRecord({ authz }: Stand, act: () => Promise<unknown>) {
  const before = authz.records.length
  await act()
  return eventually('a record', () => authz.records[before])
}

describe('spans of decisions behind Envoy', () => {
  let stand: Stand
  let alice: string
  const ask = (body: string, headers: Readonly<Record<string, string>> = {}): Promise<RawAnswer> =>
    rawPost({ url: stand.url, token: alice, body, headers })
  const traced = ({ traceId, flags }: typeof sampled) => ({ traceparent: `00-${traceId}-${clientSpan}-${flags}` })

  beforeAll(async () => {
    stand = await startStand({ upstream: 'kubernetes-stateless', adaptEnvoy: withTracer })
    stops.push(() => stand.stop())
    alice = await stand.idp.login('alice')
  })

  it("stand below Envoy's of the same request, in the same time", async () => {
    const record = await newRecord(stand, () => ask(pods('team-a')))
    const ours = await spanOf(record.decision_id)
    const { asking, ingress } = await envoySpans(ours)
    expect(ours).toMatchObject({ name: 'mcp.authz tools/call', kind: spanKinds.server })
    expect(asking).toMatchObject({ service: 'envoy', traceId: ours.traceId, kind: spanKinds.client })
    expect(ingress).toMatchObject({ service: 'envoy', traceId: ours.traceId, kind: spanKinds.server })
    expect(ingress.parentSpanId).toBe('')
    expect(record.trace_id).toBe(ours.traceId)
    // Two programs look at one clock at different times.
    const tolerance = 2_000_000n
    expect(ours.startTimeUnixNano).toBeGreaterThan(asking.startTimeUnixNano - tolerance)
    expect(ours.endTimeUnixNano).toBeLessThan(asking.endTimeUnixNano + tolerance)
    expect(stagesOf(ours)).toEqual(['framing', 'identity', 'message', 'authorization', 'guardrails', 'upstream'])
    expect((await stand.accessLog(record.decision_id)).authz).toMatchObject({ decision: 'allow' })
  })

  it('have the decision id of denial, record, exemplar and access log', async () => {
    const answer = await ask(scaled(50))
    const id = decisionIdOf(answer)
    const ours = await spanOf(id)
    expect(resultOf(answer)).toMatchObject({
      _meta: { 'mcp-authz.dev/decision': { decisionId: id, traceId: ours.traceId } },
    })
    const told = await openMetrics(stand)
    const ids = `{decision_id="${id}",trace_id="${ours.traceId}"}`
    expect(told).toMatch(
      new RegExp(`^mcp_authz_decisions_total\\{[^}]*reason="guardrail.violated"[^}]*\\} \\d+ # ${ids} 1 \\d`, 'm'),
    )
    expect(told).toMatch(new RegExp(`^mcp_authz_decision_duration_seconds_bucket\\{[^}]*\\} \\d+ # ${ids} `, 'm'))
    expect(ours.attributes).toMatchObject({
      'mcp_authz.decision': 'deny',
      'error.type': 'guardrail.violated',
      'mcp_authz.server': 'kubernetes',
      'gen_ai.tool.name': 'resources_scale',
    })
    const record = await stand.authz.record(id)
    expect(record).toMatchObject({ reason: 'guardrail.violated', trace_id: ours.traceId })
    expect(record.policy_revision).toBe(ours.attributes['mcp_authz.policy_revision'])
    expect((await stand.accessLog(id)).authz).toMatchObject({ decision_id: id, reason: 'guardrail.violated' })
    expect((await envoySpans(ours)).ingress.service).toBe('envoy')
    expect(JSON.stringify(ours.attributes)).not.toMatch(/alice|"web"|team-a/)
  })

  it("belong to the client's trace where it has one", async () => {
    const ours = await spanOf(decisionIdOf(await ask(scaled(50), traced(sampled))))
    expect(ours.traceId).toBe(sampled.traceId)
    expect((await envoySpans(ours)).ingress.parentSpanId).toBe(clientSpan)
  })

  it('are not there where the client does not record; the record has the trace all the same', async () => {
    const answer = await ask(scaled(50), traced(unsampled))
    const id = decisionIdOf(answer)
    // It would lead nowhere.
    expect(answer.body).not.toContain(unsampled.traceId)
    expect(await openMetrics(stand)).toContain(`# {decision_id="${id}"} 1 `)
    expect(await stand.authz.record(id)).toMatchObject({ trace_id: unsampled.traceId })
    // A later one has come: this one would have, too.
    await spanOf(decisionIdOf(await ask(scaled(50))))
    expect(collector.spans.some(one => one.traceId === unsampled.traceId)).toBe(false)
  })

  it('are linked to what the message says of its trace', async () => {
    const body = JSON.parse(scaled(50))
    body.params._meta = { traceparent: `00-${sampled.traceId}-00f067aa0ba902b7-01` }
    const ours = await spanOf(decisionIdOf(await ask(JSON.stringify(body))))
    expect(ours.links).toEqual([{ traceId: sampled.traceId, spanId: '00f067aa0ba902b7' }])
    expect(ours.traceId).not.toBe(sampled.traceId)
  })

  it('are handed over when the service ends', async () => {
    vi.stubEnv('OTEL_BSP_SCHEDULE_DELAY', '600000')
    await stand.authz.stop()
    await stand.restartAuthz()
    await eventually('Envoy to find it', () => stand.envoySeesHealthy())
    const id = decisionIdOf(await ask(scaled(50)))
    expect(collector.spans.some(one => one.attributes['mcp_authz.decision_id'] === id)).toBe(false)
    expect(await stand.authz.stop()).toEqual({ code: 0, signal: null })
    await spanOf(id)
  })

  it('hold nobody up when the collector is dead, and are counted', async () => {
    vi.stubEnv('OTEL_BSP_SCHEDULE_DELAY', '100')
    vi.stubEnv('OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', '500')
    vi.stubEnv('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'http://127.0.0.1:9/v1/traces')
    await stand.restartAuthz()
    await eventually('Envoy to find it', () => stand.envoySeesHealthy())
    for (let i = 0; i < 20; i++) expect(resultOf(await ask(scaled(50))).isError).toBe(true)
    const metrics = () => fetch(`http://127.0.0.1:${stand.httpPort}/metrics`).then(answer => answer.text())
    await eventually('the count of lost spans', async () =>
      /^mcp_authz_trace_spans_total\{result="failed"\} [1-9]/m.test(await metrics()),
    )
    const told = stand.authz.logs.filter(line => line.message.includes('did not take spans'))
    expect(told[0]?.message).toContain('ECONNREFUSED')
    const before = performance.now()
    expect(await stand.authz.stop()).toEqual({ code: 0, signal: null })
    // Less than the time to drain, of which it could take all.
    expect(performance.now() - before).toBeLessThan(4000)
  })

  it('do not keep a process that ends when the collector never answers', async () => {
    vi.stubEnv('OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', '10000')
    vi.stubEnv('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', `${collector.url}/v1/traces`)
    collector.answer('never')
    await stand.restartAuthz()
    await eventually('Envoy to find it', () => stand.envoySeesHealthy())
    const { length } = collector.exports
    await ask(scaled(50))
    await eventually('an export', () => collector.exports.length > length)
    // It is killed if it takes three seconds.
    expect(await stand.authz.stop()).toEqual({ code: 0, signal: null })
  })
})

describe('spans of decisions of the response door', () => {
  it("stand below Envoy's of the same exchange", async () => {
    collector.answer(200)
    vi.stubEnv('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', `${collector.url}/v1/traces`)
    const stand = await startStand({
      upstream: 'kubernetes-stateless',
      responseDoor: { keys: ['0123456789abcdef0123456789abcdef'], alone: true },
      adaptEnvoy: withTracer,
    })
    stops.push(() => stand.stop())
    const answer = await rawPost({ url: stand.url, token: await stand.idp.login('alice'), body: scaled(50) })
    const ours = await spanOf(decisionIdOf(answer))
    const { asking, ingress } = await envoySpans(ours)
    expect(ours.attributes).toMatchObject({ 'mcp_authz.door': 'ext-proc', 'error.type': 'guardrail.violated' })
    expect([asking.service, ingress.service]).toEqual(['envoy', 'envoy'])
  })
})

describe('without OTEL variables', () => {
  it('there are no spans and no metric of them, but all others', async () => {
    vi.stubEnv('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', undefined)
    const stand = await startStand({ upstream: 'kubernetes-stateless' })
    stops.push(() => stand.stop())
    const before = collector.spans.length
    const token = await stand.idp.login('alice')
    const answer = await rawPost({ url: stand.url, token, body: scaled(50) })
    expect(resultOf(answer).isError).toBe(true)
    expect(answer.body).not.toContain('traceId')
    // Two gaps between decisions whose stages are timed.
    for (let i = 0; i < 127; i++) await rawPost({ url: stand.url, token, body: scaled(50) })
    const text = await (await fetch(`http://127.0.0.1:${stand.httpPort}/metrics`)).text()
    const values = new Map(text.split('\n').map(line => [line.replace(/ \S+$/, ''), Number(line.split(' ').at(-1))]))
    const value = (series: string) => values.get(series)
    for (const stage of ['framing', 'identity', 'message', 'authorization', 'guardrails'])
      expect(value(`mcp_authz_stage_duration_seconds_count{stage="${stage}"}`)).toBeGreaterThanOrEqual(2)
    expect(value('mcp_authz_token_checks_total{result="known"}')).toBeGreaterThanOrEqual(127)
    expect(value('mcp_authz_token_checks_total{result="checked"}')).toBe(1)
    expect(value('mcp_authz_tokens_cached')).toBe(1)
    const of = /mcp_authz_issuer_keys(\{issuer="http[^}]*\})/.exec(text)?.[1] ?? 'no issuer'
    expect(value(`mcp_authz_issuer_keys${of}`)).toBeGreaterThan(0)
    expect(value(`mcp_authz_issuer_keys_last_success_timestamp_seconds${of}`)).toBeGreaterThan(Date.now() / 1000 - 300)
    expect(value('mcp_authz_policy_documents')).toBeGreaterThan(5)
    expect(value('mcp_authz_decision_records_waiting_bytes')).toBeGreaterThanOrEqual(0)
    expect(value('mcp_authz_event_loop_busy_ratio')).toBeGreaterThan(0)
    expect(text).not.toContain('mcp_authz_trace_spans_total')
    await stand.authz.stop()
    expect(collector.spans.length).toBe(before)
  })
})
