import { describe, expect, it } from 'vitest'
import { foreignText, isPlainName, printableJson } from './foreign-text.js'

const steering = ['\u001b[31m', '\u009b31m', 'a\u202eb', 'a\u2028b', 'a\rb', '\u{e0041}', '\ud83d', '\u0000', '\u2066x']

describe('what a server wrote', () => {
  it.each(steering)('%j does not reach a terminal', text => {
    expect(foreignText(text)).not.toContain(text)
    expect(isPlainName(text)).toBe(false)
    const json = printableJson({ name: text })
    expect(json).toMatch(/^[\n\x20-\x7e]*$/)
    expect(JSON.parse(json)).toEqual({ name: text })
  })

  it.each(['a', 'größe', '日本', 'a b', '😀'])('%s stays as it is', text => {
    expect(foreignText(text)).toBe(text)
    expect(isPlainName(text)).toBe(true)
    expect(printableJson([text])).toBe(`[\n  "${text}"\n]`)
  })

  it('is cut', () => {
    expect(foreignText('x'.repeat(1_000_000), 5)).toBe('xxxx…')
    expect(isPlainName('x'.repeat(129))).toBe(false)
  })
})
