import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeIssue } from './describe-issue.js'
import { formatExpression } from './format-expression.js'
import { parseExpression } from './parse-expression.js'
import { defaultParseLimits, mostDepth } from './parse-limits.js'
import { leftSpine, walk, walkUp } from './walk.js'

const wide = { bytes: 4 * 1024 * 1024, depth: 1_000_000, nodes: 4_000_000 }
const kib10 = (piece: string): string => piece.repeat(Math.floor(10_240 / piece.length))
const kib256 = (piece: string): string => piece.repeat(Math.floor((256 * 1024) / piece.length))
const mib = (piece: string): string => piece.repeat(Math.floor((1024 * 1024) / piece.length))

const openings = [
  ...[
    '(',
    '[',
    '{',
    '!',
    '-',
    '- ',
    '! ',
    'f(',
    'a.f(',
    'a[',
    '[[',
    '{a:',
    'M{a:',
    '{{',
    '-(',
    '!(',
    '(-',
    '!-',
    '?',
    '.',
  ],
  ...['a?', 'a?b:', 'a?(', 'a+', 'a&&', 'a||', 'a<', 'a in ', 'a*-', 'a.', 'a.b', '.a', 'a.?b', 'a[0]', '[0]', 'a.`b`'],
  ...[
    'a.map(x,',
    'a.all(x,y,',
    'cel.bind(x,',
    'cel.bind(x,1,',
    'a.optMap(x,',
    'a.sortBy(x,',
    'has(',
    'has(a.b)&&',
    '//',
    '//\n',
  ],
  ...[
    '"',
    "'",
    '"""',
    "'''",
    'r"',
    'b"',
    'br"""',
    '"\\',
    '"\\x',
    '"" ',
    '`',
    '`a',
    '1',
    '1.',
    '.1',
    '1e',
    '0x',
    '0x1',
    '1u',
    ',',
  ],
  ...[
    '[,',
    '[?',
    '[a,',
    '{?',
    '{a:b,',
    'f(a,',
    '\\',
    '\0',
    '\n',
    ' ',
    '😀',
    'é',
    '\ud800',
    '#',
    '@',
    '=',
    '&',
    '|',
    ':',
    ';',
  ],
]

describe('limits', () => {
  it.each([
    ['bytes', 'a'.repeat(defaultParseLimits.bytes + 1), 0, /longer than 10240 bytes/],
    ['bytes of UTF-8', `"${'é'.repeat(defaultParseLimits.bytes / 2)}"`, 0, /longer than 10240 bytes/],
    ['depth', `${'('.repeat(64)}a${')'.repeat(64)}`, 64, /more than 64 levels/],
    ['depth of ternaries', `${'a?b:'.repeat(64)}c`, 256, /more than 64 levels/],
    ['depth of conditions of ternaries', `${'('.repeat(64)}a${'?b:c)'.repeat(64)}`, 64, /more than 64 levels/],
  ])('%s', (_, source, at, message) => {
    const result = parseExpression(source)
    expect(result).toMatchObject({ ok: false, errors: [{ at, message: expect.stringMatching(message) }] })
  })

  it.each([
    ['operands', `a${'+a'.repeat(60)}`],
    ['members', `a${'.b'.repeat(60)}`],
    ['operands of &&', `a${'&&a'.repeat(60)}`],
    ['elements', `[${'1,'.repeat(60)}]`],
    ['fields', `M{${'a:1,'.repeat(60)}}`],
    ['arguments', `f(${'1,'.repeat(60)}1)`],
  ])('nodes: %s', (_, source) => {
    expect(parseExpression(source, { limits: { nodes: 130 } }).ok).toBe(true)
    const result = parseExpression(source, { limits: { nodes: 50 } })
    expect(result).toMatchObject({ ok: false, errors: [{ message: 'the expression has more than 50 parts' }] })
  })

  it('allow what they say', () => {
    expect(parseExpression(`${'('.repeat(63)}a${')'.repeat(63)}`).ok).toBe(true)
    expect(parseExpression(`${'a?b:'.repeat(63)}c`).ok).toBe(true)
    expect(parseExpression(`a${'+a'.repeat(5_000)}`)).toMatchObject({ ok: true, nodes: 10_001 })
    const deep = mostDepth - 1
    expect(parseExpression(`${'['.repeat(deep)}${']'.repeat(deep)}`, { limits: wide }).ok).toBe(true)
    expect(parseExpression(`${'['.repeat(deep + 2)}${']'.repeat(deep + 2)}`, { limits: wide }).ok).toBe(false)
  })

  it('hold in a deep stack', () => {
    const source = `${'f([{a:-(!'.repeat(62)}`
    const parseBelow = (frames: number): boolean =>
      frames === 0 ? parseExpression(source, { limits: wide }).ok : parseBelow(frames - 1)
    expect(parseBelow(4000)).toBe(false)
  })
})

