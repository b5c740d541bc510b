import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WireReader } from './wire-reader.js'

/** Reads one field of these bytes. */
function read<T>(bytes: readonly number[], one: (reader: WireReader, end: number) => T): T | 'refused' {
  const reader = new WireReader(Buffer.from(bytes))
  const end = bytes.length
  reader.field(end)
  const value = one(reader, end)
  return reader.failed || reader.more(end) ? 'refused' : value
}

const int64 = (...bytes: number[]) => read([0x08, ...bytes], (reader, end) => reader.int64(end))
const uint32 = (...bytes: number[]) => read([0x08, ...bytes], (reader, end) => reader.uint32(end))
const many = (byte: number, count: number): number[] => new Array(count).fill(byte)

describe('numbers', () => {
  it.each<[string, number[], number | 'refused']>([
    ['nothing', [], 'refused'],
    ['zero', [0], 0],
    ['127', [0x7f], 127],
    ['128', [0x80, 1], 128],
    ['longer than it has to be', [0x81, 0x80, 0], 1],
    ['all 32 bits', [...many(0xff, 4), 0x0f], 0xffff_ffff],
    ['the bit behind them', [...many(0x80, 4), 0x10], 2 ** 32],
    ['the largest', [...many(0xff, 8), 0x7f], 2 ** 63],
    ['minus one', [...many(0xff, 9), 1], -1],
    ['the smallest', [...many(0x80, 9), 1], -(2 ** 63)],
    ['more than 64 bits', [...many(0xff, 9), 2], 'refused'],
    ['eleven bytes', [...many(0x80, 10), 0], 'refused'],
    ['cut off', [0x80], 'refused'],
  ])('of 64 bits: %s', (_name, bytes, expected) => expect(int64(...bytes)).toBe(expected))

  it.each<[string, number[], number | 'refused']>([
    ['the largest', [...many(0xff, 4), 0x0f], 0xffff_ffff],
    ['more than 32 bits', [...many(0xff, 4), 0x10], 'refused'],
    ['six bytes', [...many(0x80, 5), 0], 'refused'],
  ])('of 32 bits: %s', (_name, bytes, expected) => expect(uint32(...bytes)).toBe(expected))

  it('are what was written', () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), value => {
        const bytes: number[] = []
        for (let rest = BigInt.asUintN(64, value), more = true; more; ) {
          more = rest > 0x7fn
          bytes.push(Number(rest & 0x7fn) | (more ? 0x80 : 0))
          rest >>= 7n
        }
        expect(int64(...bytes)).toBe(Number(value))
      }),
    )
  })
})

describe('fields', () => {
  const text = (reader: WireReader, end: number) => reader.text(end)
  it.each<[string, number[], (reader: WireReader, end: number) => unknown, unknown]>([
    ['a string', [0x0a, 2, 0x61, 0x62], text, 'ab'],
    ['a string that is not UTF-8', [0x0a, 2, 0x61, 0xff], text, 'a\ufffd'],
    ['a string that is too long', [0x0a, 3, 0x61, 0x62], text, 'refused'],
    ['a string of 4 GiB', [0x0a, ...many(0xff, 4), 0x0f, 0x61], text, 'refused'],
    ['a number as a string', [0x08, 1], text, 'refused'],
    ['a string as a number', [0x0a, 0], (reader, end) => reader.int64(end), 'refused'],
    ['a string as a double', [0x0a, 8, ...many(0, 8)], (reader, end) => reader.double(end), 'refused'],
    ['a double', [0x09, ...many(0, 6), 0xf0, 0x3f], (reader, end) => reader.double(end), 1],
    ['half a double', [0x09, ...many(0, 4)], (reader, end) => reader.double(end), 'refused'],
    ['true', [0x08, 1], (reader, end) => reader.flag(end), true],
    ['a bool of 2', [0x08, 2], (reader, end) => reader.flag(end), 'refused'],
    ['field 0', [0x00, 1], (reader, end) => reader.skip(end), 'refused'],
    ['a skipped double', [0x09, ...many(0, 8)], (reader, end) => reader.skip(end), undefined],
    ['a skipped half', [0x0d, 0, 0], (reader, end) => reader.skip(end), 'refused'],
    ['a group', [0x0b, 0x0c], (reader, end) => reader.skip(end), 'refused'],
    ['an unknown wire type', [0x0e], (reader, end) => reader.skip(end), 'refused'],
  ])('%s', (_name, bytes, one, expected) => expect(read(bytes, one)).toBe(expected))

  it('end where their message ends, whatever stands behind', () => {
    const reader = new WireReader(Buffer.from([0x0a, 3, 0x12, 5, 0x61, 0x62, 0x63, 0x64, 0x65]))
    reader.field(9)
    const end = reader.open(9)
    expect([reader.field(end), reader.text(end), reader.failed]).toEqual([2, '', true])
  })

  it('are read no more once something was wrong', () => {
    const reader = new WireReader(Buffer.from([0x0a, 1, 0x61]))
    reader.field(3)
    reader.fail()
    expect(reader.text(3)).toBe('')
    reader.close(1)
    expect([reader.failed, reader.more(3)]).toEqual([true, false])
  })

  it.each<[string, readonly number[], number, number]>([
    ['a short text', [0x0a, 2, 0x61, 0x62, 0x12], 5, 4],
    ['an empty one', [0x0a, 0], 2, 2],
    ['another tag', [0x12, 1, 0x61], 3, -1],
    ['a length of two bytes', [0x0a, 0x81, 0x00, 0x61], 4, -1],
    ['one that ends behind its message', [0x0a, 2, 0x61, 0x62], 3, -1],
    ['one that ends behind the bytes', [0x0a, 2, 0x61], 3, -1],
    ['a tag without a length', [0x0a], 1, -1],
    ['nothing', [], 0, -1],
  ])('enters %s in a few steps, or leaves it to the others', (_, bytes, end, stop) => {
    const reader = new WireReader(Buffer.from(bytes))
    expect(reader.openShort(0x0a, end)).toBe(stop)
    expect(reader.at).toBe(stop < 0 ? 0 : 2)
    expect(reader.failed).toBe(false)
  })
})
