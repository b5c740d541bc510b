import fc from 'fast-check'
import { expect, it } from 'vitest'
import { anyUnit } from './any-unit.fixture.js'
import { jsonString } from './json-string.js'

it('says the same as JSON.stringify, on one line', () => {
  const text = fc.oneof(
    fc.string({ unit: anyUnit }),
    fc.array(fc.constantFrom('\u0085', '\u2028', '\u2029', '\n', '\ud800', '\\', 'a')).map(all => all.join('')),
  )
  fc.assert(
    fc.property(text, one => {
      const written = jsonString(one)
      expect(JSON.parse(written)).toBe(one)
      expect(written).not.toMatch(/[\p{Zl}\p{Zp}\u0085\r\n\v\f\p{Cs}]/u)
    }),
  )
})
