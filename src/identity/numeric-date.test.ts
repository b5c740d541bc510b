import { describe, expect, it } from 'vitest'
import { claimsOf } from './identity.fixture.js'
import { numericDate } from './numeric-date.js'

describe('numericDate', () => {
  it.each<[unknown, number | undefined]>([
    [0, 0],
    [1_795_219_200, 1_795_219_200_000],
    [1.5, 1500],
    [8_640_000_000_000, 8_640_000_000_000_000],
    [8_640_000_000_001, undefined],
    [1e300, undefined],
    [-1, undefined],
    ['1795219200', undefined],
    [null, undefined],
    [true, undefined],
    [[1], undefined],
  ])('%j', (exp, expected) => {
    expect(numericDate(claimsOf({ exp }).get('exp'))).toBe(expected)
  })

  it('of nothing is nothing', () => {
    expect(numericDate(undefined)).toBeUndefined()
    expect(numericDate(Number.NaN)).toBeUndefined()
    expect(numericDate(Number.POSITIVE_INFINITY)).toBeUndefined()
  })
})
