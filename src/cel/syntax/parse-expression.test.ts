import { describe, expect, it } from 'vitest'
import { describeIssue } from './describe-issue.js'
import { type ParseOptions, parseExpression } from './parse-expression.js'
import { showTree } from './show-tree.js'
import { walk } from './walk.js'

/** The tree, or the issues: `line:column message`. */
function parsed(source: string, options?: ParseOptions): string {
  const result = parseExpression(source, options)
  if (result.ok) return showTree(result.expr)
  return result.errors.map(issue => `!${issue.at} ${issue.message}`).join('\n')
}

const refusedAt = (source: string, options?: ParseOptions): readonly number[] => {
  const result = parseExpression(source, options)
  return result.ok ? [] : result.errors.map(issue => issue.at)
}

describe('literals (langdef "Syntax", "Numeric Values", "String and Bytes Values")', () => {
  it.each([
    ['null', 'null'],
    ['true', 'true'],
    ['false', 'false'],
    ['0', '0'],
    ['007', '7'],
    ['0x1F', '31'],
    ['0xabcdefABCDEF', '188900977659375'],
    ['-1', '-1'],
    ['- 1', '-1'],
    ['-0x10', '-16'],
    ['9223372036854775807', '9223372036854775807'],
    ['0000000000000000000000000000001', '1'],
    ['-9223372036854775808', '-9223372036854775808'],
    ['-0x8000000000000000', '-9223372036854775808'],
    ['5u', '5u'],
    ['5U', '5u'],
    ['0xFFu', '255u'],
    ['18446744073709551615u', '18446744073709551615u'],
    ['1.5', '1.5d'],
    ['.5', '0.5d'],
    ['-.5', '-0.5d'],
    ['1e3', '1000d'],
    ['1E+3', '1000d'],
    ['1.25e-2', '0.0125d'],
    ['.5e1', '5d'],
    ['-0.0', '-0d'],
    ['-0', '0'],
    ['1e-999', '0d'],
    ['""', '""'],
    ["''", '""'],
    ['"a\'b"', '"a\'b"'],
    ["'a\"b'", '"a\\"b"'],
    ['"""a\n"b" \'c\'"""', '"a\\n\\"b\\" \'c\'"'],
    ["'''a''b'''", '"a\'\'b"'],
    ['""""""', '""'],
    ['"""a\\""""', '"a\\""'],
    ['"""a\r\nb\rc"""', '"a\\nb\\nc"'],
    ['r"a\\d\\"', '"a\\\\d\\\\"'],
    ["R'\\n'", '"\\\\n"'],
    ['r"""a\\"""', '"a\\\\"'],
    ['"\\a\\b\\f\\n\\r\\t\\v"', JSON.stringify('\x07\b\f\n\r\t\v')],
    ['"\\\\\\?\\"\\\'\\`"', '"\\\\?\\"\'`"'],
    ['"\\x41\\X42\\u00e9\\U0001F600\\101\\377"', '"ABé😀Aÿ"'],
    ['"é😀"', '"é😀"'],
    ['b"a\\xff\\377\\n"', 'b[97 255 255 10]'],
    ["B'é'", 'b[195 169]'],
    ['br"\\x"', 'b[92 120]'],
    ["bR'\\'", 'b[92]'],
    ['b"""\r\n"""', 'b[10]'],
    ['b"\\u00e9"'.replace('\\u00e9', 'é\\\\'), 'b[195 169 92]'],
  ])('%s', (source, tree) => {
    expect(parsed(source)).toBe(tree)
  })

  it.each([
    ['an int too large', '9223372036854775808', 0],
    ['an int too small', '-9223372036854775809', 0],
    ['an int of 10,000 digits', '9'.repeat(10_000), 0],
    ['a hexadecimal int too large', '0x8000000000000000', 0],
    ['a minus that belongs to the next', '--9223372036854775808', 2],
    ['a uint too large', '18446744073709551616u', 0],
    ['a double too large', '1e999', 0],
    ['a point without digits', '1.', 2],
    ['an exponent without digits', '1e', 1],
    ['an exponent with a sign only', '1e+', 1],
    ['hexadecimal without digits', '0x', 1],
    ['an upper case X', '0X1F', 1],
    ['a double with u', '1.5u', 3],
    ['a number with a unit', '5m', 1],
    ['underscores', '1_000', 1],
    ['an open text', '"abc', 0],
    ['a text over two lines', '"a\nb"', 0],
    ['a raw text over two lines', 'r"a\nb"', 0],
    ['a carriage return in a text', '"a\rb"', 0],
    ['an open triple text', '"""a""', 0],
    ['a backslash at the end', '"\\', 0],
    ['an escaped end', '"\\"', 0],
    ['an unknown escape', '"a\\q"', 2],
    ['an escaped line end', '"""\\\n"""', 3],
    ['an escaped astral character', '"\\😀"', 1],
    ['a short \\x', '"\\x4"', 1],
    ['a short \\u', '"\\u123"', 1],
    ['a short \\U', '"\\U0001F60"', 1],
    ['a short octal', '"\\12"', 1],
    ['an octal too large', '"\\400"', 1],
    ['a high surrogate', '"\\ud83d\\ude00"', 1],
    ['a low surrogate', '"\\udead"', 1],
    ['a long surrogate', '"\\U0000d800"', 1],
    ['no code point', '"\\U00110000"', 1],
    ['\\u in bytes', 'b"\\u0041"', 2],
    ['\\U in bytes', 'b"\\U00000041"', 2],
    ['rb', 'rb"x"', 2],
    ['a lone surrogate in the source', '"\ud800"', 1],
    ['a swapped pair in a comment', 'a // \udc00\ud800', 5],
  ])('refuses %s', (_, source, at) => {
    expect(refusedAt(source)[0]).toBe(at)
  })

  it('names each wrong escape', () => {
    expect(refusedAt('"\\q" + "\\w" + b"\\u0000"')).toEqual([1, 8, 16])
  })
})

