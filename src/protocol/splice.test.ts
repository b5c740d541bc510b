import { describe, expect, it } from 'vitest'
import { splice } from './splice.js'

describe('splice', () => {
  const bytes = Buffer.from('abcdef')
  it.each<[string, Parameters<typeof splice>[1], string]>([
    ['replaces', [{ start: 1, end: 3, text: 'XYZ' }], 'aXYZdef'],
    ['removes', [{ start: 0, end: 2, text: '' }], 'cdef'],
    [
      'adds at both ends',
      [
        { start: 0, end: 0, text: '<' },
        { start: 6, end: 6, text: '>' },
      ],
      '<abcdef>',
    ],
    [
      'does several at once',
      [
        { start: 1, end: 2, text: 'é' },
        { start: 2, end: 3, text: '' },
      ],
      'aédef',
    ],
  ])('%s', (_name, edits, expected) => {
    expect(Buffer.from(splice(bytes, edits)).toString()).toBe(expected)
  })

  it('gives the same array back if there is nothing to do', () => expect(splice(bytes, [])).toBe(bytes))

  it('finds edits that overlap', () => {
    expect(() =>
      splice(bytes, [
        { start: 1, end: 3, text: '' },
        { start: 2, end: 4, text: '' },
      ]),
    ).toThrow(RangeError)
  })
})
