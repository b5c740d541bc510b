import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { commonHeaderNames } from '../../protocol/common-header-names.js'
import { KnownTexts } from './known-texts.js'

const find = (known: KnownTexts, text: string) => {
  const bytes = Buffer.from(`>${text}<`)
  return known.find(bytes, 1, bytes.length - 1)
}

describe('KnownTexts', () => {
  it('finds each that it knows, wherever it stands', () => {
    const known = new KnownTexts(commonHeaderNames)
    for (const name of commonHeaderNames) expect(find(known, name)).toBe(name)
  })

  it.each(['', 'a', 'hos', 'hostt', 'Host', 'hést', 'hoat', 'xost'])('does not take %j for what it knows', text => {
    expect(find(new KnownTexts(['host', '']), text)).toBe(undefined)
  })

  it('never finds another text', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'ä'), maxLength: 4 })
    fc.assert(
      fc.property(fc.array(text), text, (texts, asked) => {
        expect(find(new KnownTexts(texts), asked)).toBe(asked !== '' && texts.includes(asked) ? asked : undefined)
      }),
    )
  })
})
