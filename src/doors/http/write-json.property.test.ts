import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JsonValue } from '../../protocol/json-value.js'
import { parseStrictJson } from '../../protocol/strict-json.js'
import { writeJson } from './write-json.js'

const key = fc.string({ unit: 'grapheme', maxLength: 8 }).filter(text => text !== '__proto__' && !/\p{Cc}/u.test(text))
const { value } = fc.letrec<{ value: JsonValue }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.string({ unit: 'grapheme' }),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(key, tie('value')), { maxLength: 4 }).map(entries => new Map(entries)),
  ),
}))

describe('writeJson', () => {
  it('is read back to the very same value', () => {
    fc.assert(
      fc.property(value, original => {
        const read = parseStrictJson(Buffer.from(writeJson(original)))
        expect(read).toMatchObject({ ok: true })
        if (read.ok) expect(read.value).toStrictEqual(original)
      }),
      { numRuns: 500 },
    )
  })

  it.each<[string, JsonValue, string]>([
    ['an integer', 5n, '5'],
    ['a number with a fraction of nothing', 5, '5.0'],
    ['minus zero', -0, '-0.0'],
    ['a large number', 1e300, '1e+300'],
    ['a large whole number', 1e20, '100000000000000000000.0'],
    ['text that could end the text', '"},{"', '"\\"},{\\""'],
    ['half a surrogate pair', '\ud800', '"\\ud800"'],
  ])('%s', (_name, original, text) => {
    expect(writeJson(original)).toBe(text)
  })
})