describe('names, fields and blanks', () => {
  it.each([
    ['a', 'a'],
    ['_x9', '_x9'],
    ['.a', '.a'],
    ['.a.b', '(. .a b)'],
    ['. a', '.a'],
    ['a.b.c', '(. (. a b) c)'],
    ['a . b', '(. a b)'],
    ['a.if', '(. a if)'],
    ['a.package.while()', '(.while() (. a package))'],
    ['a.`b-c`', '(. a b-c)'],
    ['a.`in`', '(. a in)'],
    ['a.`x.y/z w_1`', '(. a x.y/z w_1)'],
    ['a.?b', '(.? a b)'],
    ['a.?`b-c`.d', '(. (.? a b-c) d)'],
    ['int', 'int'],
    ['inside', 'inside'],
    ['nulls', 'nulls'],
    ['r', 'r'],
    ['br', 'br'],
    ['a//c\n.b', '(. a b)'],
    ['// first\na // last', 'a'],
    ['\t\r\n\fa ', 'a'],
    ['"a" // é "', '"a"'],
    ['1in[1]', '(@in 1 [1])'],
  ])('%s', (source, tree) => {
    expect(parsed(source)).toBe(tree)
  })

  it.each([
    ['if', 0],
    ['a + for', 4],
    ['as(1)', 0],
    ['.var', 1],
    ['a.true', 2],
    ['a.null', 2],
    ['a.in', 2],
    ['in', 0],
    ['`a`', 0],
    ['a.`b`()', 5],
    ['a.?b()', 4],
    ['a.``', 2],
    ['a.`b$`', 2],
    ['a.`b', 2],
    ['a.5', 1],
    ['a.', 2],
    ['a..b', 2],
    ['é', 0],
    ['a\u00a0', 1],
    ['a\0', 1],
    ['', 0],
    [' // only a comment', 0],
    ['/* a */ b', 0],
  ])('refuses %j', (source, at) => {
    expect(refusedAt(source)[0]).toBe(at)
  })

  it('names every reserved word it meets', () => {
    expect(refusedAt('for + [let, x.if(while)]')).toEqual([0, 7, 17])
  })
})

