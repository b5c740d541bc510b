import type { CallExpr } from '../syntax/ast.js'
import { type Estimate, type Estimation, varying } from './estimate.js'
import { add, either, perhaps } from './range.js'
import type { Local } from './scope.js'
import { union } from './shapes/combined-shapes.js'
import { scalar } from './shapes/shape.js'

/**
 * `&&` and `||`. Each operand is looked at only while none before it decided: of those that come later, bounds hold.
 * `first` is the estimate of the first operand.
 */
export function estimateLogical(
  node: CallExpr,
  first: Estimate,
  scope: Local | undefined,
  within: Estimation,
): Estimate {
  const all = node.name === '_&&_'
  const undo: (() => void)[] = []
  let { cost } = first
  for (const [i, arg] of node.args.entries()) {
    if (i > 0) cost = add(cost, perhaps(within.estimate(arg, scope).cost))
    if (i < node.args.length - 1) undo.push(within.bounds.assume(arg, all, scope))
  }
  for (const each of undo.toReversed()) each()
  return varying(cost, scalar)
}

/** `condition ? yes : no`, of which one is looked at; `condition` is the estimate of the first operand. */
export function estimateConditional(
  node: CallExpr,
  condition: Estimate,
  scope: Local | undefined,
  within: Estimation,
): Estimate {
  const [test, yes, no] = node.args
  if (test === undefined || yes === undefined || no === undefined) return condition
  const noLongerTrue = within.bounds.assume(test, true, scope)
  const whenTrue = within.estimate(yes, scope)
  noLongerTrue()
  const noLongerFalse = within.bounds.assume(test, false, scope)
  const whenFalse = within.estimate(no, scope)
  noLongerFalse()
  const cost = add(condition.cost, either(whenTrue.cost, whenFalse.cost))
  return varying(cost, union([whenTrue.shape, whenFalse.shape]))
}
