import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBase64Text, encodeBase64Text } from './base64-text.js'

describe('base64', () => {
  it.each([
    ['a text', 'w6kgYQ==', { text: 'é a' }],
    ['nothing', '', { text: '' }],
    ['without padding', 'w6kgYQ', { text: 'é a' }],
    ['in lines', 'w6kg\r\nYQ==\n', { text: 'é a' }],
    ['in the alphabet of URLs', 'Pz8_', { text: '???' }],
    ['no text', '/w==', { text: undefined }],
    ['half a character', 'ww==', { text: undefined }],
    ['other characters', 'w6k%', undefined],
    ['with bits that are left over', 'w6kgYR==', { text: 'é a' }],
    ['padded in between', 'w6kgYQ==A', undefined],
  ])('that is %s', (_name, value, expected) => expect(decodeBase64Text(value)).toEqual(expected))

  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), text => {
        expect(decodeBase64Text(encodeBase64Text(text))).toEqual({ text })
      }),
    )
  })
})
