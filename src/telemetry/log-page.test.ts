import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LogPage } from './log-page.js'

describe('LogPage', () => {
  it('gives back its lines and its losses in their order, whatever was in it before', () => {
    const line = fc.string({ unit: fc.constantFrom('a', 'ü', '€', '🙂', '"') })
    const page = new LogPage()
    fc.assert(
      fc.property(fc.array(fc.oneof(line, fc.integer({ min: 1, max: 1e9 })), { maxLength: 8 }), entries => {
        page.clear()
        const lines = entries.filter(entry => typeof entry === 'string')
        for (const entry of entries) {
          if (typeof entry === 'string') expect(page.add(entry)).toBe(Buffer.byteLength(entry) + 1)
          else page.lost(entry)
        }
        expect([...page.entries()]).toEqual(entries)
        expect(page.lineCount).toBe(lines.length)
        expect(page.lossCount).toBe(entries.length - lines.length)
        expect(String(page.bytes)).toBe(lines.map(one => `${one}\n`).join(''))
        expect(page.size).toBe(page.bytes.length)
      }),
    )
  })

  it.each([
    ['fits to the byte', 'ü'.repeat(10), 21 + 4, true],
    ['is a byte too long', 'ü'.repeat(10), 20 + 4, false],
    ['is short', 'a', 100, true],
  ])('tells by bytes, not by characters, whether there is room for a line that %s', (_, line, limit, room) => {
    const page = new LogPage()
    page.add('abc')
    expect(page.hasRoom(line, limit)).toBe(room)
  })
})
