import { describe, expect, it } from 'vitest'
import { jsonText } from './json-text.js'

describe('jsonText', () => {
  it('writes each UTF-16 unit as the engine does, alone and between others', () => {
    for (let unit = 0; unit < 0x1_0000; unit++) {
      const text = String.fromCharCode(unit)
      if (jsonText(text) !== JSON.stringify(text)) expect(jsonText(text)).toBe(JSON.stringify(text))
      const inner = `a${text}b`
      if (jsonText(inner) !== JSON.stringify(inner)) expect(jsonText(inner)).toBe(JSON.stringify(inner))
    }
  })

  it.each([0, 47, 48, 49, 1000])('writes %i units', length => {
    for (const text of ['x'.repeat(length), `${'x'.repeat(Math.max(0, length - 1))}"`])
      expect(jsonText(text)).toBe(JSON.stringify(text))
  })
})
