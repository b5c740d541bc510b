import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import type { JsonValue } from '../protocol/json-value.js'
import { plainScalar } from './plain-scalar.js'
import { readManifest } from './read-manifest.js'

const read = (text: string): unknown => {
  const result = readManifest(text)
  return result.ok ? result.objects.map(plain) : result.message
}
function plain(value: JsonValue): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, plain(item)]))
  return Array.isArray(value) ? value.map(plain) : value
}

describe('readManifest', () => {
  it.each([
    ['block YAML', 'a: x\nb:\n- 1\n- c: true\n', [{ a: 'x', b: [1n, { c: true }] }]],
    ['JSON with tabs', '{\n\t"a": [1, 2.5, null, "\\u0041\\t"]\n}', [{ a: [1n, 2.5, null, 'A\t'] }]],
    ['documents', '---\na: 1\n---\n# nothing\n---\nb: 2\n---\n', [{ a: 1n }, { b: 2n }]],
    ['Windows line ends', 'a: 1\r\n---\r\nb: 2\r\n', [{ a: 1n }, { b: 2n }]],
    ['a block text', 'a: |\n  x: y\n   z\nb: >-\n  c\n  d\n', [{ a: 'x: y\n z\n', b: 'c d' }]],
    [
      'quantities, images and addresses',
      'a: [500m, 1Gi, 10.0.0.1]\nb: nginx:1.25\nc: 1.25.3\nd: v1',
      [{ a: ['500m', '1Gi', '10.0.0.1'], b: 'nginx:1.25', c: '1.25.3', d: 'v1' }],
    ],
    ['quoted words', 'a: "on"\nb: \'0123\'\n"y": z', [{ a: 'on', b: '0123', y: 'z' }]],
    ['an empty value', 'a:\nb: {}', [{ a: null, b: {} }]],
  ])('reads %s', (_name, text, expected) => expect(read(text)).toEqual(expected))

  it.each([
    ['nothing', '', 'no document'],
    ['comments only', '# a\n---\n# b', 'no document'],
    ['a scalar', 'hello', 'not an object'],
    ['a list', '- a: 1', 'not an object'],
    ['a repeated key', 'a: 1\na: 2', 'repeated'],
    ['the same key, quoted otherwise', 'a: 1\n"\\u0061": 2', 'repeated'],
    ['a repeated key in JSON', '{"a":1,"a":2}', 'repeated'],
    ['a merge key', 'a: &x { b: 1 }\nc:\n  <<: *x', 'anchors'],
    ['a merge key without alias', 'a:\n  <<: { b: 1 }', 'ambiguous'],
    ['a quoted merge key', '"<<": { b: 1 }', 'merge'],
    ['an anchor', 'a: &x 1', 'anchors'],
    ['an alias', 'a: *x', 'anchors'],
    ['a tag', 'a: !!binary a3ViZS1zeXN0ZW0=', 'tags'],
    ['a tag on a block text', 'a: !!str |\n  b', 'tags'],
    ['a local tag', 'a: !x 1', 'tags'],
    ['a directive', '%YAML 1.1\n---\na: 1', 'directives'],
    ['a document end', 'a: 1\n...\nb: 2', 'directives'],
    ['a marker with a space', 'a: 1\n--- \nb: 2', 'marker'],
    ['a marker with content', '--- {a: 1}', 'marker'],
    ['a marker with a comment', 'a: 1\n--- # x\nb: 2', 'marker'],
    ['an explicit key', '? a\n: 1', 'explicit'],
    ['a key that is a list', '[a]: 1', 'not text'],
    ['a number as key', '1: a', 'not text'],
    ['a 1.1 boolean as key', 'on: a', 'ambiguous'],
    ['a 1.1 boolean', 'a: yes', 'ambiguous'],
    ['octal', 'a: 0123', 'ambiguous'],
    ['sexagesimal', 'a: 12:30:00', 'ambiguous'],
    ['a date', 'a: 2024-01-01', 'ambiguous'],
    ['an exponent', 'a: 1e3', 'ambiguous'],
    ['a number above int64', 'a: 9223372036854775808', 'ambiguous'],
    ['tabs', 'a:\tb', 'tabs'],
    ['a lone carriage return', 'a: b\rc: d', 'control'],
    ['NEL, a line break of YAML 1.1', 'a: b # \u0085c: d', 'control'],
    ['a line separator', 'a: b # \u2028c: d', 'control'],
    ['an object behind NEL in a comment before the first marker', '# \u0085a: b\n---\nc: d', 'control'],
    ['an object behind a carriage return there', '# \ra: b\n---\nc: d', 'control'],
    ['a byte order mark', '\ufeffa: b', 'control'],
    ['NUL', 'a: "\u0000"', 'control'],
    ['a lone surrogate', 'a: "\\ud800"', 'Unicode'],
    ['unquoted text over lines', 'a: b\n  c', 'several lines'],
    ['quoted text over lines', 'a: "b\n  c"', 'several lines'],
    ['an indentation indicator', 'a: |2\n    b', 'indentation'],
    ['a colon inside of brackets', 'a: [b:c]', 'colon'],
    ['a pair in a list', '{"a": [b:]}', 'pair'],
    ['another one', 'a: [b: c]', 'pair'],
    ['a colon without space in brackets', 'a: {b:}', 'colon'],
    ['a block that ends in spaces', 'a: |+\n  b\n\n  ', 'spaces'],
    ['a no-break space before what looks like a comment', 'a: 1\n---\n\u00a0#b', 'not an object'],
    ['bad indentation', 'a:\n  b: 1\n c: 2', 'not valid'],
    ['two objects in one document', '{"a":1}{"b":2}', 'not valid'],
    ['an unclosed bracket', '{"a":1', 'not valid'],
  ])('refuses %s', (_name, text, message) => expect(read(text)).toContain(message))

  it('refuses what is too much', () => {
    expect(read('a: 1\n---\n'.repeat(21))).toContain('more than 20')
    expect(read('~\n---\n'.repeat(21))).toContain('more than 20')
    expect(read(`a: [${'1, '.repeat(30_000)}1]`)).toContain('too many values')
    expect(read(`a: [${'1, '.repeat(9000)}1]\n---\n`.repeat(3))).toContain('too many values')
    expect(read(`a: "${'x'.repeat(1024 * 1024)}"`)).toContain('1 MiB')
    expect(read(`{"a":${'['.repeat(150)}${']'.repeat(150)}}`)).toContain('deeply')
  })

  it.each([
    ['brackets', `{"a":${'['.repeat(500_000)}`],
    ['sequences on one line', '- '.repeat(500_000)],
    ['keys', Array.from({ length: 60_000 }, (_, n) => `k${n}: ${n}`).join('\n')],
    ['colons', 'a: '.repeat(300_000)],
    ['quotes', '"'.repeat(1_000_000)],
    ['comments', '#\n'.repeat(500_000)],
    ['blank lines in a block', `a: |\n${'\n'.repeat(900_000)}  x`],
    ['digits', `a: ${'1_'.repeat(400_000)}`],
  ])('takes no long time for many %s', (_name, text) => {
    const start = performance.now()
    read(text)
    expect(performance.now() - start).toBeLessThan(5000)
  })

  const list = (size: number) => `a:\n${'- b\n'.repeat(size / 4)}`
  it.each([
    ['objects with long lists', Array.from({ length: 20 }, () => list(50_000)).join('---\n')],
    ['documents that say nothing', '~\n---\n'.repeat(170_000)],
    ['documents of comments', '#\n---\n'.repeat(170_000)],
  ])('takes no longer for many %s than for one document', (_name, text) => {
    expect(text.length).toBeGreaterThan(950_000)
    const start = performance.now()
    expect(typeof read(text)).toBe('string')
    // About 100 ms; the bound leaves room for busy machines.
    expect(performance.now() - start).toBeLessThan(750)
  })

  it('reads back what was written, as JSON and as YAML', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'b', ' ', ':', '-', '#', '"', "'", '{', '0', '1', '.', '\n', '~', '|', 'é'),
    })
    const value = fc.letrec<{ value: unknown }>(tie => ({
      value: fc.oneof(
        { maxDepth: 4 },
        text,
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(text, tie('value'), { maxKeys: 3, noNullPrototype: true }),
      ),
    })).value
    const integers = (item: unknown): unknown => {
      if (typeof item === 'number') return BigInt(item)
      if (Array.isArray(item)) return item.map(integers)
      if (typeof item !== 'object' || item === null) return item
      return Object.fromEntries(Object.entries(item).map(([key, inner]) => [key, integers(inner)]))
    }
    fc.assert(
      fc.property(fc.dictionary(text, value, { minKeys: 1, maxKeys: 4, noNullPrototype: true }), object => {
        fc.pre(!JSON.stringify(object).includes('"__proto__"'))
        expect(read(JSON.stringify(object, undefined, 2))).toEqual([integers(object)])
        // YAML may be refused (it is a subset), but is never read as something else.
        // A text of blanks and line ends is written as a block that does not hold it, so that is left out.
        const written = stringify(object, { lineWidth: 0 })
        fc.pre(JSON.stringify(parse(written)) === JSON.stringify(object))
        const yaml = read(written)
        if (typeof yaml !== 'string') expect(yaml).toEqual([integers(object)])
      }),
    )
  })
})

describe('plainScalar', () => {
  it.each(['0', '-1', '42', '9223372036854775807'])('%s is an integer', text => {
    expect(plainScalar(text)).toEqual({ ok: true, value: BigInt(text) })
  })
  it.each([
    '0x1f',
    '0o17',
    '0b1',
    '1_000',
    '-_5',
    '0_x1f',
    '.1e_5',
    '+1',
    '.5',
    '5.',
    '.inf',
    '-.INF',
    '.NaN',
    '007',
    '1e3',
    '1.5E-7',
    '1:30',
    '2024-1-1 10:00',
    'Y',
    'Off',
    '=',
    '<<',
    '01.5',
    '9'.repeat(40),
  ])('%s is ambiguous', text => expect(plainScalar(text).ok).toBe(false))
  it.each(['1.2.3', '10m', '1Gi', 'v1', '-', 'nginx:1.25', '8080-tcp', 'a1e3', 'none', 'True!', '12abc'])(
    '%s is text',
    text => {
      expect(plainScalar(text)).toEqual({ ok: true, value: text })
    },
  )
})
