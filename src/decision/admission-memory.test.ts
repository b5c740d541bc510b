import { totalmem } from 'node:os'
import { describe, expect, it } from 'vitest'
import { bytesInUse, defaultMemoryBytes, MemoryCeiling } from './admission-memory.js'

const mebi = 1024 * 1024

/** A process with so much in use, some of it garbage. */
function memory(limitBytes: number) {
  const state = { now: 0, live: 0, garbage: 0, looks: 0, collections: 0, collectMs: 0 }
  const changes: (readonly [above: boolean, usedBytes: number])[] = []
  const ceiling = new MemoryCeiling({
    limitBytes,
    onChange: (above, usedBytes) => changes.push([above, usedBytes]),
    now: () => state.now,
    read: () => {
      state.looks++
      return state.live + state.garbage
    },
    collect: () => {
      state.collections++
      state.garbage = 0
      state.now += state.collectMs
    },
  })
  return { state, changes, ceiling }
}

describe('MemoryCeiling', () => {
  it('is above while what is in use is more than the limit, and says so once', () => {
    const { state, changes, ceiling } = memory(100)
    state.live = 100
    expect(ceiling.above).toBe(false)
    state.now = 1000
    state.live = 101
    expect(ceiling.above).toBe(true)
    state.now = 2000
    expect(ceiling.above).toBe(true)
    state.now = 3000
    state.live = 99
    expect(ceiling.above).toBe(false)
    expect(changes).toEqual([
      [true, 101],
      [false, 99],
    ])
  })

  it('looks at most every 100 ms', () => {
    const { state, ceiling } = memory(100)
    for (state.now = 0; state.now < 1000; state.now++) ceiling.above
    expect(state.looks).toBe(10)
  })

  it('takes no garbage for memory that is needed', () => {
    const { state, changes, ceiling } = memory(100)
    state.live = 40
    state.garbage = 90
    expect(ceiling.above).toBe(false)
    expect(state.collections).toBe(1)
    expect(changes).toEqual([])
  })

  it('while work is refused it collects now and then, because nothing else may', () => {
    const { state, ceiling } = memory(100)
    state.live = 150
    expect(ceiling.above).toBe(true)
    // It was freed, and V8 has no reason to notice.
    state.live = 20
    state.garbage = 130
    const states: boolean[] = []
    for (state.now = 100; state.now <= 1000; state.now += 100) states.push(ceiling.above)
    expect(states).toEqual([...Array<boolean>(9).fill(true), false])
    expect(state.collections).toBe(2)
  })

  it.each([
    ['every second', 5, 60],
    ['a tenth of the time, where that takes long', 1500, 4],
  ])('collects at most %s', (_name, collectMs, collections) => {
    const { state, ceiling } = memory(100)
    state.live = 150
    state.collectMs = collectMs
    for (state.now = 0; state.now < 60_000; state.now += 50) ceiling.above
    expect(state.collections).toBe(collections)
  })

  it('by its own means sees buffers come and go', async () => {
    let now = 0
    const ceiling = new MemoryCeiling({ limitBytes: bytesInUse() + 128 * mebi, now: () => now })
    expect(ceiling.above).toBe(false)
    const held = Array.from({ length: 24 }, () => Buffer.alloc(8 * mebi, 1))
    now += 20_000
    expect(ceiling.above).toBe(true)
    held.length = 0
    now += 20_000
    // V8 gives buffers back on another thread.
    for (let i = 0; i < 100 && ceiling.above; i++) {
      await new Promise(resolve => setTimeout(resolve, 20))
      now += 200
    }
    expect(ceiling.above).toBe(false)
  })
})

describe('defaultMemoryBytes', () => {
  it.each([
    ['without a limit', undefined, 850],
    ['where 0 says that there is none', 0, 850],
    ['where there is more than the machine has', 2 ** 64, 850],
    ['in a smaller container', 200, 170],
    ['in a larger one', 5000, 850],
  ])('%s', (_name, constrained, expected) => expect(defaultMemoryBytes(1000, constrained)).toBe(expected))

  it('is a part of it where several share it', () => expect(defaultMemoryBytes(1000, 800, 4)).toBe(170))

  it('is a part of what the machine has where nothing else limits it', () =>
    expect(defaultMemoryBytes(2 ** 52, undefined, 4)).toBe(Math.floor((0.85 * totalmem()) / 4)))

  it('of this process is what it may use', () => {
    expect(defaultMemoryBytes()).toBeGreaterThan(64 * mebi)
    expect(defaultMemoryBytes()).toBeLessThan(totalmem())
  })
})
