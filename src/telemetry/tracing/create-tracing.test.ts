import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Collector, spanKinds, startCollector } from '../../../test/e2e/tracing-collector.js'
import type { Logger } from '../logger.js'
import { createTracing, type Tracing } from './create-tracing.js'
import type { DecisionFacts } from './decision-tracer.js'
import { registerSpanMetrics } from './span-metrics.js'

const allowed: DecisionFacts = {
  ...{ decisionId: 'd1', outcome: 'allow', reason: undefined, policy: '', broken: false, failedStage: undefined },
  ...{ server: 'kubernetes', mode: 'enforce', policyRevision: 'r1', door: 'ext-authz', wouldDeny: ['a', 'b'] },
  ...{ method: 'tools/call', mcp: true, tool: 'pods_list', prompt: undefined, protocolVersion: '2025-11-25' },
  ...{ messageTraceparent: undefined, batchSize: undefined, abandoned: false },
}
const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
  vi.unstubAllEnvs()
})

async function collector(): Promise<Collector> {
  const started = await startCollector()
  stops.push(() => started.stop())
  return started
}

function logger() {
  const lines: string[] = []
  const at =
    (level: string) =>
    (message: string, fields: object = {}) =>
      void lines.push(`${level} ${message} ${JSON.stringify(fields)}`)
  const log: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  return { log, lines }
}

async function start(env: Readonly<Record<string, string>>) {
  const { log, lines } = logger()
  const tracing = createTracing(env, log)
  await tracing.start()
  stops.push(() => tracing.stop(0))
  return { tracing, lines }
}

/** Milliseconds that it took to make these spans. */
function trace(tracing: Tracing, count: number): number {
  const before = performance.now()
  for (let i = 0; i < count; i++) {
    const span = tracing.tracer()?.start(parent)
    span?.stage('framing')
    span?.end(allowed)
  }
  return performance.now() - before
}

describe('tracing', () => {
  it('is nothing where it is off', async () => {
    const { tracing, lines } = await start({})
    expect([tracing.tracer(), tracing.spans, lines]).toEqual([undefined, undefined, []])
    await tracing.stop(0)
  })

  it('loads OpenTelemetry in one place, and only when it is started', () => {
    const imports = readdirSync(import.meta.dirname)
      .filter(name => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      .flatMap(name => {
        const text = readFileSync(join(import.meta.dirname, name), 'utf8')
        const runtime = /^import (?!type\b)[^;]*? from '(?:@opentelemetry\/[^']+|\.\/create-(?:otlp|decision)[^']*)'/m
        return runtime.test(text) ? [name] : []
      })
    expect(imports).toEqual(['create-decision-tracer.ts', 'create-otlp-tracing.ts'])
  })

  it('hands spans to the collector, with what the environment says of this process', async () => {
    const { url, exports, spans } = await collector()
    const { tracing, lines } = await start({
      OTEL_EXPORTER_OTLP_ENDPOINT: `${url}/otlp/`,
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20s3cret',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
    })
    trace(tracing, 1)
    await tracing.stop(5000)
    expect(exports).toMatchObject([{ path: '/otlp/v1/traces', headers: { authorization: 'Bearer s3cret' } }])
    expect(spans.map(({ name }) => name)).toEqual(['mcp.authz tools/call', 'mcp.authz.framing'])
    const [decision, stage] = spans
    expect(decision).toMatchObject({
      traceId: '0af7651916cd43dd8448eb211c80319c',
      parentSpanId: 'b7ad6b7169203331',
      kind: spanKinds.server,
      service: 'mcp-authz',
      resource: { 'deployment.environment.name': 'test', 'service.version': expect.stringMatching(/^\d/) },
      attributes: { 'mcp_authz.decision_id': 'd1', 'mcp_authz.would_deny': ['a', 'b'] },
    })
    expect(stage?.parentSpanId).toBe(decision?.spanId)
    expect(tracing.spans?.()).toEqual({ exported: 2, dropped: 0, failed: 0 })
    expect(lines).toEqual([expect.stringContaining('decisions are traced')])
    expect(lines.join()).not.toContain('s3cret')
  })

  it('tells the time of the system', async () => {
    const { url, spans } = await collector()
    const { tracing } = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: url })
    const before = BigInt(Date.now() - 3) * 1_000_000n
    trace(tracing, 1)
    const after = BigInt(Date.now() + 3) * 1_000_000n
    await tracing.stop(5000)
    for (const { startTimeUnixNano, endTimeUnixNano } of spans) {
      expect(startTimeUnixNano).toBeGreaterThan(before)
      expect(endTimeUnixNano).toBeLessThan(after)
      expect(endTimeUnixNano).toBeGreaterThanOrEqual(startTimeUnixNano)
    }
  })

  it('compresses where it is asked to', async () => {
    const { url, exports, spans } = await collector()
    const { tracing } = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' })
    trace(tracing, 1)
    await tracing.stop(5000)
    expect(exports[0]?.headers['content-encoding']).toBe('gzip')
    expect(spans.length).toBe(2)
  })

  it('goes on where a certificate cannot be read, without traces', async () => {
    const { tracing, lines } = await start({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector:4318',
      OTEL_EXPORTER_OTLP_CERTIFICATE: '/nowhere.pem',
    })
    expect(tracing.tracer()).toBeUndefined()
    expect(lines).toEqual([expect.stringContaining('error tracing could not be started')])
  })

  it('says what is wrong with the variables', async () => {
    const { lines } = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' })
    expect(lines).toEqual([expect.stringContaining('OTEL_EXPORTER_OTLP_ENDPOINT is not an http or https URL')])
  })
})

