import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Expr } from '../syntax/ast.js'
import { type CheckEnvironment, checkExpr } from './check-expr.js'
import { kubernetesDeclarations } from './kubernetes-declarations.fixture.js'
import { randomExpr } from './random-expr.fixture.js'
import { typeName, types } from './type.js'

const env: CheckEnvironment = {
  variables: new Map([
    ['s', types.string],
    ['i', types.int],
    ['l', types.list(types.int)],
    ['m', types.map(types.string, types.dyn)],
    ['o', types.optional(types.map(types.string, types.int))],
    ['d', types.dyn],
    ['a.b', types.string],
  ]),
  functions: kubernetesDeclarations,
  homogeneousLiterals: true,
  messages: name => (name === 'Object' || name.startsWith('Object.') ? 'open' : undefined),
  messagesFollowPaths: true,
}

describe('checking any tree', () => {
  it.each([true, false])(
    'gives types or errors, never an exception (homogeneous literals: %s)',
    homogeneousLiterals => {
      let good = 0
      fc.assert(
        fc.property(randomExpr(8), expr => {
          const checked = checkExpr(expr, { ...env, homogeneousLiterals })
          if (checked.ok) {
            good++
            for (const type of checked.types.values()) expect(typeName(type)).not.toMatch(/<|error/)
          } else {
            expect(checked.errors.length).toBeGreaterThan(0)
            expect(checked.errors.length).toBeLessThanOrEqual(20)
            const offsets = checked.errors.map(error => error.at)
            expect(offsets).toEqual(offsets.toSorted((a, b) => a - b))
          }
        }),
        { numRuns: 1000 },
      )
      expect(good).toBeGreaterThan(30)
    },
  )
})

let ids = 0
const place = () => {
  ids++
  return { id: ids, at: ids }
}
const ident = (name: string): Expr => ({ ...place(), kind: 'ident', name, root: false })
const int = (): Expr => ({ ...place(), kind: 'literal', literal: { type: 'int', value: 1n } })
const call = (name: string, ...args: Expr[]): Expr => ({ ...place(), kind: 'call', name, target: undefined, args })
const select = (operand: Expr, field: string): Expr => ({
  ...place(),
  kind: 'select',
  operand,
  field,
  test: false,
  optional: false,
})
const mapMacro = (range: Expr, body: Expr): Expr => ({
  ...place(),
  kind: 'comprehension',
  macro: 'map',
  range,
  variables: ['e'],
  filter: undefined,
  body,
})
const repeat = (start: Expr, step: (expr: Expr) => Expr, times = 10_000): Expr => {
  let expr = start
  for (let i = 0; i < times; i++) expr = step(expr)
  return expr
}
const list = (...values: Expr[]): Expr => ({
  ...place(),
  kind: 'list',
  elements: values.map(value => ({ value, optional: false })),
})

describe('long chains', () => {
  it.each([
    ['a sum', () => repeat(int(), left => call('_+_', left, int())), 'int'],
    ['a sum of empty lists', () => repeat(list(), left => call('_+_', left, list())), 'list(dyn)'],
    ['selects', () => repeat(ident('d'), left => select(left, 'b')), 'dyn'],
    ['selects of a call', () => repeat(call('dyn', int()), left => select(left, 'b')), 'dyn'],
    ['indexes', () => repeat(ident('d'), left => call('_[_]', left, int())), 'dyn'],
    ['macros', () => repeat(ident('l'), left => mapMacro(left, ident('e'))), 'list(int)'],
    [
      'methods',
      () =>
        repeat(ident('l'), target => ({ ...place(), kind: 'call', name: 'reverse', target, args: [] }) satisfies Expr),
      'list(int)',
    ],
    ['and', () => call('_&&_', ...Array.from({ length: 10_000 }, () => call('_==_', int(), int()))), 'bool'],
  ])('%s', (_, build, type) => {
    const checked = checkExpr(build(), env)
    expect(checked.ok && typeName(checked.type)).toBe(type)
  })

  it('macros that build a deeper list with each step end in dyn', () => {
    const checked = checkExpr(
      repeat(ident('l'), left => mapMacro(left, list(ident('e'))), 5000),
      env,
    )
    expect(checked.ok && typeName(checked.type).length).toBeLessThan(2000)
  })

  it('refuses nesting that no parser gives', () => {
    const checked = checkExpr(
      repeat(int(), inner => list(inner)),
      env,
    )
    expect(checked).toMatchObject({ ok: false, errors: [{ message: 'the expression is nested too deeply' }] })
  })
})
