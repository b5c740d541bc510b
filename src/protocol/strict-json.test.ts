import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isJsonArray, isJsonObject, type JsonValue } from './json-value.js'
import type { MessageReason } from './reasons.js'
import { type JsonLimits, parseStrictJson, type StrictJson } from './strict-json.js'

const bytes = (text: string): Uint8Array => Buffer.from(text, 'utf8')
const parse = (text: string, limits?: JsonLimits): StrictJson => parseStrictJson(bytes(text), limits)
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

/** Back to what JSON.parse gives, so that the two can be compared, but with one zero: `-0` is an integer for us, `-0e1` is none. */
function plain(value: JsonValue): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (value === 0) return 0
  if (isJsonArray(value)) return value.map(plain)
  if (isJsonObject(value)) return Object.fromEntries([...value].map(([key, member]) => [key, plain(member)]))
  return value
}

describe('keys that are refused in messages', () => {
  it.each(['__proto__', '\\u005f_proto__', 'a\\u0000'])('%s can be allowed, and reaches no prototype', key => {
    const text = Buffer.from(`{"${key}":{"polluted":true},"b":1}`)
    expect(parseStrictJson(text)).toMatchObject({ ok: false, reason: 'message.forbidden_key' })
    const parsed = parseStrictJson(text, { anyKeys: true })
    expect(parsed.ok && isJsonObject(parsed.value) && parsed.value.size).toBe(2)
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
    const twice = Buffer.from(`{"${key}":1,"${key}":2}`)
    expect(parseStrictJson(twice, { anyKeys: true })).toMatchObject({ ok: false, reason: 'message.duplicate_key' })
  })
})

describe('parseStrictJson accepts', () => {
  const cases: [name: string, text: string, value: JsonValue][] = [
    ['null', 'null', null],
    ['true with whitespace around', ' \t\r\n true \n', true],
    ['an empty string', '""', ''],
    ['escapes', '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9"', '"\\/\b\f\n\r\tAé'],
    ['backslashes before the closing quote', '"a\\\\"', 'a\\'],
    ['a surrogate pair as escapes', '"\\ud83d\\ude00"', '😀'],
    ['UTF-8 beyond ASCII', '"žluť 😀"', 'žluť 😀'],
    ['an escaped NUL in a value', '"\\u0000"', '\u0000'],
    ['U+FFFD as itself', '"\ufffd"', '\ufffd'],
    ['zero', '0', 0n],
    ['minus zero as the integer', '-0', 0n],
    ['a small integer', '1023', 1023n],
    ['the next integer', '1024', 1024n],
    ['a negative integer', '-1', -1n],
    ['2^53 + 1, exactly', '9007199254740993', 9007199254740993n],
    ['the smallest int64', '-9223372036854775808', -9223372036854775808n],
    ['the largest uint64', '18446744073709551615', 18446744073709551615n],
    ['a fraction', '1.5', 1.5],
    ['an integer written as a fraction stays a double', '1.0', 1],
    ['an exponent', '1e3', 1000],
    ['a signed exponent', '1.25E-2', 0.0125],
    ['minus zero as a double', '-0.0', -0],
    ['a number too small for a double', '1e-400', 0],
    ['an empty array', '[ ]', []],
    ['an array', '[1,"a",[null]]', [1n, 'a', [null]]],
    ['an empty object', '{ }', new Map()],
    [
      'an object',
      '{"a":{"b":1} , "":2}',
      new Map<string, JsonValue>([
        ['a', new Map([['b', 1n]])],
        ['', 2n],
      ]),
    ],
    ['keys of prototypes, harmless in a map', '{"constructor":1}', new Map([['constructor', 1n]])],
    ['depth 64', nested(64), JSON.parse(nested(64))],
  ]
  it.each(cases)('%s', (_name, text, value) => {
    expect(parse(text)).toEqual({ ok: true, value, lexeme: undefined })
  })
})

