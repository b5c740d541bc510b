import { describe, expect, it } from 'vitest'
import { createCelEnvironment } from '../create-environment.js'
import type { CelJson } from '../environment.js'

const environment = createCelEnvironment({ args: 'map', args2: 'map' })

function outcome(source: string, variables: Readonly<Record<string, CelJson>>): unknown {
  const compiled = environment.compile(source)
  if (!compiled.ok) return compiled.error.message
  const evaluated = compiled.program.evaluate(name => variables[name])
  return evaluated.ok ? evaluated.value : `! ${evaluated.error}`
}

function nested(levels: number): CelJson {
  let value: CelJson = 1n
  for (let i = 0; i < levels; i++) value = [value]
  return value
}

const args = new Map<string, CelJson>([
  ['n', 3n],
  ['none', null],
  ['large', 2n ** 63n],
  ['at', new Date(0)],
  ['never', new Date(Number.NaN)],
  ['deep', nested(300)],
  ['labels', new Map([['app', 'web']])],
  ['items', [new Map<string, CelJson>([['size', 2n]]), new Map<string, CelJson>([['size', 2n ** 64n]])]],
  ['dates', [new Date(0), new Date(1000)]],
  ['mixed', [1n, new Date(Number.NaN)]],
])

describe('what comes from outside is converted as far as it is read', () => {
  it.each([
    ['a field', 'args.n + 1', 4n],
    ['null', 'args.none == null', true],
    ['an integer beyond int64', 'args.large', 2 ** 63],
    ['a date', 'args.at', '1970-01-01T00:00:00Z'],
    ['a field beside what cannot be converted', 'args.labels.app', 'web'],
    ['a field by index', 'args["labels"]["app"]', 'web'],
    ['an element', 'args.items[0].size', 2n],
    ['an integer beyond int64 inside of an element', 'args.items[1].size', 2 ** 64],
    ['an element beyond the end', 'args.items[2]', '! index out of bounds (at 1:11)'],
    ['an element before the beginning', 'args.items[-1]', '! index out of bounds (at 1:11)'],
    ['a field that is not there', 'args.missing.b', '! no such key: missing (at 1:5)'],
    ['a field of a list', 'args.items.b', '! no such overload: list has no fields, so .b cannot be read (at 1:11)'],
    ['a field of an integer', 'args.n.b', '! no such overload: int has no fields, so .b cannot be read (at 1:7)'],
    ['a key of a list', 'args.items["b"]', '! no such overload: lists are indexed by whole numbers (at 1:11)'],
    ['an index of a map', 'dyn(args.labels)[0]', '! no such key (at 1:17)'],
    ['an element by an index that is worked out, beside what cannot be converted', 'args.mixed[args.n - 3]', 1n],
    ['an optional element of it', 'args.mixed[?args.n - 3].orValue(2) + args.mixed[?7].orValue(2)', 3n],
    ['an element of it that cannot be converted', 'args.mixed[args.n - 2]', /^! no such attribute/],
    ['an optional field beside it', 'args.?labels.?app.orValue("") + args.?no.orValue("")', 'web'],
    ['an optional field of a text', 'args.labels.?app.?b', /^! no such overload: string has no fields/],
    ['presence', 'has(args.labels.app) && !has(args.labels.no)', true],
    ['presence of what cannot be converted', 'has(args.never)', true],
    [
      'presence in a list',
      'has(args.items.b)',
      '! no such overload: list has no fields, so .b cannot be read (at 1:4)',
    ],
    ['size', '[size(args), args.size(), size(args.items), args.labels.size()]', [10n, 10n, 2n, 1n]],
    ['size of an integer', 'size(args.n)', '! no such overload: size(int) (at 1:5)'],
    ['size of a date', 'args.at.size()', '! no such overload: google.protobuf.Timestamp.size() (at 1:13)'],
    ['a key', '"app" in args.labels && !("b" in args.labels) && !(1 in args.labels)', true],
    ['an element in a list', '2 in args.items.map(i, i.size)', true],
    ['a macro over a list', 'args.items.exists(i, i.size == 2)', true],
    ['a macro over keys', 'args.exists(k, k == "n")', true],
    ['a macro over keys and values', 'args.labels.transformList(k, v, k + v)', ['appweb']],
    ['a macro over dates', 'args.dates.map(d, int(d))', [0n, 1n]],
    ['a macro that keeps elements', 'args.items.filter(i, i.size == 2)', [new Map([['size', 2n]])]],
    ['a macro that keeps what cannot be converted', 'args.filter(k, k == "never").size()', 1n],
    ['a macro over a date', 'args.at.all(x, true)', /^! no such overload: all\(\) needs a list or a map/],
    ['a macro in a macro', 'args.items.all(i, i.exists(k, k == "size"))', true],
    ['the whole', 'args.labels == {"app": "web"}', true],
    ['two of them', 'args.labels == args2.labels', true],
    ['a bound one', 'cel.bind(l, args.labels, l.app + l["app"])', /web|undeclared/],
    ['what is nested too deeply', 'args.deep == 1', /^! no such attribute: it is nested too deeply/],
    ['an invalid date', 'args.never', /^! no such attribute: it is nested too deeply, or has an invalid date/],
    ['the whole with an invalid date in it', 'args == args', /^! no such attribute/],
  ])('%s', (_name, source, expected) => {
    const found = outcome(source, { args, args2: args })
    if (expected instanceof RegExp) expect(String(found)).toMatch(expected)
    else expect(found).toEqual(expected)
  })
})
