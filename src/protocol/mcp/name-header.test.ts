import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeNameHeader } from './name-header.js'

it.each([
  ['a plain value', 'pods_list', 'pods_list'],
  ['blanks around it', ' \tpods_list ', 'pods_list'],
  ['blanks and commas within', 'a, b', 'a, b'],
  ['base64', '=?base64?cCDDqQ==?=', 'p é'],
  ['base64 of ASCII', '=?base64?YQ==?=', 'a'],
  ['base64 of nothing', '=?base64??=', ''],
  ['markers in upper case, which are no markers', '=?BASE64?YQ==?=', '=?BASE64?YQ==?='],
  ['a marker without end', '=?base64?YQ==', '=?base64?YQ=='],
  ['overlapping markers', '=?base64?=', '=?base64?='],
])('%s', (_name, raw, value) => {
  expect(decodeNameHeader(raw)).toBe(value)
})

it.each([
  ['no padding', '=?base64?YQ?='],
  ['too much padding', '=?base64?YQ===?='],
  ['bits behind the end', '=?base64?YR==?='],
  ['the URL alphabet', '=?base64?_-8=?='],
  ['blanks within', '=?base64?Y Q==?='],
  ['no UTF-8', '=?base64?/w==?='],
  ['a control character', 'a\u0000'],
  ['raw UTF-8', 'é'],
  ['too long', 'a'.repeat(9000)],
])('refuses %s', (_name, raw) => {
  expect(decodeNameHeader(raw)).toBeUndefined()
})

it('decodes what clients encode', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), value => {
      const encoded = `=?base64?${Buffer.from(value, 'utf8').toString('base64')}?=`
      expect(decodeNameHeader(encoded)).toBe(value)
    }),
  )
})
