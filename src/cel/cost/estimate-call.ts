import type { CallExpr } from '../syntax/ast.js'
import { type Estimate, type Estimation, pure, varying } from './estimate.js'
import { estimateConditional, estimateLogical } from './estimate-condition.js'
import type { Operand } from './functions/operands.js'
import { priceOf } from './functions/price-of.js'
import { operate } from './operator-costs.js'
import { add, type CostRange, either, most, one, perhaps, sum } from './range.js'
import type { Local } from './scope.js'
import { union } from './shapes/combined-shapes.js'
import { anything } from './shapes/input-shape.js'
import { type Shape, scalar } from './shapes/shape.js'

/** An operator, a function or a method. `left` is the estimate of the target, or else of the first argument. */
export function estimateCall(
  node: CallExpr,
  left: Estimate | undefined,
  scope: Local | undefined,
  within: Estimation,
): Estimate {
  const { name } = node
  if (node.target === undefined && left !== undefined) {
    switch (name) {
      case '_&&_':
      case '_||_':
        return estimateLogical(node, left, scope, within)
      case '_?_:_':
        return estimateConditional(node, left, scope, within)
      case '!_':
      case '-_':
        return pure([left], add(left.cost, one), scalar)
    }
  }
  const method = node.target !== undefined && left !== undefined
  const rest = left === undefined || method ? node.args : node.args.slice(1)
  const others = rest.map(arg => within.estimate(arg, scope))
  const parts = left === undefined ? others : [left, ...others]
  const [first, second] = parts
  if (node.target === undefined && first !== undefined && second !== undefined && parts.length === 2) {
    if (name === '_[_]' || name === '_[?_]') return estimateIndex(node, first, second, within)
    if (name.startsWith('_') || name === '@in') {
      const operated = operate(name, first.shape, second.shape, within.typeOf(node), second.constant)
      return pure(parts, sum(first.cost, second.cost, operated.cost), operated.shape)
    }
  }
  const exprs = method && node.target !== undefined ? [node.target, ...node.args] : node.args
  const operands = parts.map((part, i): Operand => {
    const expr = exprs[i]
    return { shape: part.shape, literal: expr?.kind === 'literal' ? expr.literal : undefined }
  })
  return estimateFunction(node, parts, operands, within)
}

/** Whichever of the overloads is called. */
function estimateFunction(
  node: CallExpr,
  parts: readonly Estimate[],
  operands: readonly Operand[],
  within: Estimation,
): Estimate {
  let cost: CostRange | undefined
  const shapes: Shape[] = []
  for (const id of within.overloadsOf(node)) {
    const price = priceOf(id, operands, within.sizes)
    const each = price?.cost ?? { min: 1, max: most }
    cost = cost === undefined ? each : either(cost, each)
    shapes.push(price?.shape ?? anything(within.sizes))
  }
  cost ??= { min: 1, max: most }
  // What takes the place of a missing value is looked at only then.
  const lazy = node.target !== undefined && (node.name === 'or' || node.name === 'orValue') && parts.length === 2
  const total = sum(cost, ...parts.map((part, i) => (lazy && i === 1 ? perhaps(part.cost) : part.cost)))
  const shape = union(shapes)
  return parts.length === 0 ? varying(total, shape) : pure(parts, total, shape)
}

function estimateIndex(node: CallExpr, value: Estimate, index: Estimate, within: Estimation): Estimate {
  const { shape } = value
  const key = node.args[1]
  const literal = key?.kind === 'literal' ? key.literal : undefined
  const parts: Shape[] = []
  if (shape.list !== undefined && literal?.type !== 'string') parts.push(shape.items)
  if (shape.map !== undefined) parts.push(literal?.type === 'string' ? shape.field(literal.value) : shape.values)
  const name = literal?.type === 'string' ? literal.value : literal?.type === 'int' ? `[${literal.value}]` : undefined
  const place = value.key === undefined || name === undefined ? undefined : `${value.key}\0${name}`
  const cost = sum(value.cost, index.cost, one)
  return pure([value, index], cost, within.bounds.bounded(place, union(parts)), place)
}
