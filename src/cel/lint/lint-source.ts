import { type CheckedTree, estimateCost } from '../cost/estimate-cost.js'
import { ordinarySizes } from '../cost/input-sizes.js'
import type { CelFacts, CelLint } from '../environment.js'
import { compileExpr } from '../evaluate/compile-expr.js'
import type { Names } from '../evaluate/resolve-names.js'
import type { Expr } from '../syntax/ast.js'
import { positionAt } from '../syntax/position-at.js'
import { lintExpression } from './lint-expression.js'

export interface LintSource {
  readonly source: string
  readonly expr: Expr
  readonly checked: CheckedTree
  readonly facts: CelFacts | undefined
  readonly names: Names
  /** Units that one evaluation may cost. */
  readonly budget: number
  /** Units of one question to the authorizer. */
  readonly checkPrice: number
}

/** Lints an expression that compiles, with all that the engine knows of it: constants have values, and macros costs. */
export function lintSource({
  source,
  expr,
  checked,
  facts,
  names,
  budget,
  checkPrice,
}: LintSource): readonly CelLint[] {
  const evaluate = (constant: Expr): boolean | undefined => {
    const evaluated = compileExpr(constant, { ...names, checked }).evaluate(() => undefined, budget)
    return evaluated.ok && typeof evaluated.value === 'boolean' ? evaluated.value : undefined
  }
  const costOf = (node: Expr) => estimateCost(node, checked, { ...ordinarySizes, checkPrice }).max
  const issues = lintExpression(expr, checked, { evaluate, costOf, budget, ...(facts && { facts }) })
  return issues.map(({ code, at, message, hint }) => ({ code, message, hint, ...positionAt(source, at) }))
}