describe('parseStrictJson refuses', () => {
  const cases: [name: string, text: string, reason: MessageReason][] = [
    ['nothing', '', 'message.not_json'],
    ['whitespace', ' ', 'message.not_json'],
    ['trailing data', '{} x', 'message.not_json'],
    ['a second message', '{}{}', 'message.not_json'],
    ['NDJSON', '{}\n{}', 'message.not_json'],
    ['a NUL suffix', '{}\u0000', 'message.not_json'],
    ['whitespace that is not of JSON', '\u00a01', 'message.not_json'],
    ['a trailing comma in an array', '[1,]', 'message.not_json'],
    ['a trailing comma in an object', '{"a":1,}', 'message.not_json'],
    ['a missing colon', '{"a" 1}', 'message.not_json'],
    ['a key without quotes', '{a:1}', 'message.not_json'],
    ['a comment', '/**/1', 'message.not_json'],
    ['single quotes', "'a'", 'message.not_json'],
    ['an unclosed string', '"a', 'message.not_json'],
    ['an unclosed string behind an escape', '"a\\"', 'message.not_json'],
    ['an unclosed object', '{"a":1', 'message.not_json'],
    ['an unclosed array', '[1', 'message.not_json'],
    ['a raw line feed in a string', '"a\nb"', 'message.not_json'],
    ['a raw line feed behind an escape', '"\\t\nb"', 'message.not_json'],
    ['an unknown escape', '"\\x41"', 'message.not_json'],
    ['a short \\u escape', '"\\u12"', 'message.not_json'],
    ['a leading zero', '01', 'message.not_json'],
    ['a leading plus', '+1', 'message.not_json'],
    ['a lone minus', '-', 'message.not_json'],
    ['a fraction without digits', '1.', 'message.not_json'],
    ['an exponent without digits', '1e+', 'message.not_json'],
    ['hexadecimal', '0x10', 'message.not_json'],
    ['NaN', 'NaN', 'message.not_json'],
    ['Infinity', '-Infinity', 'message.not_json'],
    ['a wrong literal', 'nul', 'message.not_json'],
    ['a number that is not finite', '1e400', 'message.number_range'],
    ['an integer below int64', '-9223372036854775809', 'message.number_range'],
    ['an integer beyond uint64', '18446744073709551616', 'message.number_range'],
    ['an integer of a thousand digits', '9'.repeat(1000), 'message.number_range'],
    ['a duplicate key', '{"a":1,"a":1}', 'message.duplicate_key'],
    ['a duplicate key in another spelling', '{"name":1,"n\\u0061me":2}', 'message.duplicate_key'],
    ['a duplicate key in the depth', '[{"x":{"a":1,"b":2,"a":3}}]', 'message.duplicate_key'],
    ['__proto__', '{"__proto__":1}', 'message.forbidden_key'],
    ['__proto__ in another spelling', '{"\\u005f_proto__":1}', 'message.forbidden_key'],
    ['NUL in a key', '{"name\\u0000":1}', 'message.forbidden_key'],
    ['DEL in a key', '{"name\u007f":1}', 'message.forbidden_key'],
    ['C1 in a key', '{"name\u0085":1}', 'message.forbidden_key'],
    ['a lone high surrogate', '"\\ud800"', 'message.encoding'],
    ['a lone low surrogate', '"\\udc00"', 'message.encoding'],
    ['surrogates in the wrong order', '"\\ude00\\ud83d"', 'message.encoding'],
    ['a lone surrogate in a key', '{"\\ud800":1}', 'message.encoding'],
    ['a BOM', '\ufeff{}', 'message.encoding'],
    ['depth 65', nested(65), 'message.too_deep'],
    ['objects at depth 65', `${'{"a":'.repeat(65)}1${'}'.repeat(65)}`, 'message.too_deep'],
    ['a depth that would end the stack', nested(1_000_000), 'message.too_deep'],
    ['more members than 10,000', `[${'1,'.repeat(10_000)}1]`, 'message.too_many_members'],
    ['more bytes than 4 MiB', `"${'a'.repeat(4 * 1024 * 1024)}"`, 'message.too_large'],
  ]
  it.each(cases)('%s', (_name, text, reason) => {
    expect(parse(text)).toMatchObject({ ok: false, reason })
  })

  const encodings: [name: string, bytes: number[]][] = [
    ['an invalid byte', [0x22, 0xff, 0x22]],
    ['an overlong quote', [0x22, 0xc0, 0xa2, 0x22]],
    ['an encoded surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['a cut sequence', [0x22, 0xc3, 0x22]],
    ['UTF-16 with BOM', [0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]],
  ]
  it.each(encodings)('%s', (_name, list) => {
    expect(parseStrictJson(Uint8Array.from(list))).toMatchObject({ ok: false, reason: 'message.encoding' })
  })

  it('UTF-16 without BOM', () => {
    expect(parseStrictJson(Buffer.from('{}', 'utf16le'))).toMatchObject({ ok: false, reason: 'message.not_json' })
  })

  it('says where, and nothing of the text', () => {
    const result = parse('{"secret":1,"secret":2}')
    expect(result).toMatchObject({ ok: false, at: 12 })
    expect(JSON.stringify(result)).not.toContain('secret')
  })
})

describe('limits', () => {
  it('are exact', () => {
    expect(parse('[1,2]', { maxMembers: 2 }).ok).toBe(true)
    expect(parse('[1,2]', { maxMembers: 1 }).ok).toBe(false)
    expect(parse('{"a":[1]}', { maxMembers: 1 }).ok).toBe(false)
    expect(parse('[[]]', { maxDepth: 2 }).ok).toBe(true)
    expect(parse('[[]]', { maxDepth: 1 }).ok).toBe(false)
    expect(parse('true', { maxBytes: 4 }).ok).toBe(true)
    expect(parse('true', { maxBytes: 3 }).ok).toBe(false)
  })

  it('reads a view into a larger buffer', () => {
    expect(parseStrictJson(bytes('xx{"a":1}yy').subarray(2, 9))).toMatchObject({ ok: true })
  })
})

describe('the lexeme of a top-level member', () => {
  const cases: [name: string, text: string, lexeme: string | undefined][] = [
    ['a number', '{"id": 7 ,"x":1}', '7'],
    ['a number as written', '{"id":1.0e0}', '1.0e0'],
    ['a string as written', '{"x":{"id":1},"id":"a\\u0062"}', '"a\\u0062"'],
    ['an object', '{"id":{"a": 1}}', '{"a": 1}'],
    ['beyond ASCII', '{"x":"ž","id":"ž"}', '"ž"'],
    ['a key in another spelling', '{"\\u0069d":3}', '3'],
    ['none on the top level', '{"x":{"id":1}}', undefined],
    ['none in an array', '[{"id":1}]', undefined],
    ['read before a fault', '{"id":5,"x":1e999}', '5'],
    ['not known behind a fault', '{"x":1e999,"id":5}', undefined],
    ['not known when it came twice', '{"id":5,"id":6}', undefined],
  ]
  it.each(cases)('%s', (_name, text, lexeme) => {
    expect(parse(text, { lexemeOf: 'id' }).lexeme).toBe(lexeme)
  })
})

describe('against JSON.parse', () => {
  it('agrees about every text that JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false, stringUnit: 'binary', maxDepth: 6 }), value => {
        const text = JSON.stringify(value)
        const ours = parse(text)
        if (ours.ok) expect(plain(ours.value)).toEqual(JSON.parse(text))
        else expect(['message.forbidden_key', 'message.number_range', 'message.encoding']).toContain(ours.reason)
      }),
      { numRuns: 1000 },
    )
  })

  it('never accepts mutated bytes that JSON.parse refuses, and never throws', () => {
    const seeds = [
      '{"jsonrpc":"2.0","id":"a\\u0062","method":"tools/call","params":{"name":"x","arguments":{"n":-12.5e3,"l":[1,2]}}}',
      '[true,false,null,"\\ud83d\\ude00 ž",0,-0,18446744073709551615,{"a":{"b":[]}}]',
    ].map(bytes)
    const mutation = fc.tuple(fc.nat(120), fc.constantFrom('set', 'cut', 'insert'), fc.integer({ min: 0, max: 255 }))
    fc.assert(
      fc.property(fc.constantFrom(...seeds), fc.array(mutation, { minLength: 1, maxLength: 4 }), (seed, mutations) => {
        const mutant = [...seed]
        for (const [at, how, byte] of mutations)
          mutant.splice(at % mutant.length, how === 'insert' ? 0 : 1, ...(how === 'cut' ? [] : [byte]))
        const ours = parseStrictJson(Uint8Array.from(mutant))
        if (!ours.ok) return
        const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(mutant))
        expect(plain(ours.value)).toEqual(JSON.parse(text, (_key, value) => (Object.is(value, -0) ? 0 : value)))
      }),
      { numRuns: 5000 },
    )
  })

  it('never throws on any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), input => typeof parseStrictJson(input).ok === 'boolean'))
  })
})

describe('time', () => {
  const hostile: [name: string, make: (n: number) => string][] = [
    ['one long string', n => `"${'a'.repeat(n)}"`],
    ['escapes only', n => `"${'\\n'.repeat(n / 2)}"`],
    ['backslashes only', n => `"${'\\'.repeat(n)}"`],
    ['escaped quotes only', n => `"${'\\"'.repeat(n / 2)}`],
    ['digits', n => '1'.repeat(n)],
    ['digits of a fraction', n => `0.${'1'.repeat(n)}`],
    ['whitespace', n => ' '.repeat(n)],
    ['brackets', n => '['.repeat(n)],
    ['keys', n => `{${Array.from({ length: n / 16 }, (_, i) => `"${i}":1`).join(',')}}`],
    ['integers', n => `[${'17,'.repeat(n / 3)}1]`],
  ]
  it.each(hostile)('is linear for %s', (_name, make) => {
    const input = bytes(make(2 * 1024 * 1024))
    const start = performance.now()
    parseStrictJson(input, { maxMembers: 1_000_000 })
    expect(performance.now() - start).toBeLessThan(2000)
  })
})
