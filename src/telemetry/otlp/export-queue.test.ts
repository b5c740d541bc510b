import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ExportQueue, type ExportQueueOptions } from './export-queue.js'

/** A collector that answers in turn as the test says, and in the end well. */
function setUp(answers: readonly unknown[], options: Partial<ExportQueueOptions<string>> = {}) {
  const sent: string[][] = []
  const failures: unknown[] = []
  const queue = new ExportQueue<string>({
    ...{ maxItems: 10, batchItems: 3, delayMs: 100, exportMs: 5000 },
    send: async batch => {
      sent.push(batch)
      return answers[sent.length - 1]
    },
    onFailed: error => failures.push(error),
    sizeOf: item => item.length,
    ...options,
  })
  const add = (...items: string[]) => {
    for (const item of items) queue.add(item)
  }
  return { queue, sent, failures, add }
}

const passing = (ms: number) => vi.advanceTimersByTimeAsync(ms)
const retryMs: ExportQueueOptions<string>['retryMs'] = (error, failures) =>
  error === 'later' && failures < 3 ? 1000 * failures : undefined

/** What came before in a span queue is tested there. */
describe('an export queue', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('has batches of a limited size, whatever number somebody set', async () => {
    const { sent, add } = setUp([], { batchItems: 1.5 })
    add('a', 'b', 'c', 'd', 'e')
    await passing(1000)
    expect(sent.map(batch => batch.length)).toEqual([2, 2, 1])
  })

  it('sends a batch that was not taken again, as it was, before others', async () => {
    const { queue, sent, failures, add } = setUp(['later', 'later'], { retryMs })
    add('a', 'b', 'c', 'd')
    await passing(1)
    add('e')
    await passing(998)
    expect(sent).toEqual([['a', 'b', 'c']])
    await passing(2)
    await passing(2001)
    expect(sent).toEqual([
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
    ])
    await passing(200)
    expect(sent.at(-1)).toEqual(['d', 'e'])
    expect(queue.counts).toEqual({ exported: 5, dropped: 0, failed: 0 })
    expect(failures).toEqual([])
    expect(queue.waitingBytes).toBe(0)
  })

  it('loses it after so many times, or where it makes no sense, and goes on', async () => {
    const { queue, failures, add } = setUp(['later', 'later', 'later', 'never'], { retryMs })
    add('a', 'b', 'c', 'd', 'e', 'f', 'g')
    await passing(20_000)
    expect(queue.counts).toEqual({ exported: 1, dropped: 0, failed: 6 })
    expect(failures).toEqual(['later', 'never'])
    expect(queue.waitingBytes).toBe(0)
  })

  it('counts what waits to be sent again against its limits', async () => {
    const { queue, add } = setUp(['later', 'later'], { retryMs, maxItems: 4, maxBytes: 5 })
    add('a', 'b', 'c')
    await passing(1)
    add('d', 'e')
    expect(queue.counts.dropped).toBe(1)
    add('long')
    expect(queue.counts.dropped).toBe(2)
    expect(queue.waitingBytes).toBe(4)
    await passing(20_000)
    expect(queue.counts).toEqual({ exported: 4, dropped: 2, failed: 0 })
  })

  it('keeps batches below a size, but sends one item of any size', async () => {
    const { sent, add } = setUp([], { batchBytes: 4 })
    add('aa', 'bbb', 'cccccc', 'd')
    await passing(1000)
    expect(sent).toEqual([['aa'], ['bbb'], ['cccccc'], ['d']])
  })

  it('drops what was not taken in the end, and counts each once', async () => {
    const { queue, add } = setUp(['later', 'later', 'later', 'later', 'later'], { retryMs })
    add('a', 'b', 'c', 'd')
    await passing(1)
    await queue.stop(1000)
    expect(queue.counts).toEqual({ exported: 0, dropped: 4, failed: 0 })
    expect(queue.waitingBytes).toBe(0)
    add('e')
    expect(queue.counts.dropped).toBe(5)
    await passing(60_000)
    expect(vi.getTimerCount()).toBe(0)
  })
})
