import fc from 'fast-check'
import { expect, it } from 'vitest'
import { safeText } from './safe-text.js'

const odd = fc.constantFrom(
  ...[
    'a',
    'b ',
    '\n',
    '\r\n',
    '\t',
    '\u0000',
    '\u001b',
    '[31m',
    '\u009b',
    '\u200b',
    '\u202e',
    '\u2028',
    '\ufeff',
    '\u00ad',
  ],
  ...['\u{e0041}', '\ud800', '\udc00', '😀', '…', '  ', '\u00a0', '\u2800', '"', '<b>'],
)
const text = fc.array(odd, { maxLength: 40 }).map(parts => parts.join(''))

it('is one bounded line without anything unseen', () => {
  fc.assert(
    fc.property(text, fc.nat(60), (one, times) => {
      const safe = safeText(one.repeat(times))
      expect(safe.length).toBeLessThanOrEqual(2000)
      expect(safe).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|\s\s|^\s|\s$/u)
    }),
    { numRuns: 1000 },
  )
})

it('leaves plain text alone, and what it made', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[!-~]{1,20}(?: [!-~]{1,20}){0,10}$/), text, (plain, one) => {
      expect(safeText(plain)).toBe(plain)
      expect(safeText(safeText(one))).toBe(safeText(one))
    }),
  )
})