describe('calls, indexes, lists, maps and messages', () => {
  it.each([
    ['f()', '(f)'],
    ['.f(1)', '(.f 1)'],
    ['f(1, g(2))', '(f 1 (g 2))'],
    ['a.f()', '(.f() a)'],
    ['a.f(b).g(c, d)', '(.g() (.f() a b) c d)'],
    ['"a".size()', '(.size() "a")'],
    ['1.f()', '(.f() 1)'],
    ['-1.f()', '(.f() -1)'],
    ['a[0]', '(_[_] a 0)'],
    ['a[?k]', '(_[?_] a k)'],
    ['a[b ? c : d]', '(_[_] a (_?_:_ b c d))'],
    ['[][0]', '(_[_] [] 0)'],
    ['[]', '[]'],
    ['[,]', '[]'],
    ['[1, 2,]', '[1 2]'],
    ['[?a, b]', '[?a b]'],
    ['{}', '{}'],
    ['{,}', '{}'],
    ['{"a": 1, b: c,}', '{"a": 1 b: c}'],
    ['{?"a": b}', '{?"a": b}'],
    ['{a ? b : c : d}', '{(_?_:_ a b c): d}'],
    ['{}.a', '(. {} a)'],
    ['M{}', 'M{}'],
    ['M{,}', 'M{}'],
    ['.M{}', 'M{}'],
    ['Object.metadata{labels: {"a": "b"}, ?name: n,}', 'Object.metadata{labels: {"a": "b"} ?name: n}'],
    ['M{`a-b`: 1, if: 2}', 'M{a-b: 1 if: 2}'],
    ['a.M{}.b', '(. a.M{} b)'],
    ['(a)', 'a'],
    ['((a)).b', '(. a b)'],
  ])('%s', (source, tree) => {
    expect(parsed(source)).toBe(tree)
  })

  it.each([
    ['f(1,)', 4],
    ['f(,)', 2],
    ['f(1', 1],
    ['a.f(', 4],
    ['[1, , 2]', 4],
    ['[,,]', 2],
    ['[1 2]', 3],
    ['[1', 0],
    ['[1}', 2],
    ['{"a"}', 4],
    ['{"a": }', 6],
    ['{"a": 1', 0],
    ['M{"a": 1}', 2],
    ['M{a}', 3],
    ['a.b(){}', 5],
    ['(a){}', 3],
    ['a[0]{}', 4],
    ['a.?b{}', 4],
    ['a.`b`{}', 5],
    ['a[]', 2],
    ['()', 1],
    ['(a', 0],
    ['a)', 1],
    ['a b', 2],
    ['1 2', 2],
    ['"a" "b"', 4],
  ])('refuses %s', (source, at) => {
    expect(refusedAt(source)[0]).toBe(at)
  })
})

describe('operators', () => {
  it.each([
    ['a || b && c', '(_||_ a (_&&_ b c))'],
    ['a && b || c', '(_||_ (_&&_ a b) c)'],
    ['a || b || c', '(_||_ a b c)'],
    ['a && b && c && d', '(_&&_ a b c d)'],
    ['a || (b || c)', '(_||_ a (_||_ b c))'],
    ['(a || b) || c', '(_||_ (_||_ a b) c)'],
    ['a || b && c || d', '(_||_ a (_&&_ b c) d)'],
    ['a + b * c - d', '(_-_ (_+_ a (_*_ b c)) d)'],
    ['a - b - c', '(_-_ (_-_ a b) c)'],
    ['a / b % c * d', '(_*_ (_%_ (_/_ a b) c) d)'],
    ['(a + b) * c', '(_*_ (_+_ a b) c)'],
    ['a < b == c', '(_==_ (_<_ a b) c)'],
    ['a + b in c', '(@in (_+_ a b) c)'],
    ['a in b in c', '(@in (@in a b) c)'],
    ['a<=b&&c>=d', '(_&&_ (_<=_ a b) (_>=_ c d))'],
    ['a != b || a > b', '(_||_ (_!=_ a b) (_>_ a b))'],
    ['a ? b : c ? d : e', '(_?_:_ a b (_?_:_ c d e))'],
    ['(a ? b : c) ? d : e', '(_?_:_ (_?_:_ a b c) d e)'],
    ['a ? (b ? c : d) : e', '(_?_:_ a (_?_:_ b c d) e)'],
    ['a || b ? c && d : e', '(_?_:_ (_||_ a b) (_&&_ c d) e)'],
    ['a ? .b : c', '(_?_:_ a .b c)'],
    ['a?.b:.c', '(_?_:_ a .b .c)'],
    ['!a', '(!_ a)'],
    ['!!a', 'a'],
    ['!!!a', '(!_ a)'],
    ['-a', '(-_ a)'],
    ['--a', 'a'],
    ['---a', '(-_ a)'],
    ['- - a', 'a'],
    ['--1', '1'],
    ['---1', '(-_ 1)'],
    ['-(1)', '(-_ 1)'],
    ['-(-1)', '(-_ -1)'],
    ['-1u', '(-_ 1u)'],
    ['!-1', '(!_ -1)'],
    ['-a.b', '(-_ (. a b))'],
    ['!a[0]', '(!_ (_[_] a 0))'],
    ['-(!a)', '(-_ (!_ a))'],
    ['a - -1', '(_-_ a -1)'],
    ['a--1', '(_-_ a -1)'],
    ['a-1', '(_-_ a 1)'],
    ['a - -b', '(_-_ a (-_ b))'],
    ['-a * b', '(_*_ (-_ a) b)'],
  ])('%s', (source, tree) => {
    expect(parsed(source)).toBe(tree)
  })

  it.each([
    ['a +', 3],
    ['* a', 0],
    ['a = b', 2],
    ['a === b', 2],
    ['a !== b', 2],
    ['a & b', 2],
    ['a | b', 2],
    ['a ** b', 3],
    ['a <> b', 3],
    ['a ? b', 5],
    ['a ? b : ', 8],
    ['a ? b ? c : d : e', 6],
    ['a : b', 2],
    ['-!a', 1],
    ['!-a', 2],
    ['!', 1],
    ['--', 2],
    ['a ?? b', 3],
    ['a?.b', 4],
    ['a and b', 2],
    ['not a', 4],
    ['a; b', 1],
    ['a @ b', 2],
  ])('refuses %s', (source, at) => {
    expect(refusedAt(source)[0]).toBe(at)
  })
})

