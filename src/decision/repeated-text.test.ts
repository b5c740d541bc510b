import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RepeatedText } from './repeated-text.js'

type Parts = readonly [a: string, b: string | undefined, c: boolean]
const join = (parts: readonly unknown[]) => parts.join('|')

describe('RepeatedText', () => {
  it('is what would be written, whatever was before', () => {
    const part = fc.constantFrom('', 'a', 'ü€🙂', 'x'.repeat(600), 'y'.repeat(600))
    const parts: fc.Arbitrary<Parts> = fc.tuple(part, fc.option(part, { nil: undefined }), fc.boolean())
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 3 }), fc.array(fc.nat(2), { maxLength: 12 }), (some, order) => {
        const text = new RepeatedText<Parts>(join)
        for (const at of order) {
          const one = some[at]
          if (one !== undefined) expect(text.of(one)).toBe(join(one))
        }
      }),
    )
  })

  it('is not written again while nothing changes', () => {
    const written: string[] = []
    const text = new RepeatedText<readonly string[]>(parts => {
      written.push(join(parts))
      return join(parts)
    })
    for (const parts of [['a', 'b'], ['a', 'b'], ['a', 'b'], ['a'], ['a'], ['a', 'b']]) text.of(parts)
    expect(written).toEqual(['a|b', 'a', 'a|b'])
  })

  it('tells one number of parts from another, and what is left out from what is empty', () => {
    const text = new RepeatedText<readonly (string | undefined)[]>(parts => JSON.stringify(parts))
    expect([[''], ['', ''], [undefined, ''], []].map(parts => text.of(parts))).toEqual([
      '[""]',
      '["",""]',
      '[null,""]',
      '[]',
    ])
  })

  it('does not hold on to what its caller may change', () => {
    const text = new RepeatedText<readonly string[]>(join)
    const parts = ['a', 'b']
    text.of(parts)
    parts[1] = 'c'
    expect([text.of(parts), text.of(['a', 'b'])]).toEqual(['a|c', 'a|b'])
  })

  it('keeps nothing that is longer than it may be', () => {
    let written = 0
    const text = new RepeatedText<readonly string[]>(parts => {
      written++
      return join(parts)
    }, 10)
    for (const parts of [
      ['12345', '67890'],
      ['12345', '67890'],
      ['12345', '678901'],
      ['12345', '678901'],
    ])
      text.of(parts)
    expect(written).toBe(3)
  })
})
