import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LineBuffer } from './line-buffer.js'

describe('LineBuffer', () => {
  it('holds the lines as UTF-8, and tells the bytes of each, whatever was in it before', () => {
    const line = fc.oneof(
      fc.string({ unit: fc.constantFrom('a', 'ü', '€', '🙂', '\ud800') }),
      fc.constantFrom('', 'ä'.repeat(6_000), '🙂'.repeat(3_000), 'x'.repeat(17_000)),
    )
    const buffer = new LineBuffer()
    fc.assert(
      fc.property(fc.array(line, { maxLength: 4 }), fc.boolean(), (lines, open) => {
        buffer.clear()
        if (open) buffer.end()
        const sizes = lines.map(one => buffer.add(one))
        expect(sizes).toEqual(lines.map(one => Buffer.byteLength(one) + 1))
        const text = `${open ? '\n' : ''}${lines.map(one => `${one}\n`).join('')}`
        expect(buffer.bytes.equals(Buffer.from(text))).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  it('fills its memory to the last byte', () => {
    const buffer = new LineBuffer()
    for (const line of ['x'.repeat(16 * 1024 - 1), 'y', 'ü'.repeat(5)]) buffer.add(line)
    expect(String(buffer.bytes)).toBe(`${'x'.repeat(16 * 1024 - 1)}\ny\nüüüüü\n`)
  })

  it('does not keep the memory of one very long line', () => {
    const buffer = new LineBuffer()
    buffer.add('x'.repeat(3 * 1024 * 1024))
    expect(buffer.bytes.buffer.byteLength).toBeGreaterThan(3 * 1024 * 1024)
    buffer.clear()
    buffer.add('x')
    expect(buffer.bytes.buffer.byteLength).toBeLessThan(64 * 1024)
  })
})
