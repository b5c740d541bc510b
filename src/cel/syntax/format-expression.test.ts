import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Expr, Literal } from './ast.js'
import { formatExpression } from './format-expression.js'
import { parseExpression } from './parse-expression.js'
import { showTree } from './show-tree.js'

describe('formatExpression', () => {
  it.each([
    ['a+b*c', 'a + b * c'],
    ['(a+b)*c', '(a + b) * c'],
    ['a+(b*c)', 'a + b * c'],
    ['(a-b)-c', 'a - b - c'],
    ['a-(b-c)', 'a - (b - c)'],
    ['a||(b&&c)', 'a || b && c'],
    ['(a||b)&&c', '(a || b) && c'],
    ['(a||b)||c', '(a || b) || c'],
    ['(a<b)==(c<d)', 'a < b == (c < d)'],
    ['a?b:(c?d:e)', 'a ? b : c ? d : e'],
    ['(a?b:c)?(d?e:f):g', '(a ? b : c) ? (d ? e : f) : g'],
    ['!(a&&b)', '!(a && b)'],
    ['!!a', 'a'],
    ['-(-a)', '-(-a)'],
    ['!(-a)', '!(-a)'],
    ['-(1)', '-(1)'],
    ['-(-1)', '-(-1)'],
    ['-(1.f().g)', '-(1.f().g)'],
    ['-(1u)', '-1u'],
    ['!-1', '!-1'],
    ['-1.f()', '(-1).f()'],
    ['-1.5.f()', '(-1.5).f()'],
    ['1--1', '1 - -1'],
    ['(a)', 'a'],
    ['(a+b).c', '(a + b).c'],
    ['(-a)[0]', '(-a)[0]'],
    ['"a".b', '"a".b'],
    ['.a . b', '.a.b'],
    ['.f (1)', '.f(1)'],
    ['a.`b`', 'a.b'],
    ['a.`b-c`.?`in`', 'a.`b-c`.?`in`'],
    ['a.if', 'a.if'],
    ['a [?b]', 'a[?b]'],
    ['[1,?a,]', '[1, ?a]'],
    ['{?a:b,1:c}', '{?a: b, 1: c}'],
    ['{ }', '{}'],
    ['M{ `a`:1,?`b-c`:2 }', 'M{a: 1, ?`b-c`: 2}'],
    ['has( a.b )', 'has(a.b)'],
    ['has(a.b).c', 'has(a.b).c'],
    ['a.map(x,x>0,x)', 'a.map(x, x > 0, x)'],
    ['a.filter(x,x)', 'a.filter(x, x)'],
    ['a.existsOne(x,x)', 'a.exists_one(x, x)'],
    ['a.exists_one(k,v,v)', 'a.existsOne(k, v, v)'],
    ['a.transformMap(k,v,k,v)', 'a.transformMap(k, v, k, v)'],
    ['cel.bind(x,1,x)', 'cel.bind(x, 1, x)'],
    ['a.optMap(x,x).optFlatMap(y,y)', 'a.optMap(x, x).optFlatMap(y, y)'],
    ['(a+b).sortBy(x,x.k)[0]', '(a + b).sortBy(x, x.k)[0]'],
    ['a.sortBy(x,x.sortBy(y,y)[0])', 'a.sortBy(x, x.sortBy(y, y)[0])'],
    ["'a'", '"a"'],
    ["'a\"b'", "'a\"b'"],
    ["'a\"\\'b'", '"a\\"\'b"'],
    ['"\\\\d"', 'r"\\d"'],
    ['"\\\\\\n"', '"\\\\\\n"'],
    ['"""a\n\tb"""', '"a\\n\\tb"'],
    ['"\\u00e9\\u200b\\u202e\\U0001F600\\a\\x7f\\u00a0"', '"é\\u200b\\u202e😀\\u0007\\u007f\\u00a0"'],
    ['b"a\\"\\001é"', "b'a\"\\x01\\xc3\\xa9'"],
    ['0xFF', '255'],
    ['0XFFu'.replace('X', 'x'), '255u'],
    ['1e3', '1000.0'],
    ['1e21', '1e+21'],
    ['.5', '0.5'],
    ['-0.0', '-0.0'],
  ])('%s', (source, text) => {
    expect(formatExpression(source)).toBe(text)
    expect(formatExpression(text)).toBe(text)
  })

  it.each(['a +', '  a  // why', 'a /* b */', ''])('leaves %j as it is', source => {
    expect(formatExpression(source)).toBe(source)
  })

  it('does not take a text for a comment', () => {
    expect(formatExpression('"//"+a')).toBe('"//" + a')
  })

  it.each<[string, string, string]>([
    ['what fits', 'aaaa&&bbbb||cccc', 'aaaa && bbbb || cccc'],
    ['what is one too long', 'aaaaa&&bbbb||cccc', 'aaaaa && bbbb ||\ncccc'],
    ['all of a chain', 'aaaaaaaaaa||bb||cccccccccc', 'aaaaaaaaaa ||\nbb ||\ncccccccccc'],
    [
      'a chain in a chain',
      'aaaaaaaaaa && bbbbbbbbbb && cccccccccc || d',
      'aaaaaaaaaa &&\n  bbbbbbbbbb &&\n  cccccccccc ||\nd',
    ],
    [
      'a chain in parentheses',
      'a && (bbbbbbbbbb || cccccccccc) && d',
      'a &&\n(\n  bbbbbbbbbb ||\n  cccccccccc\n) &&\nd',
    ],
    ['a negation', '!(aaaaaaaaaa || bbbbbbbbbb)', '!(\n  aaaaaaaaaa ||\n  bbbbbbbbbb\n)'],
    ['a macro, whose variable stays with it', 'list.all(n, n > 1 && n < 200)', 'list.all(n,\n  n > 1 && n < 200\n)'],
    ['two variables', 'list.all(i, n, i > 1 && n < 200)', 'list.all(i, n,\n  i > 1 && n < 200\n)'],
    ['a bind', 'cel.bind(x, aaaaaaaaaa, bbbbbbbbbb)', 'cel.bind(x,\n  aaaaaaaaaa,\n  bbbbbbbbbb\n)'],
    ['cases', 'aa ? bbbbbb : cccc ? dddddd : eeeeee', 'aa\n  ? bbbbbb\n  : cccc\n  ? dddddd\n  : eeeeee'],
    ['a list', '[aaaaaaaa, bbbbbbbb, cccc]', '[\n  aaaaaaaa,\n  bbbbbbbb,\n  cccc\n]'],
    ['a map', '{aaaaaaaa: bbbbbbbb, cccc: d}', '{\n  aaaaaaaa: bbbbbbbb,\n  cccc: d\n}'],
    ['what comes after', 'f(aaaaa, b).c.d == eeeee', 'f(\n  aaaaa,\n  b\n).c.d == eeeee'],
    ['the last call of several', 'aa.f(bbb).g(cccc).h(ddd)', 'aa.f(bbb).g(cccc).h(\n  ddd\n)'],
    ['no sum', 'aaaaaaaaaa + bbbbbbbbbb', 'aaaaaaaaaa + bbbbbbbbbb'],
    ['no text', '"aaaaaaaaaaaaaaaaaaaa\\n"', '"aaaaaaaaaaaaaaaaaaaa\\n"'],
    ['characters outside of the first plane as one', '"😀😀😀😀😀" || aaaaaaa', '"😀😀😀😀😀" || aaaaaaa'],
  ])('in lines of 20: %s', (_name, source, text) => {
    expect(formatExpression(source, { width: 20 })).toBe(text)
    expect(formatExpression(text, { width: 20 })).toBe(text)
  })

  it('has lines of 120 characters unless told, and one line for an endless width', () => {
    const chain = Array.from({ length: 60 }, (_, i) => `name${i} == ${i}`).join(' && ')
    const lines = formatExpression(chain).split('\n')
    expect(lines).toHaveLength(60)
    expect(formatExpression(chain, { width: Number.POSITIVE_INFINITY })).toBe(chain)
    expect(formatExpression(`a == "${'x'.repeat(108)}" && b`)).toHaveLength(120)
    expect(formatExpression(`a == "${'x'.repeat(109)}" && b`)).toContain('&&\n')
  })

  it('keeps every tree, whatever the width, and depends on the tree alone', () => {
    fc.assert(
      fc.property(tree, fc.integer({ min: 0, max: 60 }), (expr, width) => {
        const limits = { bytes: 1_000_000, depth: 250 }
        const text = formatExpression(expr, { width })
        const parsed = parseExpression(text, { limits })
        expect(parsed.ok ? showTree(parsed.expr) : parsed.errors, text).toEqual(showTree(expr))
        expect(formatExpression(text, { width, limits })).toBe(text)
        const flat = formatExpression(text, { width: Number.POSITIVE_INFINITY, limits })
        expect(flat).not.toContain('\n')
        expect(formatExpression(flat, { width, limits })).toBe(text)
      }),
      { numRuns: 2000 },
    )
  })

  it('takes time linear in the source', () => {
    const source = Array.from({ length: 1200 }, () => 'a(b)').join('&&')
    const begin = performance.now()
    expect(formatExpression(source).split('\n')).toHaveLength(1200)
    expect(performance.now() - begin).toBeLessThan(1000)
  })

  it('keeps every tree', () => {
    fc.assert(
      fc.property(tree, expr => {
        const text = formatExpression(expr)
        const parsed = parseExpression(text, { limits: { bytes: 1_000_000, depth: 250 } })
        expect(parsed.ok ? showTree(parsed.expr) : parsed.errors, text).toEqual(showTree(expr))
        expect(parsed.ok && formatExpression(parsed.expr)).toBe(text)
      }),
      { numRuns: 3000 },
    )
  })
})

