import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { json } from './catalog.fixture.js'
import { notPlainArgument } from './plain-arguments.js'

const refused = (value: unknown) => notPlainArgument(['x'], new Map([['x', json(value)]])) === 'x'

describe('arguments that a server fills into a text', () => {
  it.each<[string, unknown]>([
    ['nothing', ''],
    ['null', null],
    ['a flag', true],
    ['a name', 'web-1.example'],
    ['an image', 'quay.io/a/b:41'],
    ['an image with its digest', `quay.io/a/b@sha256:${'0'.repeat(64)}`],
    ['a quantity', '30Gi'],
    ['a list', ['net-a', 'ns/net-b']],
    ['objects', [{ name: 'a', networkName: 'b' }]],
  ])('%s may stand there', (_what, value) => expect(refused(value)).toBe(false))

  it.each<[string, unknown]>([
    ['a line feed', 'a\nb'],
    ['a carriage return', 'a\rb'],
    ['a line separator', 'a\u2028b'],
    ['a comment', 'a #b'],
    ['a key', 'a: b'],
    ['a key without value', 'a:'],
    ['quotes', '"a"'],
    ['a list of YAML', '- a'],
    ['brackets', '[a]'],
    ['an anchor', '&a'],
    ['a tag', '!!str'],
    ['a number', '0'],
    ['another number', '1e3'],
    ['a flag of YAML 1.1', 'on'],
    ['null', 'null'],
    ['a date', '2024-01-01'],
    ['minutes and seconds', '12:30'],
    ['white space', ' a'],
    ['a template of its own', '{{.Namespace}}'],
    ['letters of other scripts', 'ａ'],
    ['a long word', 'a'.repeat(513)],
    ['one of these in a list', ['a', 'b\nc']],
    ['one of these as a value', { a: { b: ['c', 'd\n'] } }],
    ['one of these as a key', { 'a\nb': 'c' }],
  ])('%s may not', (_what, value) => expect(refused(value)).toBe(true))

  it('looks at the named arguments only, and at each of them', () => {
    const args = new Map([
      ['a', 'b'],
      ['c', 'd\n'],
    ])
    expect(notPlainArgument(['a'], args)).toBeUndefined()
    expect(notPlainArgument(['a', 'c', 'e'], args)).toBe('c')
  })

  it('what is taken is itself in every place of a YAML text', () => {
    const piece = fc.constantFrom(
      ...'aZ09-_.:/@+ #\'"\n\t&*!|>%[]{},?=~'.split(''),
      'on',
      '0x',
      '1e',
      'null',
      ': ',
      ' #',
    )
    const text = fc.array(piece, { minLength: 1, maxLength: 6 }).map(pieces => pieces.join(''))
    fc.assert(
      fc.property(text, word => {
        if (refused(word)) return
        const expected = { a: word, b: [word], c: { d: word } }
        for (const version of ['1.1', '1.2'] as const)
          expect(parse(`a: ${word}\nb:\n- ${word}\nc:\n  d: ${word}\n`, { version })).toEqual(expected)
      }),
      { numRuns: 3000 },
    )
  })
})
