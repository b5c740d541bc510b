import { describe, expect, it } from 'vitest'
import { type ParseOptions, parseExpression } from './parse-expression.js'
import { showTree } from './show-tree.js'

function parsed(source: string, options?: ParseOptions): string {
  const result = parseExpression(source, options)
  if (result.ok) return showTree(result.expr)
  return result.errors.map(issue => `!${issue.at} ${issue.message}`).join('\n')
}

describe('macros', () => {
  it.each([
    ['has(a.b)', '(has a b)'],
    ['has(a.b.c)', '(has (. a b) c)'],
    ['has((a.b))', '(has a b)'],
    ['has(a[0].`b-c`)', '(has (_[_] a 0) b-c)'],
    ['has(f().x)', '(has (f) x)'],
    ['a.all(x, x > 0)', '(all a x (_>_ x 0))'],
    ['a.exists(x, x)', '(exists a x x)'],
    ['a.exists_one(x, x)', '(exists_one a x x)'],
    ['a.existsOne(x, x)', '(exists_one a x x)'],
    ['a.map(x, x + 1)', '(map a x (_+_ x 1))'],
    ['a.map(x, x > 0, x + 1)', '(map a x if (_>_ x 0) (_+_ x 1))'],
    ['a.filter(x, x)', '(filter a x if x)'],
    ['[1].map((x), x)', '(map [1] x x)'],
    ['a.all(k, v, v)', '(all a k,v v)'],
    ['a.exists(k, v, v)', '(exists a k,v v)'],
    ['a.existsOne(k, v, v)', '(exists_one a k,v v)'],
    ['a.exists_one(k, v, v)', '(exists_one a k,v v)'],
    ['a.transformList(i, v, v)', '(transformList a i,v v)'],
    ['a.transformList(i, v, i > 0, v)', '(transformList a i,v if (_>_ i 0) v)'],
    ['a.transformMap(k, v, v)', '(transformMap a k,v v)'],
    ['a.transformMap(k, v, k, v)', '(transformMap a k,v if k v)'],
    ['a.transformMapEntry(k, v, {v: k})', '(transformMapEntry a k,v {v: k})'],
    ['a.transformMapEntry(k, v, k, {v: k})', '(transformMapEntry a k,v if k {v: k})'],
    ['a.optMap(x, x)', '(optMap a x x)'],
    ['a.?b.optFlatMap(x, x.?c)', '(optFlatMap (.? a b) x (.? x c))'],
    ['cel.bind(x, 1, x + x)', '(bind x 1 (_+_ x x))'],
    [
      'a.sortBy(x, x.k)',
      '(bind @__sortBy_input__ a (.@sortByAssociatedKeys() @__sortBy_input__ (map @__sortBy_input__ x (. x k))))',
    ],
    ['a.map(x, x.map(x, x))', '(map a x (map x x x))'],
  ])('%s', (source, tree) => {
    expect(parsed(source)).toBe(tree)
  })

  it.each([
    ['has()', '(has)'],
    ['has(a, b)', '(has a b)'],
    ['a.has(b)', '(.has() a b)'],
    ['.has(a)', '(.has a)'],
    ['all(x, y)', '(all x y)'],
    ['a.all(x)', '(.all() a x)'],
    ['a.map(x)', '(.map() a x)'],
    ['a.map(1, 2, 3, 4)', '(.map() a 1 2 3 4)'],
    ['a.filter(1, 2, 3)', '(.filter() a 1 2 3)'],
    ['a.bind(x, 1, x)', '(.bind() a x 1 x)'],
    ['.cel.bind(x, 1, x)', '(.bind() .cel x 1 x)'],
    ['cel.bind(x, 1)', '(.bind() cel x 1)'],
    ['a.sortBy(x)', '(.sortBy() a x)'],
    ['a.all', '(. a all)'],
    ['all', 'all'],
    ['has', 'has'],
  ])('used otherwise is a call or a name, as in cel-go: %s', (source, tree) => {
    expect(parsed(source)).toBe(tree)
  })

  it.each([
    ['a.all(x.y, 1)', '!7 the first argument of all() must be a plain name'],
    ['a.all(.x, 1)', '!6 the first argument of all() must be a plain name'],
    ['a.map("x", 1)', '!6 the first argument of map() must be a plain name'],
    ['a.filter(1, 2)', '!9 the first argument of filter() must be a plain name'],
    ['a.all(k, 1, 2)', '!9 the second argument of all() must be a plain name'],
    ['a.transformMap(k, k, 2)', '!18 the two names that transformMap() takes must differ'],
    ['a.optMap(1, 2)', '!9 the first argument of optMap() must be a plain name'],
    ['cel.bind(1, 2, 3)', '!9 the first argument of cel.bind() must be a plain name'],
    ['a.sortBy(1, 2)', '!9 the first argument of sortBy() must be a plain name'],
    ['has(a)', '!4 the argument of has() must be a field: a.b'],
    ['has(a["b"])', '!5 the argument of has() must be a field: a.b'],
    ['has(a.?b)', '!5 the argument of has() must be a field: a.b'],
    ['has(a.b())', '!7 the argument of has() must be a field: a.b'],
    ['has(has(a.b))', '!7 the argument of has() must be a field: a.b'],
  ])('with wrong arguments: %s', (source, issue) => {
    expect(parsed(source)).toBe(issue)
  })

  it('reports each', () => {
    expect(parsed('has(a) && b.all(1, has(c)) && d.map(2, 3)').split('\n')).toHaveLength(4)
  })

  it.each([
    ['a.optMap(x, x)', { optionals: false }, '(.optMap() a x x)'],
    ['a.all(k, v, v)', { twoVariable: false }, '(.all() a k v v)'],
    ['a.all(k, v)', { twoVariable: false }, '(all a k v)'],
    ['a.transformList(i, v, v)', { twoVariable: false }, '(.transformList() a i v v)'],
    ['cel.bind(x, 1, x)', { bind: false }, '(.bind() cel x 1 x)'],
    ['a.sortBy(x, x)', { sortBy: false }, '(.sortBy() a x x)'],
  ])('switched off are calls: %s', (source, macros, tree) => {
    expect(parsed(source, { macros })).toBe(tree)
  })
})
