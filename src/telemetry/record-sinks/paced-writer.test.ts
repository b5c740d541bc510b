import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { StoreAnswer, StoreFailure, StoreRequest } from './object-store.js'
import { type Job, PacedWriter, type PacedWriterOptions } from './paced-writer.js'

type Answer = (request: StoreRequest) => StoreAnswer | Promise<StoreAnswer>

const fine: StoreAnswer = { ok: true, status: 201, body: null }
const failed = (reason: StoreFailure['reason'], status?: number, retryAfterMs?: number): StoreAnswer => ({
  ...{ ok: false, reason, status, message: 'it says no' },
  ...(retryAfterMs !== undefined && { retryAfterMs }),
})

function setUp(answer: Answer, options: Partial<PacedWriterOptions> = {}) {
  const asked: string[] = []
  const failures: StoreFailure[] = []
  const done: string[] = []
  const writer = new PacedWriter({
    store: {
      async request(request) {
        asked.push(request.path)
        return answer(request)
      },
    },
    ...{ maxWaiting: 5, atOnce: 2, burst: 3, perSecond: 1, random: () => 1 },
    onFailure: failure => failures.push(failure),
    ...options,
  })
  const job = (path: string, over: Partial<Job> = {}): Job => ({
    request: () => ({ method: 'POST', path }),
    onDone: (result, status) => done.push(`${path} ${result} ${status}`),
    ...over,
  })
  return { writer, asked, failures, done, job }
}

const passing = (ms: number) => vi.advanceTimersByTimeAsync(ms)

describe('a paced writer', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
  afterEach(() => void vi.useRealTimers())

  it('sends what it may at once, and the rest at its pace', async () => {
    const { writer, asked, job } = setUp(() => fine)
    for (const path of ['a', 'b', 'c', 'd', 'e']) expect(writer.add(job(path))).toBe(true)
    expect(asked).toEqual([])
    await passing(50)
    expect(asked).toEqual(['a', 'b', 'c'])
    await passing(1000)
    expect(asked).toHaveLength(4)
    await passing(1000)
    expect(asked).toHaveLength(5)
    expect(writer.counts).toEqual({ exported: 5, dropped: 0, failed: 0 })
  })

  it('has no more than so many under way, and drops beyond its limit', async () => {
    const { writer, asked, job } = setUp(() => new Promise(() => {}))
    for (const path of ['a', 'b', 'c', 'd', 'e']) writer.add(job(path))
    await passing(5000)
    expect(asked).toEqual(['a', 'b'])
    expect(writer.add(job('f'))).toBe(false)
    expect(writer.counts).toEqual({ exported: 0, dropped: 1, failed: 0 })
    const stopped = writer.stop(1000)
    await passing(1001)
    await stopped
    expect(writer.counts.dropped).toBe(6)
  })

  it.each<[string, StoreAnswer]>([
    ['no connection', failed('unavailable')],
    ['an error of the API server', failed('unavailable', 503)],
    ['no answer in time', failed('timeout')],
    ['too many requests', failed('throttled', 429)],
  ])('tries again after %s, and after that what waited behind it', async (_name, answer) => {
    let times = 0
    const { writer, asked, done, job } = setUp(() => (++times <= 2 ? answer : fine), { atOnce: 1, burst: 10 })
    writer.add(job('a'))
    writer.add(job('b'))
    await passing(900)
    expect(asked).toEqual(['a'])
    await passing(5000)
    expect(asked).toEqual(['a', 'a', 'a', 'b'])
    expect(done).toEqual(['a written 201', 'b written 201'])
    expect(writer.counts).toEqual({ exported: 2, dropped: 0, failed: 0 })
  })

  it('waits before it tries again although another job was about to be sent', async () => {
    const { writer, asked, job } = setUp(() => failed('unavailable'), { atOnce: 2, burst: 10 })
    for (const path of ['a', 'b', 'c']) writer.add(job(path))
    await passing(900)
    expect(asked).toEqual(['a'])
    await passing(200)
    expect(asked).toEqual(['a', 'a'])
    await passing(1800)
    expect(asked).toEqual(['a', 'a'])
  })

  it('leaves an API server alone for as long as it asks, within limits', async () => {
    let times = 0
    const { writer, asked, job } = setUp(() => (++times === 1 ? failed('throttled', 429, 7000) : fine))
    writer.add(job('a'))
    await passing(6900)
    expect(asked).toHaveLength(1)
    await passing(200)
    expect(asked).toHaveLength(2)
    const endless = setUp(() => failed('throttled', 429, 1e9))
    endless.writer.add(endless.job('a'))
    await passing(31_000)
    expect(endless.asked).toHaveLength(2)
  })

  it('gives up after a while', async () => {
    const { writer, asked, failures, done, job } = setUp(() => failed('unavailable'))
    writer.add(job('a'))
    await passing(300_000)
    expect(asked).toHaveLength(6)
    expect(writer.counts).toEqual({ exported: 0, dropped: 0, failed: 1 })
    expect([failures.length, done]).toEqual([1, ['a failed undefined']])
  })

  it('does not try again what was refused, and takes for done what is as good', async () => {
    const { writer, asked, done, job } = setUp(({ path }) => failed('refused', path === 'a' ? 403 : 409))
    writer.add(job('a', { fine: [409] }))
    writer.add(job('b', { fine: [409] }))
    await passing(60_000)
    expect(asked).toEqual(['a', 'b'])
    expect(done).toEqual(['a failed 403', 'b written 409'])
  })

  it('passes over what has nothing to do any more', async () => {
    const { writer, asked, job } = setUp(() => fine)
    writer.add(job('a', { request: () => undefined }))
    writer.add(job('b'))
    await passing(50)
    expect(asked).toEqual(['b'])
    await writer.stop(1000)
    expect(vi.getTimerCount()).toBe(0)
  })
})
