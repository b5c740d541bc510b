import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GatheredBytes } from './gathered-bytes.js'

describe('GatheredBytes', () => {
  it('gives what it was given, and leaves that as it is', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.uint8Array({ maxLength: 40 }))), rounds => {
        const gathered = new GatheredBytes()
        for (const pieces of rounds) {
          const given = pieces.map(piece => Buffer.from(piece))
          for (const piece of given) gathered.add(piece)
          const all = Buffer.concat(pieces)
          expect(gathered.size).toBe(all.length)
          expect(gathered.take().equals(all)).toBe(true)
          expect(gathered.size).toBe(0)
          expect(given.every((piece, at) => piece.equals(pieces[at] ?? new Uint8Array()))).toBe(true)
        }
      }),
    )
  })

  it('takes no more for bytes that come one by one than twice what they are', () => {
    const gathered = new GatheredBytes()
    const before = process.memoryUsage()
    for (let at = 0; at < 1_000_000; at++) gathered.add(Buffer.from([at]))
    expect(gathered.take().buffer.byteLength).toBeLessThan(2_100_000)
    expect(process.memoryUsage().arrayBuffers - before.arrayBuffers).toBeLessThan(50_000_000)
  })
})