const place = { id: 0, at: 0 }

const literal: fc.Arbitrary<Literal> = fc.oneof(
  fc.constant<Literal>({ type: 'null' }),
  fc.boolean().map((value): Literal => ({ type: 'bool', value })),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value): Literal => ({ type: 'int', value })),
  fc.integer({ min: -2, max: 2 }).map((value): Literal => ({ type: 'int', value: BigInt(value) })),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value): Literal => ({ type: 'uint', value })),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value): Literal => ({ type: 'double', value })),
  fc.string({ unit: 'binary' }).map((value): Literal => ({ type: 'string', value })),
  fc
    .string({ unit: fc.constantFrom('\\', '"', "'", 'a', '\n', '😀', '\u2028') })
    .map((value): Literal => ({ type: 'string', value })),
  fc.uint8Array().map((value): Literal => ({ type: 'bytes', value })),
)

const name = fc.constantFrom('a', 'b', 'x', 'f', '_1')
const field = fc.constantFrom('a', 'b', 'if', 'in', 'b-c', 'x/y.z', '1a')
const binary = fc.constantFrom('_+_', '_-_', '_*_', '_/_', '_%_', '_==_', '_!=_', '_<_', '_<=_', '_>_', '_>=_', '@in')

const { tree } = fc.letrec<{ tree: Expr }>(tie => {
  const node = tie('tree')
  const nodes = fc.array(node, { maxLength: 3 })
  const call = (of: string, args: readonly Expr[], target?: Expr): Expr => ({
    ...place,
    kind: 'call',
    name: of,
    target,
    args,
  })
  return {
    tree: fc.oneof(
      { maxDepth: 6, depthIdentifier: 'tree' },
      fc.tuple(name, fc.boolean()).map(([of, root]): Expr => ({ ...place, kind: 'ident', name: of, root })),
      literal.map((value): Expr => ({ ...place, kind: 'literal', literal: value })),
      fc.tuple(node, field, fc.constantFrom('plain', 'test', 'optional')).map(
        ([operand, of, form]): Expr => ({
          ...place,
          kind: 'select',
          operand,
          field: of,
          test: form === 'test',
          optional: form === 'optional',
        }),
      ),
      fc.tuple(binary, node, node).map(([of, left, right]) => call(of, [left, right])),
      fc
        .tuple(fc.constantFrom('_&&_', '_||_'), fc.array(node, { minLength: 2, maxLength: 4 }))
        .map(([of, args]) => call(of, args)),
      fc.tuple(fc.constantFrom('!_', '-_'), node).map(([of, operand]) => call(of, [operand])),
      fc.tuple(fc.constantFrom('_[_]', '_[?_]'), node, node).map(([of, a, b]) => call(of, [a, b])),
      fc.tuple(node, node, node).map(args => call('_?_:_', args)),
      fc.tuple(fc.constantFrom('f', '.g'), nodes).map(([of, args]) => call(of, args)),
      fc.tuple(node, nodes).map(([target, args]) => call('size', args, target)),
      nodes.map(
        (values): Expr => ({
          ...place,
          kind: 'list',
          elements: values.map((value, i) => ({ value, optional: i === 1 })),
        }),
      ),
      fc.array(fc.tuple(node, node, fc.boolean()), { maxLength: 2 }).map(
        (entries): Expr => ({
          ...place,
          kind: 'map',
          entries: entries.map(([key, value, optional]) => ({ key, value, optional })),
        }),
      ),
      fc.tuple(fc.constantFrom('M', 'a.B'), fc.array(fc.tuple(field, node, fc.boolean()), { maxLength: 2 })).map(
        ([type, fields]): Expr => ({
          ...place,
          kind: 'message',
          type,
          fields: fields.map(([of, value, optional]) => ({ name: of, value, optional, at: 0 })),
        }),
      ),
      fc.tuple(fc.constantFrom('all', 'exists', 'exists_one', 'map'), node, node).map(
        ([macro, range, body]): Expr => ({
          ...place,
          kind: 'comprehension',
          macro,
          range,
          variables: ['x'],
          filter: undefined,
          body,
        }),
      ),
      fc.tuple(fc.constantFrom('transformList', 'transformMap', 'transformMapEntry'), node, fc.option(node), node).map(
        ([macro, range, filter, body]): Expr => ({
          ...place,
          kind: 'comprehension',
          macro,
          range,
          variables: ['k', 'v'],
          filter: filter ?? undefined,
          body,
        }),
      ),
      fc.tuple(node, node).map(([init, body]): Expr => ({ ...place, kind: 'bind', variable: 'x', init, body })),
      fc
        .tuple(fc.boolean(), node, node)
        .map(([flat, operand, body]): Expr => ({ ...place, kind: 'optional_map', flat, operand, variable: 'x', body })),
    ),
  }
})
