import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LineSplitter } from './split-lines.js'

function split(chunks: readonly Buffer[], maxBytes = 1000) {
  const splitter = new LineSplitter(maxBytes)
  const lines: string[] = []
  const ok = chunks.every(chunk =>
    splitter.push(chunk, line => {
      lines.push(line.toString('utf8'))
      return true
    }),
  )
  return { lines, ok, pending: splitter.pending }
}

describe('LineSplitter', () => {
  it('gives the same lines however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme', minLength: 1 }).filter(line => !line.includes('\n'))),
        fc.array(fc.nat(50)),
        (lines, cuts) => {
          const bytes = Buffer.from(lines.map(line => `${line}\n`).join(''))
          const chunks: Buffer[] = []
          let at = 0
          for (const cut of cuts) {
            chunks.push(bytes.subarray(at, at + cut))
            at += cut
          }
          chunks.push(bytes.subarray(at))
          expect(split(chunks, 100_000)).toEqual({ lines, ok: true, pending: 0 })
        },
      ),
    )
  })

  it('knows what has not ended', () => {
    expect(split([Buffer.from('a\n\nbc')])).toEqual({ lines: ['a'], ok: true, pending: 2 })
  })

  it('takes a line of the longest size, and none that is longer, whether it has ended or not', () => {
    expect(split([Buffer.from('aaaa'), Buffer.from('a\nbbbbb\n')], 5).lines).toEqual(['aaaaa', 'bbbbb'])
    for (const chunks of [['aaaaaa'], ['aaaaa', 'a'], ['aaaaaa\n'], ['aaa', 'aaa\n']]) {
      expect(
        split(
          chunks.map(chunk => Buffer.from(chunk)),
          5,
        ),
      ).toMatchObject({ lines: [], ok: false })
    }
  })

  it('stops when nobody wants more', () => {
    const splitter = new LineSplitter(10)
    let seen = 0
    expect(splitter.push(Buffer.from('a\nb\nc\n'), () => ++seen < 2)).toBe(true)
    expect(seen).toBe(2)
  })
})
