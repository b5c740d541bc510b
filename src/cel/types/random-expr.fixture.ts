import fc from 'fast-check'
import type { ComprehensionMacro, Expr, Literal } from '../syntax/ast.js'

type Bare = Expr extends infer E ? (E extends Expr ? Omit<E, 'id' | 'at'> : never) : never

const names = [
  'x',
  'y',
  's',
  'i',
  'l',
  'm',
  'o',
  'd',
  'int',
  'google',
  'a',
  'net',
  'Object',
  'nobody',
  'strings',
  'size',
]
const fields = ['b', 'c', 'protobuf', 'Timestamp', 'IP', 'size', 'x-y', 'metadata', '']
const functions = ['size', 'startsWith', 'quote', 'of', 'type', 'dyn', 'orValue', 'value', 'matches', 'none', 'nothing']
const binary = ['_+_', '_-_', '_==_', '_<_', '@in', '_[_]', '_[?_]', '_?_:_', '_&&_', '_||_', '!_', '-_']
const macros: readonly ComprehensionMacro[] = [
  'all',
  'exists',
  'exists_one',
  'map',
  'filter',
  'transformList',
  'transformMap',
  'transformMapEntry',
]

const literal: fc.Arbitrary<Literal> = fc.oneof(
  fc.constant<Literal>({ type: 'null' }),
  fc.boolean().map((value): Literal => ({ type: 'bool', value })),
  fc.constantFrom<Literal>({ type: 'int', value: 1n }, { type: 'uint', value: 1n }, { type: 'double', value: 1.5 }),
  fc.string().map((value): Literal => ({ type: 'string', value })),
  fc.constant<Literal>({ type: 'bytes', value: new Uint8Array(1) }),
)

/** Trees of any kind of node, sensible or not, deeper than a parser would let them be. */
export function randomExpr(maxDepth: number): fc.Arbitrary<Expr> {
  let next = 0
  const place = (bare: Bare): Expr => {
    next++
    return { ...bare, id: next, at: next }
  }
  const name = fc.constantFrom(...names)
  return fc.letrec<{ expr: Expr }>(tie => {
    const expr = tie('expr')
    const few = fc.array(expr, { maxLength: 3 })
    const maybe = fc.option(expr, { nil: undefined })
    return {
      expr: fc.oneof(
        { maxDepth, depthSize: 'large' },
        fc.record({ name, root: fc.boolean() }).map(ident => place({ kind: 'ident', ...ident })),
        literal.map(value => place({ kind: 'literal', literal: value })),
        fc
          .record({ operand: expr, field: fc.constantFrom(...fields), test: fc.boolean(), optional: fc.boolean() })
          .map(select => place({ kind: 'select', ...select })),
        fc
          .record({ name: fc.constantFrom(...functions), target: maybe, args: few })
          .map(call => place({ kind: 'call', ...call })),
        fc
          .record({ name: fc.constantFrom(...binary), args: fc.array(expr, { minLength: 1, maxLength: 3 }) })
          .map(call => place({ kind: 'call', target: undefined, ...call })),
        fc
          .array(fc.record({ value: expr, optional: fc.boolean() }), { maxLength: 3 })
          .map(elements => place({ kind: 'list', elements })),
        fc
          .array(fc.record({ key: expr, value: expr, optional: fc.boolean() }), { maxLength: 3 })
          .map(entries => place({ kind: 'map', entries })),
        fc
          .record({
            type: name,
            fields: fc.array(
              fc.record({ name: fc.constantFrom(...fields), value: expr, optional: fc.boolean(), at: fc.nat() }),
              { maxLength: 2 },
            ),
          })
          .map(message => place({ kind: 'message', ...message })),
        fc
          .record({
            macro: fc.constantFrom(...macros),
            range: expr,
            variables: fc.array(name, { minLength: 1, maxLength: 2 }),
            filter: maybe,
            body: maybe,
          })
          .map(macro => place({ kind: 'comprehension', ...macro })),
        fc.record({ variable: name, init: expr, body: expr }).map(bind => place({ kind: 'bind', ...bind })),
        fc
          .record({ flat: fc.boolean(), operand: expr, variable: name, body: expr })
          .map(map => place({ kind: 'optional_map', ...map })),
      ),
    }
  }).expr
}
