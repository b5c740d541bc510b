import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeNameHeader, encodeNameHeader } from './name-header.js'

it('takes every printable value as it is, but for blanks around it and for the marks of base64', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[\t\x20-\x7e]*$/), fc.constantFrom('', ' ', '\t '), (value, space) => {
      fc.pre(!value.includes('=?base64?'))
      expect(decodeNameHeader(space + value + space)).toBe(value.replace(/^[\t ]+|[\t ]+$/g, ''))
    }),
  )
})

it('has one spelling of each value in base64', () => {
  const base64 = fc.string({ unit: fc.constantFrom(...'AQZgw/+-_=9 '), maxLength: 12 })
  fc.assert(
    fc.property(base64, encoded => {
      const value = decodeNameHeader(`=?base64?${encoded}?=`)
      if (value !== undefined) expect(Buffer.from(value, 'utf8').toString('base64')).toBe(encoded)
    }),
    { numRuns: 3000 },
  )
})

it('writes every name so that it reads the same', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), name => {
      expect(decodeNameHeader(encodeNameHeader(name))).toBe(name)
    }),
  )
  for (const name of ['', ' a ', '=?base64?YQ==?=', 'ž', 'a\nb', 'file:///a b']) {
    expect(decodeNameHeader(encodeNameHeader(name))).toBe(name)
  }
})
