import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RecordLines } from './record-lines.js'

function cut(chunks: readonly Buffer[], maxBytes = 1000) {
  const lines: string[] = []
  let lost = 0
  const reader = new RecordLines({ onLine: line => lines.push(line), onLost: () => lost++, maxBytes })
  for (const chunk of chunks) reader.push(chunk)
  reader.end()
  return { lines, lost }
}

describe('RecordLines', () => {
  it('gives the same lines however the bytes come', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter(line => !line.includes('\n'))
    fc.assert(
      fc.property(fc.array(text, { maxLength: 20 }), fc.array(fc.nat(400), { maxLength: 30 }), (lines, places) => {
        const bytes = Buffer.from(lines.map(line => `${line}\n`).join(''))
        const ends = [...new Set([0, ...places.filter(place => place < bytes.length), bytes.length])].sort(
          (a, b) => a - b,
        )
        const chunks = ends.slice(1).map((end, i) => bytes.subarray(ends[i], end))
        expect(cut(chunks)).toEqual({ lines, lost: 0 })
      }),
    )
  })

  it.each<[string, string, string[], number]>([
    ['a line that was not written to its end', '{"a":1}\n{"b":', ['{"a":1}'], 1],
    ['a whole one of which only the end is missing: nobody knows that it is whole', '{"a":1}\n{"b":2}', ['{"a":1}'], 1],
    ['a line that is too long, and goes on behind it', `${'x'.repeat(1001)}\n{"a":1}\n`, ['{"a":1}'], 1],
    ['a line that is too long and has no end', 'x'.repeat(5000), [], 1],
    ['nothing', '', [], 0],
    ['empty lines', '\n\n{"a":1}\n', ['{"a":1}'], 0],
  ])('%s', (_name, text, lines, lost) => {
    expect(cut([Buffer.from(text)])).toEqual({ lines, lost })
    expect(cut([...Buffer.from(text)].map(byte => Buffer.of(byte)))).toEqual({ lines, lost })
  })
})