describe('a collector that', () => {
  const small = { OTEL_BSP_MAX_QUEUE_SIZE: '100', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '10', OTEL_BSP_SCHEDULE_DELAY: '10' }

  it.each<[string, (one: Collector) => Promise<void> | undefined]>([
    ['has gone', one => one.stop()],
    ['never answers', one => void one.answer('never')],
  ])('%s holds nobody up, and its losses are counted', async (_name, become) => {
    const one = await collector()
    await become(one)
    const { tracing } = await start({ ...small, OTEL_EXPORTER_OTLP_ENDPOINT: one.url })
    // A second for five thousand decisions is very much; waiting for the collector once would be more.
    expect(trace(tracing, 5000)).toBeLessThan(2000)
    const before = performance.now()
    await tracing.stop(200)
    expect(performance.now() - before).toBeLessThan(1500)
    const { exported, dropped, failed } = tracing.spans?.() ?? {}
    expect(exported).toBe(0)
    expect((dropped ?? 0) + (failed ?? 0)).toBe(10_000)
    const registry = new Registry()
    registerSpanMetrics(registry, () => tracing.spans?.() ?? { exported: 0, dropped: 0, failed: 0 })
    for (let scrape = 0; scrape < 2; scrape++)
      expect(await registry.metrics()).toContain(`mcp_authz_trace_spans_total{result="dropped"} ${dropped}`)
  })

  it('refuses spans is told of, but not each time', async () => {
    const one = await collector()
    one.answer(400)
    const { tracing, lines } = await start({ ...small, OTEL_EXPORTER_OTLP_ENDPOINT: one.url })
    for (let i = 0; i < 12; i++) {
      trace(tracing, 1)
      const { failed = 0 } = tracing.spans?.() ?? {}
      await vi.waitFor(() => expect(tracing.spans?.().failed).toBeGreaterThan(failed), { timeout: 5000 })
    }
    const told = lines.filter(line => line.startsWith('warn'))
    expect(told.length).toBe(5)
    expect(told[0]).toContain('the collector of traces did not take spans: it answered HTTP 400')
  })
})
