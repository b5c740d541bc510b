import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { parseStrictJson } from '../../protocol/strict-json.js'
import { InvocationRetention } from './invocation-retention.js'
import { KubernetesRecords, type Told } from './kubernetes-records.js'
import type { StoreAnswer, StoreFailure, StoreRequest } from './object-store.js'

const record = (over: object = {}) =>
  JSON.stringify({
    ...{ version: 'mcp-authz.dev/decision/v1', decision_id: 'd', timestamp: '2026-11-21T12:00:00Z', decision: 'deny' },
    ...{ reason: 'r', server: 's', subject: { user: 'alice' } },
    mcp: { method: 'tools/call', target: { kind: 'tool', name: 'x' } },
    ...over,
  })
const ok: StoreAnswer = { ok: true, status: 201, body: null }

function setUp(told: { events?: Told; invocations?: Told }, answer: (request: StoreRequest) => StoreAnswer = () => ok) {
  const requests: StoreRequest[] = []
  const failures: StoreFailure[] = []
  const store = {
    async request(request: StoreRequest) {
      requests.push(request)
      return answer(request)
    },
  }
  const common = { store, namespace: 'ns', onFailure: (failure: StoreFailure) => void failures.push(failure) }
  const records = new KubernetesRecords({
    ...common,
    ...{ replica: 'p', events: 'none', invocations: 'none', ...told },
    ...{ retentionMs: 3_600_000, maxObjects: 2, flushMs: 1000 },
  })
  const written = () => requests.filter(({ method }) => method === 'POST').map(({ body }) => JSON.parse(body ?? ''))
  return { records, requests, failures, common, written }
}

const passing = (ms: number) => vi.advanceTimersByTimeAsync(ms)

/** What the API server makes of it: test/kube/decision-records.kube.test.ts. */
describe('a cluster', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  const allow = { decision: 'allow', reason: undefined }
  const audit = { ...allow, would_deny: [{ reason: 'w' }] }

  it.each<[string, { events?: Told; invocations?: Told }, string[]]>([
    ['denials by Events', { events: 'denials' }, ['Event Denied', 'Event WouldDeny']],
    ['everything by Events', { events: 'all' }, ['Event Allowed', 'Event Denied', 'Event WouldDeny']],
    ['denials by objects', { invocations: 'denials' }, ['Deny', 'WouldDeny']],
    ['all calls by objects', { invocations: 'all' }, ['Allow', 'Deny', 'WouldDeny']],
    [
      'denials by Events and all by objects',
      { events: 'denials', invocations: 'all' },
      ['Allow', 'Deny', 'Event Denied', 'Event WouldDeny', 'WouldDeny'],
    ],
  ])('is told %s', async (_name, told, expected) => {
    const { records, written } = setUp(told)
    for (const over of [allow, {}, audit]) records.write(record(over))
    records.write(record({ ...allow, arguments: { decision: 'deny' }, decision: 'respond' }))
    records.write(JSON.stringify({ version: 'mcp-authz.dev/result/v1', decision: 'deny' }))
    await passing(1000)
    const said = written().map(({ kind, reason, spec }) => (kind === 'Event' ? `Event ${reason}` : spec.decision))
    expect(said.sort()).toEqual(expected)
  })

  it('is told by objects of calls of tools only', async () => {
    const { records, written } = setUp({ invocations: 'all' })
    records.write(record({ mcp: { method: 'tools/list' } }))
    records.write(record({ mcp: undefined }))
    await passing(1000)
    expect(written()).toEqual([])
  })

  it('is told no more than fits, and what does not fit is counted, but is no lost record', async () => {
    const { records } = setUp({ events: 'all', invocations: 'all' })
    for (let i = 0; i < 5000; i++) records.write(record({ decision_id: `d${i}` }))
    expect(records.samples.map(({ dropped }) => dropped)).toEqual([3000, 3000])
    const closed = records.close()
    await passing(1500)
    await closed
    const [events, invocations] = records.samples
    expect(events).toMatchObject({ exported: 1, failed: 0 })
    expect((invocations?.exported ?? 0) + (invocations?.dropped ?? 0)).toBe(5000)
    expect(records.dropped).toBe(0)
    records.write(record())
    expect(records.samples[0]?.dropped).toBe(3000)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('that does not answer does not keep the service from its end', async () => {
    const { records } = setUp({ events: 'all' }, () => ({
      ...{ ok: false, reason: 'unavailable', status: undefined, message: 'no connection' },
    }))
    records.write(record())
    await passing(100)
    const closed = records.close()
    await passing(1001)
    await closed
    expect(records.samples).toEqual([{ sink: 'events', exported: 0, dropped: 1, failed: 0 }])
  })
})

describe('retention', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  const page = (names: readonly string[], next = ''): StoreAnswer => {
    const items = names.map((name, i) => ({ metadata: { name, creationTimestamp: new Date(i * 1000).toISOString() } }))
    const text = JSON.stringify({ metadata: next === '' ? {} : { continue: next }, items })
    const parsed = parseStrictJson(Buffer.from(text))
    if (!parsed.ok) throw new Error(parsed.message)
    return { ok: true, status: 200, body: parsed.value }
  }
  const retain = (answer: (request: StoreRequest) => StoreAnswer) => {
    const made = setUp({}, answer)
    const retention = new InvocationRetention({
      ...{ ...made.common, retentionMs: 3_600_000, maxObjects: 2, firstLookMs: 100, now: () => 10_000 },
    })
    const deleted = () =>
      made.requests.flatMap(({ method, path }) => (method === 'DELETE' ? [path.split('/').at(-1)] : []))
    return { ...made, retention, deleted }
  }

  it('reads all pages, by names and times only, and removes the oldest', async () => {
    const { requests, deleted, retention } = retain(({ method, path }) =>
      method === 'DELETE' ? ok : path.includes('continue=more') ? page(['c', 'd']) : page(['a', 'b'], 'more'),
    )
    await passing(2000)
    expect(requests[0]).toMatchObject({
      accept: expect.stringContaining('as=PartialObjectMetadataList'),
      path: expect.stringContaining('labelSelector=app.kubernetes.io%2Fmanaged-by%3Dmcp-authz'),
    })
    // Both pages begin with the oldest here.
    expect(deleted().sort()).toEqual(['a', 'c'])
    retention.stop()
    await passing(600_000)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('looks again, and finds gone what another replica has removed', async () => {
    const { deleted, failures, retention } = retain(({ method }) =>
      method === 'DELETE' ? { ok: false, reason: 'refused', status: 404, message: 'gone' } : page(['a', 'b', 'c']),
    )
    await passing(150_000)
    expect(deleted().length).toBeGreaterThan(1)
    expect(failures).toEqual([])
    retention.stop()
  })

  it('passes over a list that ran out of time, and names that cannot be', async () => {
    let looks = 0
    const { deleted, failures, retention } = retain(({ method }) => {
      if (method === 'DELETE') return ok
      if (++looks === 1) return { ok: false, reason: 'refused', status: 410, message: 'expired' }
      return page(['../../secrets', 'a', 'b', 'c'])
    })
    await passing(80_000)
    expect(deleted()).toEqual(['a'])
    expect(failures).toEqual([])
    retention.stop()
  })

  it('says what it may not do', async () => {
    const { failures, retention } = retain(() => ({ ok: false, reason: 'refused', status: 403, message: 'no' }))
    await passing(1000)
    expect(failures.map(({ status }) => status)).toEqual([403])
    retention.stop()
  })
})
