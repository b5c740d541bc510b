import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isJsonObject, type JsonObject } from '../protocol/json-value.js'
import { parseStrictJson } from '../protocol/strict-json.js'
import { argumentsDigest } from '../upstream/digests.js'
import { createArgumentRecorder, type RecordedArguments } from './record-arguments.js'

const all: RecordedArguments = { mode: 'all', paths: [], patterns: [], maxBytes: 4096 }

function argsOf(text: string): JsonObject {
  const parsed = parseStrictJson(Buffer.from(text))
  if (!parsed.ok || !isJsonObject(parsed.value)) throw new Error(parsed.ok ? 'no object' : parsed.message)
  return parsed.value
}

/** The members that it adds to a record, as text. */
function recorded(settings: Partial<RecordedArguments>, text: string): string {
  return createArgumentRecorder({ ...all, ...settings })(argsOf(text)).slice(1)
}

describe('createArgumentRecorder', () => {
  it('records nothing unless it is told to, and nothing where there is nothing', () => {
    expect(recorded({ mode: 'none' }, '{"a":1}')).toBe('')
    expect(createArgumentRecorder(all)(undefined)).toBe('')
  })

  it('records everything as it was sent', () => {
    const text = '{"a":[1,2.5,null,true,{"b":"x\\ny"}],"big":9007199254740993,"o":{},"Ü/~":"🏔"}'
    expect(recorded({}, text)).toBe(`"arguments":${text}`)
  })

  it('throws for a pattern that does not compile', () => {
    expect(() => createArgumentRecorder({ ...all, patterns: ['('] })).toThrow('decisionLog.arguments.redact')
  })

  const text = '{"ns":"team-a","spec":{"list":[{"image":"i1","env":"e"},{"image":"i2"},7],"n":3},"x/y":1}'
  const paths: [string, RecordedArguments['paths'], string][] = [
    ['a member', [[{ name: 'ns' }]], '"arguments":{"ns":"team-a"},"erased":["/arguments/spec","/arguments/x~1y"]'],
    [
      'a place inside',
      [[{ name: 'spec' }, { name: 'n' }]],
      '"arguments":{"spec":{"n":3}},"erased":["/arguments/ns","/arguments/spec/list","/arguments/x~1y"]',
    ],
    [
      'each element',
      [[{ name: 'spec' }, { name: 'list' }, { each: true }, { name: 'image' }]],
      '"arguments":{"spec":{"list":[{"image":"i1"},{"image":"i2"},null]}},"erased":["/arguments/ns","/arguments/spec/list/0/env","/arguments/spec/list/2","/arguments/spec/n","/arguments/x~1y"]',
    ],
    [
      'one element',
      [[{ name: 'spec' }, { name: 'list' }, { index: 2 }]],
      '"arguments":{"spec":{"list":[null,null,7]}},"erased":["/arguments/ns","/arguments/spec/list/0","/arguments/spec/list/1","/arguments/spec/n","/arguments/x~1y"]',
    ],
    [
      'a whole, though a part of it is named too',
      [[{ name: 'spec' }, { name: 'n' }], [{ name: 'spec' }], [{ name: 'ns' }], [{ name: 'x/y' }]],
      `"arguments":${text}`,
    ],
    [
      'what is not there',
      [[{ name: 'no' }]],
      '"arguments":{},"erased":["/arguments/ns","/arguments/spec","/arguments/x~1y"]',
    ],
    [
      'what is in a value that holds nothing',
      [[{ name: 'ns' }, { name: 'a' }], [{ name: 'spec' }], [{ name: 'x/y' }]],
      '"arguments":{"spec":{"list":[{"image":"i1","env":"e"},{"image":"i2"},7],"n":3},"x/y":1},"erased":["/arguments/ns"]',
    ],
  ]
  it.each(paths)('records %s by its path', (_name, wanted, expected) => {
    expect(recorded({ mode: 'paths', paths: wanted }, text)).toBe(expected)
  })

  it.each<[string, string, string]>([
    [
      'a part of a text',
      '{"a":"key sk-abc and sk-def"}',
      '"arguments":{"a":"key [redacted] and [redacted]"},"masked":["/arguments/a"]',
    ],
    ['a number', '{"a":4111111111111111}', '"arguments":{"a":"[redacted]"},"masked":["/arguments/a"]'],
    ['deep inside', '{"a":[{"b":"sk-x"}]}', '"arguments":{"a":[{"b":"[redacted]"}]},"masked":["/arguments/a/0/b"]'],
    ['a name, with all it holds', '{"o":{"sk-abc":1,"b":2}}', '"arguments":{"o":{"b":2}},"erased":["/arguments/o"]'],
    ['nothing where nothing is', '{"a":"sk-"}', '"arguments":{"a":"sk-"}'],
  ])('masks %s', (_name, given, expected) => {
    expect(recorded({ patterns: ['sk-[a-z]+', '[0-9]{16}'] }, given)).toBe(expected)
  })

  it('leaves out what does not fit as a whole, and goes on with what does', () => {
    const long = 'x'.repeat(300)
    expect(recorded({ maxBytes: 256 }, `{"a":"${long}","b":[1,"${long}",2],"c":3}`)).toBe(
      '"arguments":{"b":[1,null,2],"c":3},"erased":["/arguments/a","/arguments/b/1"]',
    )
  })

  it('says it of all arguments when there is too much to say', () => {
    const many = JSON.stringify(Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`k${i}`, 'x'.repeat(300)])))
    expect(recorded({ maxBytes: 256 }, many)).toBe('"arguments":{},"erased":["/arguments"]')
  })

  it('does not tell long names', () => {
    const name = 'n'.repeat(400)
    expect(recorded({ maxBytes: 256 }, `{"o":{"${name}":1}}`)).toBe('"arguments":{"o":{}},"erased":["/arguments/o"]')
  })

  it('is bounded in size and time whatever is sent', () => {
    const patterns = ['sk-[a-z0-9]{1,64}', '(a|b|ab)*c']
    const record = createArgumentRecorder({ ...all, patterns })
    const hostile = [
      JSON.stringify({ a: Array.from({ length: 9000 }, () => 'sk-abc') }),
      JSON.stringify({ a: 'ab'.repeat(1_000_000) }),
      `{"a":${'['.repeat(60)}${']'.repeat(60)}}`,
      JSON.stringify(Object.fromEntries(Array.from({ length: 9000 }, (_, i) => [`sk-${'a'.repeat(50)}${i}`, '']))),
      JSON.stringify({ a: '\u0001'.repeat(4000) }),
      JSON.stringify(Object.fromEntries(Array.from({ length: 9000 }, (_, i) => [`""${i}`, {}]))),
    ]
    for (const one of hostile) {
      const args = argsOf(one)
      const before = performance.now()
      const line = record(args)
      expect(performance.now() - before).toBeLessThan(500)
      expect(line.length).toBeLessThan(4096 + 64 * 300)
      expect(() => JSON.parse(`{${line.slice(1)}}`)).not.toThrow()
    }
  })

  it('holds no text that a pattern finds, and its digest is that of what was sent if nothing was cut', () => {
    const value = fc.letrec(tie => ({
      any: fc.oneof(
        { maxDepth: 3 },
        fc.string(),
        fc.integer(),
        fc.boolean(),
        fc.constant('sk-abc'),
        tie('list'),
        tie('map'),
      ),
      list: fc.array(tie('any'), { maxLength: 4 }),
      map: fc.dictionary(fc.string({ maxLength: 6 }), tie('any'), { maxKeys: 4 }),
    }))
    const record = createArgumentRecorder({ ...all, patterns: ['sk-[a-z]+'], maxBytes: 300 })
    fc.assert(
      fc.property(value.map, map => {
        const parsed = parseStrictJson(Buffer.from(JSON.stringify(map)))
        fc.pre(parsed.ok && isJsonObject(parsed.value))
        if (!parsed.ok || !isJsonObject(parsed.value)) return
        const line = record(parsed.value)
        expect(line).not.toMatch(/sk-[a-z]/)
        const back: { arguments: object; erased?: string[]; masked?: string[] } = JSON.parse(`{${line.slice(1)}}`)
        expect(JSON.stringify(back.arguments).length).toBeLessThanOrEqual(300)
        const whole = back.erased === undefined && back.masked === undefined
        const same = argumentsDigest(argsOf(JSON.stringify(back.arguments))) === argumentsDigest(parsed.value)
        expect(same).toBe(whole)
      }),
      { numRuns: 500 },
    )
  })
})
