import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ExportTimeout, SpanQueue } from './span-queue.js'

type Done = (result: { readonly code: number; readonly error?: Error }) => void

const limits = { maxSpans: 10, batchSpans: 4, delayMs: 1000, exportMs: 5000 }

/** A collector that the test plays. */
function setUp(settings: Partial<typeof limits> = {}, answer: 'later' | 'ok' | 'fails' | 'throws' = 'later') {
  const batches: { readonly size: number; readonly done: Done }[] = []
  const failures: unknown[] = []
  const queue = new SpanQueue({
    ...{ ...limits, ...settings },
    send(spans: ReadableSpan[]) {
      return new Promise(resolve => {
        const done: Done = ({ code, error }) => resolve(code === 0 ? undefined : (error ?? new Error('not exported')))
        batches.push({ size: spans.length, done })
        if (answer === 'ok') done({ code: 0 })
        if (answer === 'fails') done({ code: 1, error: new Error('refused') })
        if (answer === 'throws') throw new Error('broken')
      })
    },
    onFailed: error => failures.push(error),
  })
  return { queue, batches, failures, sizes: () => batches.map(({ size }) => size) }
}

const span = someSpan()

function someSpan(): ReadableSpan {
  const exporter = new InMemorySpanExporter()
  new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).getTracer('t').startSpan('s').end()
  const [made] = exporter.getFinishedSpans()
  if (made === undefined) throw new Error('no span was made')
  return made
}

function add(queue: SpanQueue, count: number): void {
  for (let i = 0; i < count; i++) queue.onEnd(span)
}

/** Lets promises settle and timers of no delay run. */
const settle = () => vi.advanceTimersByTimeAsync(1)

describe('SpanQueue', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('gathers spans for a while', async () => {
    const { queue, sizes } = setUp({}, 'ok')
    add(queue, 2)
    await vi.advanceTimersByTimeAsync(999)
    expect(sizes()).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(sizes()).toEqual([2])
    expect(queue.counts).toEqual({ exported: 2, dropped: 0, failed: 0 })
  })

  it('sends a full batch at once, but not before the decision is through', async () => {
    const { queue, sizes } = setUp({}, 'ok')
    add(queue, 4)
    expect(sizes()).toEqual([])
    await settle()
    expect(sizes()).toEqual([4])
    add(queue, 1)
    await vi.advanceTimersByTimeAsync(1000)
    expect(sizes()).toEqual([4, 1])
  })

  it('sends a full batch at once although the clock for a small one runs', async () => {
    const { queue, sizes } = setUp({}, 'ok')
    add(queue, 1)
    await vi.advanceTimersByTimeAsync(500)
    add(queue, 7)
    await settle()
    expect(sizes()).toEqual([4, 4])
  })

  it('sends one batch at a time and drops what finds no room', async () => {
    const { queue, batches, sizes } = setUp()
    add(queue, 4)
    await settle()
    add(queue, 12)
    await vi.advanceTimersByTimeAsync(4000)
    expect(sizes()).toEqual([4])
    expect(queue.counts).toEqual({ exported: 0, dropped: 2, failed: 0 })
    batches[0]?.done({ code: 0 })
    await settle()
    expect(sizes()).toEqual([4, 4])
    expect(queue.counts.exported).toBe(4)
  })

  it.each(['fails', 'throws'] as const)('waits after an export that %s, however much there is to send', async how => {
    const { queue, sizes, failures } = setUp({}, how)
    add(queue, 9)
    await settle()
    expect(sizes()).toEqual([4])
    await vi.advanceTimersByTimeAsync(998)
    add(queue, 1)
    expect(sizes()).toEqual([4])
    await vi.advanceTimersByTimeAsync(2)
    expect(sizes()).toEqual([4, 4])
    expect(failures.length).toBe(2)
    expect(queue.counts).toEqual({ exported: 0, dropped: 0, failed: 8 })
  })

  it('gives an export up', async () => {
    const { queue, failures, batches } = setUp()
    add(queue, 4)
    await vi.advanceTimersByTimeAsync(5000)
    expect(failures[0]).toBeInstanceOf(ExportTimeout)
    expect(queue.counts.failed).toBe(4)
    // What comes too late does not count again.
    batches[0]?.done({ code: 0 })
    await settle()
    expect(queue.counts).toEqual({ exported: 0, dropped: 0, failed: 4 })
  })

  it('hands over the rest at the end, and takes nothing after it', async () => {
    const { queue, sizes } = setUp({}, 'ok')
    add(queue, 9)
    await queue.stop(1000)
    expect(sizes()).toEqual([4, 4, 1])
    add(queue, 1)
    expect(queue.counts).toEqual({ exported: 9, dropped: 1, failed: 0 })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('ends in time when the collector does not answer', async () => {
    const { queue, sizes } = setUp()
    add(queue, 9)
    const stopped = queue.stop(300)
    await vi.advanceTimersByTimeAsync(300)
    await stopped
    expect(sizes()).toEqual([4])
    expect(queue.counts).toEqual({ exported: 0, dropped: 5, failed: 4 })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('waits at the end as long as there are answers, and not long for who says nothing', async () => {
    const { queue, batches } = setUp()
    add(queue, 9)
    let ended = false
    void queue.stop(60_000).then(() => {
      ended = true
    })
    for (const batch of [0, 1]) {
      await vi.advanceTimersByTimeAsync(1400)
      batches[batch]?.done({ code: 0 })
    }
    await vi.advanceTimersByTimeAsync(1400)
    expect([batches.length, ended]).toEqual([3, false])
    await vi.advanceTimersByTimeAsync(101)
    expect(ended).toBe(true)
    expect(queue.counts).toEqual({ exported: 8, dropped: 0, failed: 1 })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('gives who did not take the last spans a second more at the end, and not all the time there is', async () => {
    const { queue, batches } = setUp()
    add(queue, 5)
    await vi.advanceTimersByTimeAsync(1)
    batches[0]?.done({ code: 1 })
    await vi.advanceTimersByTimeAsync(1)
    let ended = false
    void queue.stop(60_000).then(() => {
      ended = true
    })
    await vi.advanceTimersByTimeAsync(900)
    // It was asked again, and says nothing.
    expect([batches.length, ended]).toEqual([2, false])
    await vi.advanceTimersByTimeAsync(101)
    expect(ended).toBe(true)
    expect(queue.counts).toEqual({ exported: 0, dropped: 0, failed: 5 })
  })

  it('does not go on asking at the end who has just refused', async () => {
    const { queue, sizes } = setUp({}, 'fails')
    add(queue, 9)
    await queue.stop(1000)
    expect(sizes()).toEqual([4])
    expect(queue.counts).toEqual({ exported: 0, dropped: 5, failed: 4 })
  })

  it('never has batches larger than the queue', async () => {
    const { queue, sizes } = setUp({ maxSpans: 3, batchSpans: 100 }, 'ok')
    add(queue, 5)
    await settle()
    expect(sizes()).toEqual([3])
    expect(queue.counts.dropped).toBe(2)
  })
})