describe('long chains are loops', () => {
  const chains: readonly (readonly [name: string, source: string])[] = [
    ['+', `a${kib256('+a')}`],
    ['- with signs', `a${kib256('--a')}`],
    ['&&', `a${kib256('&&a')}`],
    ['|| of &&', `a${kib256('||a&&b')}`],
    ['in', `a${kib256(' in a')}`],
    ['fields', `a${kib256('.b')}`],
    ['optional fields', `a${kib256('.?b')}`],
    ['indexes', `a${kib256('[0]')}`],
    ['methods', `a${kib256('.f()')}`],
    ['macros', `a${kib256('.map(x,x)')}`],
    ['optMap', `a${kib256('.optMap(x,x)')}`],
    ['sortBy', `a${kib256('.sortBy(x,x)')}`],
    ['!', `${kib256('!')}a`],
    ['-', `${kib256('-')}a`],
    ['elements', `[${kib256('a,')}]`],
    ['entries', `{${kib256('a:b,')}}`],
    ['arguments', `f(${kib256('a,')}a)`],
    ['parenthesized arguments', `a.f(${kib256('(a||b)&&c,')}a)`],
    ['a text', `"${kib256('x')}"`],
    ['escapes', `"${kib256('\\n')}"`],
    ['escapes of bytes', `b"${kib256('\\xff')}"`],
    ['a name', kib256('a')],
    ['a type', `a${kib256('.b')}{}`],
    ['comments', `${kib256('//\n')}a`],
  ]

  it.each(chains)('%s: parsed, walked and formatted', (_, source) => {
    const result = parseExpression(source, { limits: wide })
    expect(result.ok).toBe(true)
    if (!result.ok) return
    let down = 0
    let up = 0
    walk(result.expr, node => {
      down++
      if (node.id !== down) throw new Error('ids are in the order of the walk')
    })
    walkUp(result.expr, () => {
      up++
    })
    expect([down, up]).toEqual([result.nodes, result.nodes])
    expect(leftSpine(result.expr).length).toBeLessThanOrEqual(result.nodes)
    const text = formatExpression(result.expr)
    const again = parseExpression(text, { limits: wide })
    expect(again).toMatchObject({ ok: true, nodes: result.nodes })
  })
})

describe('hostile sources', () => {
  it.each(openings)('10 KiB and 1 MiB of %j', opening => {
    for (const source of [kib10(opening), `${kib10(opening)}a`, mib(opening)]) {
      const result = parseExpression(source, { limits: wide })
      if (!result.ok) {
        expect(result.errors.length).toBeGreaterThan(0)
        for (const issue of result.errors) {
          expect(issue.at).toBeGreaterThanOrEqual(0)
          expect(issue.at).toBeLessThanOrEqual(source.length)
        }
        const [first] = result.errors
        if (first !== undefined) expect(describeIssue(source, first)).toMatch(/^ERROR: <input>:\d+:\d+: /)
      }
    }
  })

  it('takes linear time', () => {
    const seconds = (source: string): number => {
      const start = performance.now()
      parseExpression(source, { limits: wide })
      return performance.now() - start
    }
    const best = (source: string): number => Math.min(seconds(source), seconds(source), seconds(source))
    for (const piece of ['a.b[0]+', '"\\n"+', 'f(1)&&', '!-1<', 'a.all(x,x)||']) {
      const small = best(`${piece.repeat(1_000)}a`)
      const large = best(`${piece.repeat(20_000)}a`)
      // Twenty times as much; a quadratic parser would need four hundred times as long.
      expect(large).toBeLessThan(Math.max(small, 1) * 150)
    }
  })
})

describe('any text', () => {
  const pieces = fc.constantFrom(...openings, ...')]}abx01 +-<'.split(''), '.map(x, x)', '"a"', "r'\\d'", 'in', 'null')
  const judge = (source: string): void => {
    const result = parseExpression(source)
    if (result.ok) {
      const text = formatExpression(result.expr)
      const again = parseExpression(text, { limits: wide })
      expect(again).toMatchObject({ ok: true, nodes: result.nodes })
      expect(again.ok && formatExpression(again.expr)).toBe(text)
      return
    }
    expect(result.errors.length).toBeGreaterThan(0)
    for (const issue of result.errors) describeIssue(source, issue)
  }

  it('is a tree or a list of issues: characters', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 60 }), judge), { numRuns: 3000 })
  })

  it('is a tree or a list of issues: tokens', () => {
    const source = fc.array(pieces, { maxLength: 20 }).map(parts => parts.join(''))
    fc.assert(fc.property(source, judge), { numRuns: 3000 })
  })

  it('is a tree or a list of issues: changed expressions', () => {
    const whole = fc.constantFrom(
      'a.b.c == "x" && has(d.e) || !(f in [1, 2u, 3.5])',
      '{"a": [1, -2], b: c ? d : e}.all(k, v, v.size() > 0)',
      'Object.metadata{labels: {"a": "\\u00e9"}, ?name: a.?b[?0].orValue(r"\\d")}',
      'cel.bind(x, [b"\\xff", """a\nb"""], x.map(y, y != b\'\', y)).sortBy(z, -z) // end',
    )
    const change = fc.tuple(fc.nat(100), fc.nat(4), pieces)
    const source = fc
      .tuple(whole, fc.array(change, { minLength: 1, maxLength: 4 }))
      .map(([text, changes]) =>
        changes.reduce<string>(
          (before, [at, gone, piece]) => before.slice(0, at) + piece + before.slice(at + gone),
          text,
        ),
      )
    fc.assert(fc.property(source, judge), { numRuns: 3000 })
  })
})