describe('options', () => {
  it.each(['a.?b', 'a[?b]', '[?a]', '{?a: b}', 'M{?a: b}'])('without optionals, %s is refused', source => {
    expect(parsed(source)).not.toMatch(/^!/)
    expect(parsed(source, { macros: { optionals: false } })).toMatch(/^!\d+ optional values/)
  })

  it('goes on after syntax that is not offered', () => {
    expect(refusedAt('a.?b[?c] && [?d]', { macros: { optionals: false } })).toEqual([1, 4, 13])
  })

  it('without messages, refuses them', () => {
    expect(refusedAt('[M{a: N{}}]', { messages: false })).toEqual([2, 7])
  })
})

describe('positions', () => {
  it('are those of cel-go', () => {
    const source = 'a.b(c)[0] + f(x) ? {1: !d} : .e{}'
    const result = parseExpression(source)
    const seen: string[] = []
    if (result.ok) walk(result.expr, node => seen.push(`${node.id} ${node.kind} ${source.slice(node.at, node.at + 2)}`))
    expect(seen).toEqual([
      '1 call ? ',
      '2 call + ',
      '3 call [0',
      '4 call (c',
      '5 ident a.',
      '6 ident c)',
      '7 literal 0]',
      '8 call (x',
      '9 ident x)',
      '10 map {1',
      '11 literal 1:',
      '12 call !d',
      '13 ident d}',
      '14 message {}',
    ])
    expect(result.ok && result.nodes).toBe(14)
  })
})

describe('advice', () => {
  it.each([
    ['a = b', "'=' is no operator of CEL (to compare write ==)"],
    ['a and b', "expected an operator or the end, but found 'and' (write &&)"],
    [
      'a?.b',
      "expected an operator or the ':' of this condition, but the expression ends (an optional field is written a.?b)",
    ],
    ['a.in', "expected the name of a field, but found 'in' (as a field write it in backticks: .`in`)"],
    ['f(1,)', "expected a value, but found ')' (after the last argument there is no comma)"],
    ['a ?? b', "expected a value, but found '?' (a default is written a.?b.orValue(x))"],
    ['“a”', 'typographic quotes do not quote (write " or \')'],
    ['a\u200b', 'the character U+200B has no meaning in CEL'],
    ['[1, 2', "this '[' is never closed"],
    ['(a\nb)', "expected an operator, ',' or the ')' that closes 1:1, but found 'b'"],
    ['"secret" "secret"', 'expected an operator or the end, but found this text'],
  ])('for %j', (source, message) => {
    const result = parseExpression(source)
    expect(result.ok ? '' : describeIssue(source, result.errors[0] ?? { at: 0, message: '' })).toContain(message)
  })
})
