import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyUnit } from './any-unit.fixture.js'
import { type JsonNode, type JsonOutline, type OutlineLimits, outlineJson, readJsonOutline } from './json-outline.js'
import { JsonOutlineScanner } from './json-outline-scanner.js'

const read = (text: string | Uint8Array, limits?: OutlineLimits) =>
  readJsonOutline(typeof text === 'string' ? Buffer.from(text) : text, limits)

function outlineOf(text: string): JsonOutline {
  const result = read(text)
  if (!result.ok) throw new Error(`${result.problem} at ${result.at}`)
  return result.outline
}

/** As JSON.parse would give it, from the outline alone. */
function plainOf(outline: JsonOutline, node: JsonNode): unknown {
  switch (outline.kind(node)) {
    case 'array':
      return outline.elements(node).map(element => plainOf(outline, element))
    case 'object': {
      const members: [string, unknown][] = []
      for (let key = node + 1; key < outline.next(node); key = outline.next(key + 1)) {
        members.push([outline.string(key), plainOf(outline, key + 1)])
      }
      return Object.fromEntries(members)
    }
    case 'string':
      return outline.string(node)
    case 'number':
      return Number(outline.lexeme(node))
    case 'literal':
      return { true: true, false: false, null: null }[outline.lexeme(node)]
  }
}

const parses = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe('an outline is refused', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
  it.each<[string, string | Uint8Array, string, OutlineLimits?]>([
    ['of nothing', '', 'not_json'],
    ['of white space', ' \n', 'not_json'],
    ['of two values', '1 2', 'not_json'],
    ['with something behind it', '{}x', 'not_json'],
    ['with a comma at the end', '[1,]', 'not_json'],
    ['with a comma at the start', '[,1]', 'not_json'],
    ['with a comma behind the last member', '{"a":1,}', 'not_json'],
    ['without a colon', '{"a" 1}', 'not_json'],
    ['without a value', '{"a":}', 'not_json'],
    ['with a key that is no string', '{1:1}', 'not_json'],
    ['with brackets that do not match', '[1}', 'not_json'],
    ['with braces that do not match', '{"a":1]', 'not_json'],
    ['not closed', '[[1]', 'not_json'],
    ['closed too often', '[1]]', 'not_json'],
    ['of NaN', '[NaN]', 'not_json'],
    ['of half a word', 'tru', 'not_json'],
    ['of a word in capitals', 'True', 'not_json'],
    ['of a number with a leading zero', '01', 'not_json'],
    ['of a number with a plus', '+1', 'not_json'],
    ['of a minus', '-', 'not_json'],
    ['of a number that ends in a point', '1.', 'not_json'],
    ['of a number that ends in e', '1e+', 'not_json'],
    ['of a string that does not end', '"abc', 'not_json'],
    ['of a string that ends in an escape', '"abc\\', 'not_json'],
    ['of a string with a tab', '"\t"', 'not_json'],
    ['of a string with a NUL', '"\0"', 'not_json'],
    ['of a bad escape', '"\\x41"', 'not_json'],
    ['of half an escape', '"\\u00"', 'not_json'],
    ['of single quotes', "'a'", 'not_json'],
    ['with a comment', '[1/**/]', 'not_json'],
    ['of UTF-16', Buffer.from('{}', 'utf16le'), 'not_json'],
    ['of two byte order marks', '\ufeff\ufeff1', 'not_json'],
    ['of bytes that are no UTF-8', Uint8Array.of(0x22, 0xc3, 0x28, 0x22), 'encoding'],
    ['of half a surrogate in UTF-8', Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22), 'encoding'],
    ['too deep', nested(201), 'too_deep'],
    ['much too deep', '['.repeat(1_000_000), 'too_deep'],
    ['too large', '[1]', 'too_large', { maxBytes: 2 }],
    ['of too many values', '[1,2,3]', 'too_many_nodes', { maxNodes: 3 }],
    ['of too many keys', '{"a":1,"b":2}', 'too_many_nodes', { maxNodes: 3 }],
  ])('%s', (_name, text, problem, limits) => {
    expect(read(text, limits)).toMatchObject({ ok: false, problem })
  })
})

