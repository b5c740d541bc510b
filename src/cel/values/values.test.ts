import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CallContext } from '../library/library.js'
import { codePointIndex, codePointLength, codePointSlice, unitOffset } from './code-points.js'
import { compare, compareText } from './compare.js'
import { formatDuration, parseDuration } from './duration.js'
import { equal } from './equal.js'
import { fromJson, type JsonInput } from './from-json.js'
import { formatDouble } from './numbers.js'
import { zoneOffset } from './time-zone.js'
import { formatTimestamp, parseTimestamp } from './timestamp.js'
import { toOutput } from './to-output.js'
import { decodeUtf8, encodeUtf8 } from './utf8.js'
import { Duration, Failure, OptionalValue, Timestamp, TypeValue, Uint, type Value } from './value.js'

const free: CallContext = { charge: () => true }

describe('timestamps', () => {
  it.each([
    ['1970-01-01T00:00:00Z', 0n],
    ['1970-01-01T00:00:00.000000001Z', 1n],
    ['1970-01-01T00:00:00.1234567891Z', 123_456_789n],
    ['1969-12-31T23:59:59.5Z', -500_000_000n],
    ['1970-01-01T01:30:00+01:30', 0n],
    ['0001-01-01T00:00:00Z', -62_135_596_800_000_000_000n],
    ['9999-12-31T23:59:59.999999999Z', 253_402_300_799_999_999_999n],
    ['2024-02-29T00:00:00Z', 1_709_164_800_000_000_000n],
  ])('reads %s', (source, nanos) => {
    expect(parseTimestamp(source)).toEqual(new Timestamp(nanos))
  })

  it.each([
    '',
    '2024-01-01',
    '2024-01-01 00:00:00Z',
    '2024-01-01t00:00:00z',
    '2024-01-01T00:00:00',
    '2024-02-30T00:00:00Z',
    '2023-02-29T00:00:00Z',
    '2024-13-01T00:00:00Z',
    '2024-00-01T00:00:00Z',
    '2024-01-01T24:00:00Z',
    '2024-01-01T23:59:60Z',
    '2024-01-01T00:00:00+24:00',
    '2024-01-01T00:00:00.Z',
    '0000-12-31T00:00:00Z',
    '0001-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59-00:01',
    `2024-01-01T00:00:00.${'0'.repeat(1000)}Z`,
  ])('refuses %s', source => {
    expect(parseTimestamp(source)).toBeInstanceOf(Failure)
  })

  it('reads what it writes', () => {
    fc.assert(
      fc.property(fc.bigInt(-62_135_596_800_000_000_000n, 253_402_300_799_999_999_999n), nanos => {
        expect(parseTimestamp(formatTimestamp(new Timestamp(nanos)))).toEqual(new Timestamp(nanos))
      }),
    )
  })
})

describe('durations', () => {
  it.each([
    ['0', 0n],
    ['-0', 0n],
    ['1s', 1_000_000_000n],
    ['+1.5h', 5_400_000_000_000n],
    ['-1m30s', -90_000_000_000n],
    ['1h1m1s1ms1us1ns', 3_661_001_001_001n],
    ['.5s', 500_000_000n],
    ['1.s', 1_000_000_000n],
    ['1\u00b5s', 1000n],
    ['9223372036.854775807s', 2n ** 63n - 1n],
    ['-9223372036.854775808s', -(2n ** 63n)],
  ])('reads %s', (source, nanos) => {
    expect(parseDuration(source)).toEqual(new Duration(nanos))
  })

  it.each([
    '',
    '-',
    '1',
    '1 s',
    's',
    '.s',
    '1d',
    '1s ',
    '1e3s',
    '9223372036.854775808s',
    `${'1'.repeat(2000)}s`,
    '+-1s',
  ])('refuses "%s"', source => {
    expect(parseDuration(source)).toBeInstanceOf(Failure)
  })

  it.each([
    [0n, '0s'],
    [1n, '0.000000001s'],
    [-100n, '-0.0000001s'],
    [1_500_000_000n, '1.5s'],
    [90_000_000_000n, '90s'],
    [-3_600_000_000_000n, '-3600s'],
  ])('writes %s nanoseconds', (nanos, expected) => {
    expect(formatDuration(new Duration(nanos))).toBe(expected)
  })
})

