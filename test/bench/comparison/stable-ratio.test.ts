import { describe, expect, it } from 'vitest'
import { isStable, ratioOf, untilClear } from './stable-ratio.js'

describe('the ratio of what was measured in turns', () => {
  it.each([
    { ratios: [2], ratio: 2, low: 2, high: 2 },
    { ratios: [1, 3, 2], ratio: 2, low: 1, high: 3 },
    { name: 'of six all', ratios: [6, 5, 4, 3, 2, 1], ratio: 3.5, low: 1, high: 6 },
    { name: 'of eight all', ratios: [1, 2, 3, 4, 5, 6, 7, 8], ratio: 4.5, low: 1, high: 8 },
    // Tables of the sign test: for n = 9, 12 and 17 one, two and four values at each end can be left out.
    { name: 'of nine all but one at each end', ratios: upTo(9), ratio: 5, low: 2, high: 8 },
    { name: 'of twelve all but two at each end', ratios: upTo(12), ratio: 6.5, low: 3, high: 10 },
    { name: 'of seventeen all but four at each end', ratios: upTo(17), ratio: 9, low: 5, high: 13 },
  ])('of $ratios is $ratio, between $low and $high', ({ ratios, ratio, low, high }) =>
    expect(ratioOf(ratios)).toEqual({ ratio, low, high, rounds: ratios.length }),
  )

  it('is not moved by one round that was disturbed', () => {
    const { ratio, high } = ratioOf([1, 1, 1, 1.01, 0.99, 1, 1, 1, 40])
    expect(ratio).toBe(1)
    expect(high).toBeLessThan(1.02)
  })
})

describe('a ratio is stable', () => {
  const until = { leastRounds: 3, mostRounds: 8, spread: 0.1 }
  it.each([
    { name: 'not before the least rounds', rounds: 2, low: 1, high: 1, stable: false },
    { name: 'once its bounds are close', rounds: 3, low: 0.97, high: 1.05, stable: true },
    { name: 'not while they are far apart', rounds: 7, low: 0.9, high: 1.05, stable: false },
    { name: 'or after the most rounds', rounds: 8, low: 0.5, high: 2, stable: true },
  ])('$name', ({ rounds, low, high, stable }) => expect(isStable({ ratio: 1, low, high, rounds }, until)).toBe(stable))
})

describe('a ratio is measured until it is clear', () => {
  const rounds = { leastRounds: 4, mostRounds: 20 }
  it.each([
    { name: 'below the limit', values: [1], ratio: 1, rounds: 4 },
    { name: 'above it', values: [2], ratio: 2, rounds: 4 },
    {
      name: 'above it, and one round in eight by chance below',
      values: [2, 2, 0.5, 2, 2, 2, 2, 2],
      ratio: 2,
      rounds: 9,
    },
    { name: 'below it, and one round in eight disturbed', values: [1, 1, 9, 1, 1, 1, 1, 1], ratio: 1, rounds: 9 },
    { name: 'or as often as is allowed', values: [1, 2], ratio: 1.5, rounds: 20 },
  ])('$name', async ({ values, ratio, rounds: expected }) => {
    let round = 0
    const measured = await untilClear(1.25, async () => values[round++ % values.length] ?? Number.NaN, rounds)
    expect(measured).toMatchObject({ ratio, rounds: expected })
  })
})

function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, at) => at + 1)
}
