import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { optionals } from '../library/optionals.js'
import { standard } from '../library/standard.js'
import { strings } from '../library/strings.js'
import { parseExpression } from '../syntax/parse-expression.js'
import { checkExpr } from '../types/check-expr.js'
import { createDeclarations } from '../types/declarations.js'
import { optionalOperators, standardOperators } from '../types/standard-operators.js'
import { type Type, types } from '../types/type.js'
import type { Value } from '../values/value.js'
import { compileExpr } from './compile-expr.js'
import { overloadsOf } from './run-source.fixture.js'

const libraries = [standard, optionals, strings]
const functions = createDeclarations([standardOperators, optionalOperators, ...libraries])
const overloads = overloadsOf(libraries)
const variables = new Map<string, Type>([
  ['a', types.map(types.string, types.dyn)],
  ['a.b', types.int],
  ['xs', types.list(types.int)],
  ['s', types.string],
])
const values: Record<string, Value> = { a: new Map([['c', 'x']]), 'a.b': 7n, xs: [1n, 2n], s: 'text' }

const isObject = (name: string) => name === 'Object' || name.startsWith('Object.')
const messages = (name: string) => (isObject(name) ? ('open' as const) : undefined)

function run(source: string): unknown {
  const parsed = parseExpression(source, { macros: { optionals: true, bind: true, twoVariable: true } })
  if (!parsed.ok) return 'refused'
  const env = { variables, functions, homogeneousLiterals: true, messages }
  const checked = checkExpr(parsed.expr, env)
  const declared = { overloads, variables, types: { has: isObject } }
  const program = compileExpr(parsed.expr, checked.ok ? { ...declared, checked } : declared)
  const unchecked = compileExpr(parsed.expr, declared)
  const results = [program, unchecked].map(each => {
    const result = each.evaluate(name => values[name], 20_000)
    return result.ok ? result.value : `! ${result.error.message}`
  })
  if (checked.ok) expect(results[0]).toEqual(results[1])
  return checked.ok ? results[0] : 'refused'
}

describe('checked expressions', () => {
  it.each<[string, unknown]>([
    ['a.b + 1', 8n],
    ['a.c', 'x'],
    ['xs.map(x, x * a.b)', [7n, 14n]],
    ['s.size() + size(xs)', 6n],
    ['optional.of(s).orValue("")', 'text'],
    ['a.?d.orValue("none")', 'none'],
    ['type(a.b) == int', true],
    ['timestamp("2024-01-01T00:00:00Z").getFullYear("UTC")', 2024n],
    ['cel.bind(n, a.b, n * n)', 49n],
    ['s.substring(1)', 'ext'],
    ['dyn(s) + 1', '! no such overload: _+_(string, int)'],
    ['s + 1', 'refused'],
  ])('%s', (source, expected) => {
    expect(run(source)).toEqual(expected)
  })

  it('has all standard functions in what the checker declares', () => {
    for (const { id } of standard.functions) {
      expect([...functions.functions.values()].some(found => found.some(overload => overload.id === id))).toBe(true)
    }
  })
})

describe('any text', () => {
  const token = fc.constantFrom(
    ...[
      'a',
      'a.b',
      'xs',
      's',
      '.c',
      '.?d',
      '[0]',
      '[?1]',
      '(',
      ')',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      ' ? ',
      '1',
      '0',
      '1u',
      '2.5',
    ],
    ...[
      '"a"',
      "r'\\d'",
      'b"x"',
      ' + ',
      ' - ',
      ' * ',
      ' / ',
      ' % ',
      '!',
      '-',
      ' == ',
      ' != ',
      ' < ',
      ' >= ',
      ' && ',
      ' || ',
      ' in ',
    ],
    ...[
      'xs.all(x, ',
      '.map(x, ',
      '.filter(x, ',
      '.exists(i, v, ',
      '.transformMap(k, v, ',
      'x',
      'cel.bind(x, ',
      'has(a.c)',
    ],
    ...[
      '.size()',
      'size(',
      'string(',
      'int(',
      'timestamp(',
      'duration(',
      '.getHours()',
      '.matches(',
      '.split(',
      '.optMap(x, ',
    ],
    ...[
      'optional.of(',
      '.orValue(',
      '.value()',
      'Object{a: ',
      'null',
      'true',
      'type(',
      'dyn(',
      '.contains(',
      '.getDate("UTC")',
    ],
  )

  it('is refused, or has a value or an error, the same with and without types', () => {
    fc.assert(
      fc.property(fc.array(token, { minLength: 1, maxLength: 9 }), tokens => {
        run(tokens.join(''))
      }),
      { numRuns: 5000 },
    )
  })
})
