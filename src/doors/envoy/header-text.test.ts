import fc from 'fast-check'
import { expect, it } from 'vitest'
import { headerValueBytes } from './header-text.js'

/** The rule in one expression: no space at the ends, no control characters (C0, DEL, C1), whole characters only. */
const sendable = (value: string) =>
  value !== '' && value.trim() === value && !/[\p{Cc}\p{Cs}]/u.test(value) ? Buffer.byteLength(value) : -1

it.each([
  '',
  ' ',
  'a ',
  ' a',
  'a b',
  'ä',
  'ä\u00a0',
  '\ufeffa',
  'a\u0085',
  'ä\u0085a',
  'a\x7f',
  'ä\t',
  '😀',
  '😀\ud83d',
])('headerValueBytes of %j', value => expect(headerValueBytes(value)).toBe(sendable(value)))

it('headerValueBytes is the length of what may be sent', () => {
  const unit = fc.oneof(fc.constantFrom(' ', 'a', 'ä', '\t', '\x7f', '\x85', '\ud83d', '\ude00', '\u2003'), fc.string())
  fc.assert(
    fc.property(fc.string({ unit }), value => {
      expect(headerValueBytes(value)).toBe(sendable(value))
    }),
    { numRuns: 1000 },
  )
})