describe('time zones', () => {
  it.each([
    ['UTC', 0, 0],
    ['', 0, 0],
    ['+01:00', 0, 3600],
    ['-08:30', 0, -30_600],
    ['02:00', 0, 7200],
    ['Europe/Berlin', 1_719_835_200, 7200],
    ['Europe/Berlin', 1_704_067_200, 3600],
    ['Asia/Kolkata', 0, 19_800],
    ['America/Los_Angeles', 1_710_064_799, -28_800],
    ['America/Los_Angeles', 1_710_064_800, -25_200],
  ])('%s at %s', (zone, seconds, offset) => {
    expect(zoneOffset(zone, seconds, free)).toBe(offset)
  })

  it.each(['Mars/Base', '+24:00', '+1:60', '01:00:00', ':', '../etc/passwd', 'x'.repeat(100), 'Local\0'])(
    'refuses %s',
    zone => {
      expect(zoneOffset(zone, 0, free)).toBeUndefined()
    },
  )
})

describe('texts', () => {
  const smile = 'a\u{1f600}b'

  it('counts code points', () => {
    expect(codePointLength(smile)).toBe(3)
    expect(unitOffset(smile, 2)).toBe(3)
    expect(unitOffset(smile, 4)).toBeUndefined()
    expect(codePointIndex(smile, 3)).toBe(2)
    expect(codePointSlice(smile, 1, 2)).toBe('\u{1f600}')
    expect(codePointSlice(smile, 2, 1)).toBeUndefined()
  })

  it('orders as UTF-8 does, and counts as an iterator does', () => {
    const text = fc.string({ unit: 'binary' })
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareText(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
        expect(codePointLength(a)).toBe([...a].length)
        expect(decodeUtf8(encodeUtf8(a))).toBe(a)
      }),
    )
  })

  it.each([[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]])('refuses bytes', (...bytes) => {
    expect(decodeUtf8(new Uint8Array(bytes))).toBeUndefined()
  })
})

describe('numbers', () => {
  it.each([
    [0, '0'],
    [-0, '-0'],
    [1, '1'],
    [123.456, '123.456'],
    [-0.0045, '-0.0045'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [100000, '100000'],
    [1e6, '1e+06'],
    [1234567, '1.234567e+06'],
    [1e100, '1e+100'],
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NaN, 'NaN'],
  ])('writes %s', (value, expected) => {
    expect(formatDouble(value)).toBe(expected)
  })

  it('has equality and order agree for ints and small doubles', () => {
    const number = fc.oneof(
      fc.bigInt(-(2n ** 53n), 2n ** 53n),
      fc.double(),
      fc.bigInt(0n, 2n ** 53n).map(value => new Uint(value)),
    )
    fc.assert(
      fc.property(number, number, (a, b) => {
        expect(compare(a, b) === 0).toBe(equal(a, b, free))
        expect(equal(b, a, free)).toBe(equal(a, b, free))
      }),
    )
  })
})

describe('equality', () => {
  it('charges for what it looks at, and is false when that is refused', () => {
    let left = 100
    const context: CallContext = {
      charge(units) {
        left -= units
        return left >= 0
      },
    }
    const long: Value = Array.from({ length: 10_000 }, () => 'x')
    expect(equal(long, [...long], context)).toBe(false)
    expect(left).toBeLessThan(0)
  })
})

describe('values from outside', () => {
  it('keeps what needs no change', () => {
    const input: JsonInput = new Map<string, JsonInput>([['a', [1n, 2.5, 'x', null, true]]])
    expect(fromJson(input)).toBe(input)
  })

  it('changes dates and integers beyond int64', () => {
    const input: JsonInput = [new Date(1), 2n ** 63n, new Map([['a', new Date(0)]])]
    expect(fromJson(input)).toEqual([new Timestamp(1_000_000n), 2 ** 63, new Map([['a', new Timestamp(0n)]])])
    expect(fromJson(new Date(Number.NaN))).toBeInstanceOf(Failure)
  })

  it('refuses what is nested too deeply', () => {
    let input: JsonInput = []
    for (let i = 0; i < 100_000; i++) input = [input]
    expect(fromJson(input)).toBeInstanceOf(Failure)
  })

  it('gives them back', () => {
    const value: Value = [
      new Uint(1n),
      new Timestamp(0n),
      new Duration(5n * 10n ** 8n),
      new TypeValue('int'),
      new OptionalValue(undefined),
      new Map<bigint, Value>([[1n, new OptionalValue('x')]]),
    ]
    expect(toOutput(value)).toEqual([1n, '1970-01-01T00:00:00Z', '0.5s', 'int', null, new Map([['1', 'x']])])
  })
})