describe('an outline takes', () => {
  const cases: [name: string, text: string][] = [
    ['numbers of any size', '[1e400,123456789012345678901234567890,-0,0.0E-0]'],
    ['keys that come twice', '{"a":1,"a":2}'],
    ['__proto__ as a plain key', '{"a":{"b":1}}'],
    ['half a surrogate pair as an escape', '"\\ud800"'],
    ['white space of every kind', ' \t\r\n{ "a" : [ ] , "b" : { } } \n'],
    ['a byte order mark', '\ufeff{"a":1}'],
    ['every escape', '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9"'],
    ['the deepest', `${'['.repeat(200)}${']'.repeat(200)}`],
  ]
  it.each(cases)('%s', (_name, text) => {
    const outline = outlineOf(text)
    expect(plainOf(outline, 0)).toEqual(JSON.parse(text.replace('\ufeff', '')))
  })

  it('exactly as many values as the limit', () => {
    expect(read('[1,2]', { maxNodes: 3 }).ok).toBe(true)
  })
})

it('agrees with JSON.parse on what is JSON and what it says, in every spelling of white space', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: anyUnit }), fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
      const text = JSON.stringify(value, undefined, indent)
      const outline = outlineOf(text)
      expect(plainOf(outline, 0)).toEqual(JSON.parse(text))
      expect(outline.lexeme(0)).toBe(text)
    }),
  )
})

it('reads the same wherever it pauses', () => {
  const texts = fc.oneof(fc.json(), fc.json({ maxDepth: 5 }), fc.string())
  fc.assert(
    fc.property(texts, fc.integer({ min: 0, max: 5 }), (text, stride) => {
      const bytes = Buffer.from(text)
      const [whole, paused] = [new JsonOutlineScanner(bytes, 50, 1000), new JsonOutlineScanner(bytes, 50, 1000)]
      const expected = whole.scan(Number.POSITIVE_INFINITY)
      let problem = paused.scan(0)
      for (let pauses = 0; problem === 'paused' && pauses <= 2 * bytes.length; pauses++)
        problem = paused.scan(paused.at + 1 + stride)
      expect({ problem, at: paused.at }).toEqual({ problem: expected, at: whole.at })
      expect(paused.starts).toEqual(whole.starts)
      expect(paused.ends).toEqual(whole.ends)
      expect(paused.nexts).toEqual(whole.nexts)
    }),
    { numRuns: 1000 },
  )
})

it('puts the work aside every now and then', () => {
  const steps = (bytes: number) => [...outlineJson(Buffer.from(`[${'1,'.repeat(bytes / 2)}1]`))].length
  expect(steps(1000)).toBe(0)
  expect(steps(1024 * 1024)).toBe(4)
})

it('agrees with JSON.parse on texts that are nearly JSON', () => {
  const piece = fc.constantFrom(...'{}[]:,"\\ue1-+.09 \n', '"a"', 'null', 'true', '"\\u0041"', '1e5', '{"k":', '[1,')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), pieces => {
      const text = pieces.join('')
      expect(read(text).ok).toBe(parses(text))
    }),
    { numRuns: 5000 },
  )
})

it('agrees with JSON.parse on JSON with one byte changed', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.integer({ min: 0x20, max: 0x7e }), (text, at, code) => {
      const bytes = Buffer.from(text)
      bytes[at % bytes.length] = code
      const changed = bytes.toString('utf8')
      // Where the change broke a character, the encoding is at fault.
      fc.pre(Buffer.from(changed).equals(bytes))
      expect(read(changed).ok).toBe(parses(changed))
    }),
    { numRuns: 2000 },
  )
})
