import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EventStreamReader } from './event-stream.js'

const readAll = (...pieces: readonly Uint8Array[]) => {
  const reader = new EventStreamReader()
  return pieces.flatMap(piece => reader.read(piece))
}
const read = (text: string) => readAll(Buffer.from(text))

describe('EventStreamReader', () => {
  it.each<[string, string, readonly string[]]>([
    ['one event', 'event: message\ndata: {"a":1}\n\n', ['{"a":1}']],
    ['ids, comments, retry', ': hello\nid: 1\nretry: 5\ndata: a\n\n', ['a']],
    ['data over lines', 'data: a\ndata:b\ndata\n\n', ['a\nb\n']],
    ['other line ends', 'data: a\r\n\r\ndata: b\r\rdata: c\n\n', ['a', 'b', 'c']],
    ['an event without data', 'id: 1\n\nevent: ping\n\n', []],
    ['an event that does not end', 'data: a\n', []],
    ['a field that only begins alike', 'database: a\n\n', []],
    ['one space of two', 'data:  a\n\n', [' a']],
  ])('%s', (_name, text, expected) => expect(read(text)).toEqual(expected))

  it('reads alike however the bytes arrive', () => {
    const text = 'data: é€😀\r\ndata: b\r\n\r\n: x\rdata: c\r\r\ndata: d\n\n'
    fc.assert(
      fc.property(fc.array(fc.nat(Buffer.byteLength(text)), { maxLength: 8 }), cuts => {
        const bytes = Buffer.from(text)
        const ends = [...new Set([...cuts, bytes.length])].sort((a, b) => a - b)
        const pieces = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
        expect(readAll(...pieces)).toEqual(read(text))
      }),
    )
  })
})
