import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { rejectedLogs } from '../../../test/e2e/otlp-messages.js'
import { type Collector, startCollector } from '../../../test/e2e/tracing-collector.js'
import type { Logger } from '../logger.js'
import { openOtlpRecords } from './open-otlp-records.js'

const stops: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

async function collector(): Promise<Collector> {
  const started = await startCollector()
  stops.push(() => started.stop())
  return started
}

const fast = { OTEL_LOGS_EXPORTER: 'otlp', OTEL_BLRP_SCHEDULE_DELAY: '10' }

function open(url: string, env: Readonly<Record<string, string>> = {}, flushMs = 5000) {
  const lines: string[] = []
  const at = (level: string) => (message: string) => void lines.push(`${level} ${message}`)
  const log: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  const records = openOtlpRecords({ ...fast, OTEL_EXPORTER_OTLP_ENDPOINT: url, ...env }, log, {
    maxBufferedBytes: 1024 * 1024,
    flushMs,
  })
  if (records === undefined) throw new Error('it is off')
  stops.push(() => records.close(0))
  return { records, lines }
}

const denial = {
  version: 'mcp-authz.dev/decision/v1',
  decision_id: 'b2e75360-1966-4bc2-bab2-08c358e1a7f4',
  timestamp: '2026-11-21T16:57:27.815Z',
  mode: 'enforce',
  decision: 'deny',
  reason: 'guardrail.violated',
  policy: 'Guardrail/replica-cap',
  server: 'kubernetes',
  subject: { kind: 'user', user: 'alice', groups: ['a', 'b'], issuer: 'https://idp.example.com' },
  mcp: { method: 'tools/call', id: 1 },
  arguments: { scale: 10, ratio: 0.5, force: true, empty: [], nested: { '': 'no name' } },
  trace_id: '0af7651916cd43dd8448eb211c80319c',
  elapsed_us: 2352,
}

