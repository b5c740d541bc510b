import type { Expr } from '../../src/cel/syntax/ast.js'

/**
 * `cel.block([a, b], result)`, `cel.index(1)` and `cel.iterVar(0, 1)` are macros that test runners bring (cel-spec,
 * tests/simple/testdata/block_ext.textproto): they write down what an optimizer makes of an expression. They mean binds
 * around the result, whose names are these.
 */
export function nameIndexes(source: string): string {
  return source
    .replace(/\bcel\.index\((\d+)\)/g, 'index$1')
    .replace(/\bcel\.(iterVar|accuVar)\((\d+), *(\d+)\)/g, '$1$2_$3')
}

/** The outermost `cel.block` as binds; anything else as it is. `nodes` is how many nodes the tree has. */
export function expandBlock(expr: Expr, nodes: number): Expr {
  if (expr.kind !== 'call' || expr.name !== 'block' || expr.target?.kind !== 'ident') return expr
  const [list, result] = expr.args
  if (expr.target.name !== 'cel' || list?.kind !== 'list' || result === undefined) return expr
  return list.elements.reduceRight<Expr>(
    (body, { value }, i) => ({
      kind: 'bind',
      id: nodes + 1 + i,
      at: expr.at,
      variable: `index${i}`,
      init: value,
      body,
    }),
    result,
  )
}
