import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { StoreAnswer, StoreFailure, StoreRequest } from './object-store.js'
import { RecordEvents } from './record-events.js'
import { readToldRecord, type ToldRecord } from './told-record.js'

const told = (over: object = {}): ToldRecord => {
  const record = readToldRecord(
    JSON.stringify({
      ...{ version: 'mcp-authz.dev/decision/v1', decision_id: 'd1', timestamp: '2026-11-21T12:00:00.5Z' },
      ...{ decision: 'deny', reason: 'r', server: 'kubernetes', subject: { user: 'alice' } },
      ...over,
    }),
  )
  if (record === undefined) throw new Error('no record')
  return record
}
const ok: StoreAnswer = { ok: true, status: 201, body: null }

function setUp(answer: (request: StoreRequest) => StoreAnswer | Promise<StoreAnswer> = () => ok) {
  const requests: StoreRequest[] = []
  const failures: StoreFailure[] = []
  const events = new RecordEvents({
    store: {
      async request(request) {
        requests.push(request)
        return answer(request)
      },
    },
    ...{ namespace: 'ns', replica: 'pod-1' },
    onFailure: failure => failures.push(failure),
  })
  const sent = () => requests.map(({ method, body }) => ({ method, ...JSON.parse(body ?? '{}') }))
  return { events, requests, failures, sent }
}

const passing = (ms: number) => vi.advanceTimersByTimeAsync(ms)

/** What the API server makes of them: test/kube/decision-records.kube.test.ts. */
describe('Events about decisions', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('count what is the same, and tell the count every half a minute', async () => {
    const { events, requests, sent } = setUp()
    for (let i = 0; i < 100; i++) events.tell(told({ decision_id: `d${i}` }))
    await passing(20_000)
    expect(sent()).toMatchObject([{ method: 'POST', reason: 'Denied', series: { count: 100 } }])
    events.tell(told({ timestamp: '2026-11-21T12:00:07.25Z' }))
    await passing(60_000)
    expect(requests[1]).toMatchObject({
      method: 'PATCH',
      path:
        requests[0] && `/apis/events.k8s.io/v1/namespaces/ns/events/${sent()[0]?.metadata.name}?fieldValidation=Strict`,
      contentType: 'application/merge-patch+json',
    })
    expect(sent()[1]?.series).toEqual({ count: 101, lastObservedTime: '2026-11-21T12:00:07.250000Z' })
    expect(requests).toHaveLength(2)
  })

  it('stand for one Server, reason, outcome and subject each', async () => {
    const { events, sent } = setUp()
    events.tell(told())
    events.tell(told({ server: 'other' }))
    events.tell(told({ reason: 'other' }))
    events.tell(told({ subject: { user: 'bob' } }))
    events.tell(told({ subject: { user: 'alice', issuer: 'https://other' } }))
    events.tell(told({ decision: 'allow', would_deny: [{ reason: 'r' }] }))
    await passing(1000)
    expect(sent().map(({ reason }) => reason)).toEqual([...Array(5).fill('Denied'), 'WouldDeny'])
    expect(new Set(sent().map(({ metadata }) => metadata.name)).size).toBe(6)
  })

  it('count as many requests as a record stands for, and no more than there is a number for', async () => {
    const { events, sent } = setUp()
    events.tell(told({ requests: 40 }))
    events.tell(told({ requests: 2 }))
    events.tell(told({ requests: 2 ** 31, server: 'other' }))
    await passing(1000)
    expect(sent().map(({ series }) => series.count)).toEqual([42, 2 ** 31 - 1])
  })

  it('have names that follow from the decision', async () => {
    const names: string[] = []
    for (let i = 0; i < 2; i++) {
      const { events, sent } = setUp()
      events.tell(told())
      await passing(100)
      names.push(sent()[0]?.metadata.name)
    }
    expect(names[0]).toMatch(/^kubernetes\.[0-9a-f]{16}$/)
    expect(names[1]).toBe(names[0])
  })

  it('begin anew where the cluster has forgotten them, and after a silence', async () => {
    const { events, requests, sent } = setUp(({ method }) =>
      method === 'POST' ? ok : { ok: false, reason: 'refused', status: 404, message: 'not found' },
    )
    events.tell(told({ decision_id: 'd1' }))
    await passing(1000)
    events.tell(told({ decision_id: 'd2' }))
    await passing(40_000)
    expect(requests.map(({ method }) => method)).toEqual(['POST', 'PATCH'])
    events.tell(told({ decision_id: 'd3' }))
    await passing(1000)
    await passing(10 * 60_000)
    events.tell(told({ decision_id: 'd4' }))
    await passing(1000)
    const created = sent().filter(({ method }) => method === 'POST')
    expect(new Set(created.map(({ metadata }) => metadata.name)).size).toBe(3)
    expect(created.map(({ note }) => note.match(/d\d$/)?.[0])).toEqual(['d1', 'd3', 'd4'])
  })

  it('are no more than so many, and come at a limited pace', async () => {
    const { events, requests } = setUp()
    for (let i = 0; i < 3000; i++) events.tell(told({ subject: { user: `user-${i}` } }))
    expect(events.counts.dropped).toBe(2000)
    await passing(1000)
    expect(requests.length).toBeLessThanOrEqual(61)
    await passing(120_000)
    expect(events.counts.exported).toBe(1000)
  })

  it.each([403, 404, 422])(
    'that were refused (%i) are counted, and tried anew with the next decision',
    async status => {
      const { events, failures, requests } = setUp(() => ({ ok: false, reason: 'refused', status, message: 'no' }))
      events.tell(told())
      await passing(1000)
      events.tell(told())
      await passing(1000)
      expect([failures.length, requests.length, events.counts.failed]).toEqual([2, 2, 2])
    },
  )

  it('say in the end what was counted since', async () => {
    const { events, sent } = setUp()
    events.tell(told())
    await passing(1000)
    for (let i = 0; i < 5; i++) events.tell(told())
    const stopped = events.stop(1000)
    await passing(1000)
    await stopped
    expect(sent()[1]?.series.count).toBe(6)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('say in the end also what was counted while the last one was under way', async () => {
    const { events, sent } = setUp(async () => {
      await new Promise(resolve => setTimeout(resolve, 300))
      return ok
    })
    events.tell(told())
    await passing(10)
    for (let i = 0; i < 5; i++) events.tell(told())
    const stopped = events.stop(1000)
    await passing(1000)
    await stopped
    expect(sent().map(({ series }) => series?.count)).toEqual([undefined, 6])
    expect(vi.getTimerCount()).toBe(0)
  })
})
