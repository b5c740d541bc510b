import { describe, expect, it } from 'vitest'
import { fitLine } from './fit-line.js'

describe('fitLine', () => {
  it('finds a line', () => {
    expect(
      fitLine([
        [0, 1],
        [1, 3],
        [2, 5],
        [3, 7],
      ]),
    ).toEqual({ slope: 2, error: 0 })
  })

  it('knows noise: three errors are more than what points without a slope make', () => {
    const { slope, error } = fitLine(Array.from({ length: 40 }, (_, x) => [x, 100 + 5 * Math.sin(x * 12.9898)]))
    expect(Math.abs(slope)).toBeLessThan(3 * error)
  })

  it('finds a slope in noise', () => {
    const { slope, error } = fitLine(Array.from({ length: 40 }, (_, x) => [x, x + 5 * Math.sin(x * 12.9898)]))
    expect(slope).toBeGreaterThan(3 * error)
    expect(slope).toBeCloseTo(1, 0)
  })

  it.each([
    ['too few points', [[0, 1] as const, [1, 2] as const]],
    ['points at one place', [[1, 1] as const, [1, 2] as const, [1, 3] as const]],
  ])('says nothing of %s', (_name, points) =>
    expect(fitLine(points)).toEqual({ slope: 0, error: Number.POSITIVE_INFINITY }),
  )
})
