import { setImmediate as afterImmediates } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { atOnce, forEachSliced, inSlices, type Sliced, sortSliced } from './sliced.js'

function* endless(): Sliced<never> {
  for (;;) yield
}

describe('work in slices', () => {
  it('sorts as sort does', () => {
    const items = fc.array(
      fc.integer({ min: 0, max: 50 }).map(rank => ({ rank })),
      { maxLength: 3_000, size: 'max' },
    )
    fc.assert(
      fc.property(items, given => {
        const compare = (a: { rank: number }, b: { rank: number }) => a.rank - b.rank
        const sorted = atOnce(sortSliced(given, compare))
        const expected = [...given].sort(compare)
        expect(sorted.every((item, at) => item === expected[at])).toBe(true)
        expect(sorted).toHaveLength(given.length)
      }),
      { numRuns: 20 },
    )
  })

  it('ends small work at once', () => {
    const seen: number[] = []
    inSlices(
      forEachSliced([1, 2, 3], item => void seen.push(item)),
      () => seen.push(0),
    )
    expect(seen).toEqual([1, 2, 3, 0])
  })

  it('gives way to others in the midst of large work', async () => {
    const items = Array.from({ length: 100_000 }, (_, at) => at)
    let others = 0
    let over = false
    const busy = (ms: number) => {
      for (const end = performance.now() + ms; performance.now() < end; );
    }
    inSlices(
      forEachSliced(items, at => at % 1_000 === 0 && busy(1)),
      () => {
        over = true
      },
    )
    while (!over) {
      await afterImmediates()
      others++
    }
    expect(others).toBeGreaterThan(5)
  })

  it('ends when it is no longer wanted', async () => {
    const cancel = inSlices(endless(), () => expect.unreachable())
    await afterImmediates()
    cancel()
    await afterImmediates()
  })
})
