import { describe, expect, it } from 'vitest'
import { compareVersions } from './compare-versions.js'

describe('compareVersions', () => {
  it.each([
    ['1', '2', -1],
    ['9', '10', -1],
    ['10', '9', 1],
    ['99999999999999999999', '100000000000000000000', -1],
    ['7', '7', 0],
    ['opaque', 'opaque', 0],
  ])('orders %s and %s', (a, b, sign) => expect(Math.sign(compareVersions(a, b) ?? Number.NaN)).toBe(sign))

  it.each([
    ['1', 'a'],
    ['01', '2'],
    ['0', '2'],
    ['1.5', '2'],
    ['-1', '2'],
    ['', '2'],
  ])('knows no order of %j and %j', (a, b) => expect(compareVersions(a, b)).toBeUndefined())
})
