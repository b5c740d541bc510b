import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isJsonArray, isJsonObject, type JsonValue } from './json-value.js'
import { parseStrictJson } from './strict-json.js'

const parse = (text: string) => parseStrictJson(Buffer.from(text, 'utf8'))

/** Written by hand, because JSON.stringify knows neither 64-bit integers nor repeated keys. */
function write(value: JsonValue): string {
  if (typeof value === 'bigint') return String(value)
  // A double keeps its kind by a fraction or an exponent.
  if (typeof value === 'number') return Number.isInteger(value) ? value.toExponential() : String(value)
  if (isJsonArray(value)) return `[${value.map(write).join(',')}]`
  if (isJsonObject(value))
    return `{${[...value].map(([key, one]) => `${JSON.stringify(key)}:${write(one)}`).join(',')}}`
  return JSON.stringify(value)
}

const key = fc.string({ unit: 'grapheme', maxLength: 6 }).filter(one => one !== '__proto__' && !/\p{Cc}/u.test(one))
const { value } = fc.letrec<{ value: JsonValue }>(tie => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false),
    fc.string({ unit: 'grapheme' }),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter(one => !Object.is(one, -0)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(key, tie('value')), { maxLength: 4 }).map(members => new Map(members)),
  ),
}))

it('reads back what was written, exactly', () => {
  fc.assert(
    fc.property(value, one => {
      expect(parse(write(one))).toMatchObject({ ok: true, value: one })
    }),
  )
})

/** Where a string that begins a text ends, character by character (RFC 8259, section 7); undefined if it does not. */
function endOfString(text: string): number | undefined {
  for (let at = 1; at < text.length; at++) {
    const one = text[at] ?? ''
    if (one === '"') return at + 1
    if (one < ' ' || (one === '\\' && !'"\\/bfnrt'.includes(text[++at] ?? ' '))) return undefined
  }
  return undefined
}

it('sees every character of a string that does not stand for itself, wherever it is', () => {
  const special = fc.constantFrom(
    '"',
    '\\',
    '\\\\',
    '\\"',
    '\\n',
    '\n',
    '\0',
    '\x1f',
    '\x7f',
    '\u0122',
    '\u015c',
    '\u4e22',
    '',
  )
  const plain = fc.string({ unit: fc.constantFrom('a', 'n', '!', '#', '[', ']', '~', 'é', '\u2122'), maxLength: 30 })
  const ascii = plain.map(text => text.replace(/[^\x20-\x7e]/g, '-'))
  const around = fc.oneof(fc.tuple(plain, plain), fc.tuple(ascii, ascii))
  fc.assert(
    fc.property(around, special, fc.constantFrom('', '"', '",'), ([before, after], one, end) => {
      const text = `"${before}${one}${after}${end}`
      const read = parse(text)
      if (endOfString(text) === text.length) expect(read).toMatchObject({ ok: true, value: JSON.parse(text) })
      else expect(read).toMatchObject({ ok: false, reason: 'message.not_json' })
    }),
    { numRuns: 3000 },
  )
})

it('refuses a key that comes twice, wherever and however spelt', () => {
  const escaped = (text: string) =>
    `"${[...text].map(one => (/^[a-z]$/.test(one) ? `\\u00${one.charCodeAt(0).toString(16)}` : JSON.stringify(one).slice(1, -1))).join('')}"`
  fc.assert(
    fc.property(key, value, value, fc.nat(3), (name, first, second, depth) => {
      const object = `{${JSON.stringify(name)}:${write(first)},"\u0101":0,${escaped(name)}:${write(second)}}`
      const text = '[{"x":'.repeat(depth) + object + '}]'.repeat(depth)
      expect(parse(text)).toMatchObject({ ok: false, reason: 'message.duplicate_key' })
    }),
  )
})

it('refuses every cut of a text, and every byte behind it that is no white space', () => {
  const whole = fc.oneof(
    value.filter(one => isJsonObject(one) || isJsonArray(one)),
    fc.constant<JsonValue>(new Map()),
  )
  fc.assert(
    fc.property(
      whole,
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.nat(255),
      (one, part, byte) => {
        const bytes = Buffer.from(write(one), 'utf8')
        expect(parseStrictJson(bytes.subarray(0, Math.floor(bytes.length * part))).ok).toBe(false)
        const blank = [0x20, 0x09, 0x0a, 0x0d].includes(byte)
        expect(parseStrictJson(Buffer.concat([bytes, Uint8Array.of(byte)])).ok).toBe(blank)
      },
    ),
  )
})

it('never throws, and says where a refused text went wrong within its bounds', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom('', '{"a":', '["\\u'), (bytes, start) => {
      const all = Buffer.concat([Buffer.from(start), bytes])
      const read = parseStrictJson(all)
      if (read.ok) return
      expect(read.at).toBeLessThanOrEqual(all.length)
      expect(read.message).toMatch(/^[\x20-\x7e]+$/)
    }),
    { numRuns: 1000 },
  )
})

it('counts depth and members as they are', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }), (depth, maxDepth) => {
      const read = parseStrictJson(Buffer.from('['.repeat(depth) + ']'.repeat(depth)), { maxDepth })
      expect(read.ok).toBe(depth <= maxDepth)
      const items = parseStrictJson(Buffer.from(`[${Array(depth).fill('{"a":0}').join()}]`), { maxMembers: maxDepth })
      expect(items.ok).toBe(depth * 2 <= maxDepth)
    }),
  )
})
