import fc from 'fast-check'
import { expect, it } from 'vitest'
import { encodeName } from './allow-headers.js'

const name = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom('%', ',', ';', ':', ' ', '\n', '\u0000', 'a', 'é', '%2C', '😀', '/', '@') }),
)

it('encodes names so that they come back, and cannot be taken for two', () => {
  fc.assert(
    fc.property(name, one => {
      const encoded = encodeName(one)
      expect(encoded).toMatch(/^(?:[!-$&-+\-.-:<-~]|%[0-9A-F]{2})*$/)
      expect(decodeURIComponent(encoded)).toBe(one)
    }),
    { numRuns: 1000 },
  )
})

it('keeps lists apart', () => {
  fc.assert(
    fc.property(
      fc.array(
        name.filter(one => one !== ''),
        { minLength: 1, maxLength: 5 },
      ),
      names => {
        const header = names.map(encodeName).join(',')
        expect(header.split(',').map(decodeURIComponent)).toEqual(names)
      },
    ),
  )
})

it('gives different names different values', () => {
  fc.assert(
    fc.property(name, name, (one, other) => {
      expect(encodeName(one) === encodeName(other)).toBe(one === other)
    }),
  )
})