describe('records by OTLP', () => {
  it.each<[string, Record<string, string>, RegExp | undefined]>([
    ['nothing is set', {}, undefined],
    ['only an endpoint is set', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }, undefined],
    ['another exporter is asked for', { OTEL_LOGS_EXPORTER: 'console' }, /console is not offered/],
    ['the SDK is disabled', { ...fast, OTEL_SDK_DISABLED: 'true' }, undefined],
    [
      'the endpoint is none',
      { ...fast, OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'collector' },
      /OTEL_EXPORTER_OTLP_LOGS_ENDPOINT is not .*no decision records are exported/,
    ],
  ])('are off where %s', (_name, env, told) => {
    const lines: string[] = []
    const log = { debug() {}, info() {}, warn: (line: string) => void lines.push(line), error() {} }
    expect(openOtlpRecords(env, log, { maxBufferedBytes: 1, flushMs: 1 })).toBeUndefined()
    expect(lines).toEqual(told === undefined ? [] : [expect.stringMatching(told)])
  })

  it('are the records, with what can be searched for beside them', async () => {
    const one = await collector()
    const { records } = open(one.url, { OTEL_SERVICE_NAME: 'authz-1', OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' })
    records.write(JSON.stringify(denial))
    await records.close()
    expect(one.exports[0]).toMatchObject({ path: '/v1/logs', headers: { 'content-encoding': 'gzip' } })
    expect(one.logs).toEqual([
      {
        resource: expect.objectContaining({ 'service.name': 'authz-1', 'service.version': expect.any(String) }),
        timeUnixNano: BigInt(Date.parse(denial.timestamp)) * 1_000_000n,
        observedTimeUnixNano: expect.any(BigInt),
        severityNumber: 13,
        severityText: 'WARN',
        eventName: 'mcp_authz.decision',
        traceId: denial.trace_id,
        spanId: '',
        body: denial,
        attributes: {
          'mcp_authz.decision_id': denial.decision_id,
          'mcp_authz.decision': 'deny',
          'mcp_authz.reason': 'guardrail.violated',
          'mcp_authz.policy': 'Guardrail/replica-cap',
          'mcp_authz.server': 'kubernetes',
          'mcp_authz.mode': 'enforce',
        },
      },
    ])
    expect(records.samples).toEqual([{ sink: 'otlp', exported: 1, dropped: 0, failed: 0 }])
  })

  it.each<[string, object, object]>([
    ['an allow', { decision: 'allow' }, { severityText: 'INFO', eventName: 'mcp_authz.decision' }],
    ['a dependency that fails', { reason: 'dependency.keys' }, { severityText: 'ERROR' }],
    [
      'a result',
      { version: 'mcp-authz.dev/result/v1', decision: undefined, result: 'redacted' },
      { severityText: 'INFO', eventName: 'mcp_authz.result' },
    ],
    ['no trace', { trace_id: undefined }, { traceId: '' }],
    [
      'a withheld result',
      { version: 'mcp-authz.dev/result/v1', decision: undefined, result: 'withheld' },
      { severityText: 'WARN', attributes: expect.objectContaining({ 'mcp_authz.result': 'withheld' }) },
    ],
  ])('tell %s', async (_name, over, expected) => {
    const one = await collector()
    const { records } = open(one.url)
    records.write(JSON.stringify({ ...denial, ...over }))
    await records.close()
    expect(one.logs).toMatchObject([expected])
  })

  it('hold integers of any size, and a line that is no record as it is', async () => {
    const one = await collector()
    const { records } = open(one.url)
    records.write('{"version":"mcp-authz.dev/decision/v1","mcp":{"id":9223372036854775807}}')
    records.write('no record')
    await records.close()
    expect(one.logs.map(({ body }) => body)).toEqual([
      { version: 'mcp-authz.dev/decision/v1', mcp: { id: '9223372036854775807' } },
      'no record',
    ])
  })

  it('keep every name, whatever it means elsewhere', async () => {
    const one = await collector()
    const { records } = open(one.url)
    const names = ['__proto__', 'constructor', 'toString', '', '\u0000', 'a.b']
    const given = names.map(name => `${JSON.stringify(name)}:{"polluted":true}`).join()
    records.write(`{"version":"mcp-authz.dev/decision/v1","arguments":{${given}}}`)
    await records.close()
    const body = Object(one.logs[0]?.body)
    expect(Object.keys(body.arguments)).toEqual(names)
    expect(Object({}).polluted).toBeUndefined()
  })

  it('come in order, all of them, in batches', async () => {
    const one = await collector()
    const { records } = open(one.url, { OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: '100' })
    for (let i = 0; i < 1000; i++) records.write(JSON.stringify({ ...denial, elapsed_us: i }))
    await records.close()
    expect(one.logs.map(({ body }) => Object(body).elapsed_us)).toEqual(Array.from({ length: 1000 }, (_, i) => i))
    expect(one.exports.length).toBe(10)
    expect(records.dropped).toBe(0)
  })
})

describe('a collector of records that', () => {
  it('is away for a moment gets them later, once', async () => {
    const one = await collector()
    one.answer(503)
    const { records, lines } = open(one.url)
    records.write(JSON.stringify(denial))
    await vi.waitFor(() => expect(one.exports.length).toBe(1), 5000)
    one.answer(200)
    await vi.waitFor(() => expect(one.logs.length).toBe(1), 5000)
    await vi.waitFor(() => expect(records.samples?.[0]?.exported).toBe(1), 5000)
    expect(records.dropped).toBe(0)
    expect(lines.filter(line => line.startsWith('warn'))).toEqual([
      'warn the collector of logs did not take decision records: it answered HTTP 503',
    ])
  })

  it('says nothing once does not hold up what comes behind', async () => {
    const one = await collector()
    one.answer('never')
    // Shorter than the time for an answer (OTEL_EXPORTER_OTLP_TIMEOUT).
    const { records } = open(one.url, { OTEL_BLRP_EXPORT_TIMEOUT: '100' })
    records.write(JSON.stringify(denial))
    await vi.waitFor(() => expect(one.exports.length).toBe(1), 5000)
    one.answer(200)
    await vi.waitFor(() => expect(records.samples?.[0]?.exported).toBe(1), 5000)
    expect(one.exports.length).toBe(2)
  })

  it('cannot be trusted because there is no certificate gets none, and the log does not blame it', async () => {
    const { records, lines } = open('https://127.0.0.1:1', { OTEL_EXPORTER_OTLP_CERTIFICATE: '/no/such/file.pem' })
    records.write(JSON.stringify(denial))
    await vi.waitFor(() => expect(records.dropped).toBe(1), 5000)
    expect(lines.filter(line => line.startsWith('warn'))).toEqual([
      'warn decision records are lost because their export could not be started: ENOENT',
    ])
  })

  it('refuses them loses them, and that is counted', async () => {
    const one = await collector()
    one.answer(400)
    const { records, lines } = open(one.url)
    for (let i = 0; i < 3; i++) records.write(JSON.stringify(denial))
    await vi.waitFor(() => expect(records.dropped).toBe(3), 5000)
    expect(records.samples).toEqual([{ sink: 'otlp', exported: 0, dropped: 0, failed: 3 }])
    expect(lines.join('\n')).toContain('decision records are lost because the collector did not take them: it answered')
  })

  it('does not want some of them says how many', async () => {
    const one = await collector()
    one.answer(200, rejectedLogs(2))
    const { records } = open(one.url)
    for (let i = 0; i < 3; i++) records.write(JSON.stringify(denial))
    await records.close()
    expect(records.samples).toEqual([{ sink: 'otlp', exported: 1, dropped: 0, failed: 2 }])
    expect(records.dropped).toBe(2)
  })

  it('redirects is not followed with our credentials', async () => {
    const one = await collector()
    one.answer(307)
    const { records } = open(one.url, { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20x' })
    records.write(JSON.stringify(denial))
    await vi.waitFor(() => expect(records.dropped).toBe(1), 5000)
    expect(one.exports).toEqual([{ path: '/v1/logs', headers: expect.objectContaining({ authorization: 'Bearer x' }) }])
  })

  it.each<[string, (one: Collector) => Promise<unknown> | undefined]>([
    ['has gone', one => one.stop()],
    ['never answers', one => void one.answer('never')],
  ])('%s delays nobody, takes no more memory than it may, and does not keep the process', async (_name, become) => {
    const one = await collector()
    await become(one)
    const { records } = open(one.url, {}, 300)
    const line = JSON.stringify({ ...denial, server: 'x'.repeat(1000) })
    let longest = 0
    for (let i = 0; i < 20; i++) {
      const began = performance.now()
      for (let k = 0; k < 500; k++) records.write(line)
      longest = Math.max(longest, performance.now() - began)
      await sleep(1)
    }
    // 500 writes: a second would be very much, waiting for the collector once more.
    expect(longest).toBeLessThan(1000)
    expect(records.waitingBytes).toBeLessThanOrEqual(1024 * 1024)
    const before = performance.now()
    await records.close()
    expect(performance.now() - before).toBeLessThan(1500)
    expect(records.dropped).toBe(10_000)
    expect(records.waitingBytes).toBe(0)
    records.write(line)
    expect(records.dropped).toBe(10_001)
  })
})
