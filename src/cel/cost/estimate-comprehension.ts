import type { ComprehensionExpr } from '../syntax/ast.js'
import { type Estimate, type Estimation, varying } from './estimate.js'
import { macroCosts } from './macro-costs.js'
import { add, type CostRange, either, exactly, perhaps, type SizeRange, sum, times, upTo, zero } from './range.js'
import type { Local } from './scope.js'
import { union } from './shapes/combined-shapes.js'
import { listOf, mapOf } from './shapes/plain-shapes.js'
import { listSize, mapSize, type Shape, scalar } from './shapes/shape.js'

/** `all`, `map` and the other macros with a loop; `range` is the estimate of what the loop goes through. */
export function estimateComprehension(
  node: ComprehensionExpr,
  range: Estimate,
  scope: Local | undefined,
  within: Estimation,
): Estimate {
  const { shape } = range
  const inner = localsOf(node, shape, scope)
  const filter = node.filter && within.estimate(node.filter, inner)
  const body = node.body && within.estimate(node.body, inner)
  const size = sizeOfRange(shape)
  const kept = filter === undefined ? size : perhaps(size)
  const cost = sum(range.cost, exactly(macroCosts[node.macro].once), loopCost(node, size, kept, filter, body))
  return varying(cost, resultOf(node, shape, kept, body?.shape ?? scalar))
}

/** What all iterations cost: `size` that are begun, and `kept` that pass the filter. */
function loopCost(
  { macro }: ComprehensionExpr,
  size: SizeRange,
  kept: SizeRange,
  filter: Estimate | undefined,
  body: Estimate | undefined,
): CostRange {
  const { each, taken } = macroCosts[macro]
  const entries = body !== undefined && macro === 'transformMapEntry' ? mapSize(body.shape) : zero
  const counted = macro === 'exists_one' ? upTo(taken) : exactly(taken)
  const looked = add(exactly(each), filter?.cost ?? zero)
  const rest = sum(counted, body?.cost ?? zero, entries)
  const loop = add(times(size, looked), times(kept, rest))
  if (macro !== 'all' && macro !== 'exists') return loop
  // Where the first element decides, there is no second.
  const least = size.min === 0 ? 0 : looked.min + rest.min
  return { min: Math.min(loop.min, least), max: loop.max }
}

/** How often a macro goes through its loop. */
function sizeOfRange(shape: Shape): SizeRange {
  if (shape.list === undefined) return mapSize(shape)
  return shape.map === undefined ? listSize(shape) : either(shape.list, shape.map)
}

function localsOf(node: ComprehensionExpr, range: Shape, outer: Local | undefined): Local | undefined {
  const [first, second] = node.variables
  const isList = range.list !== undefined
  const isMap = range.map !== undefined
  const items = isList ? [range.items] : []
  const shapes =
    second === undefined
      ? [union([...items, ...(isMap ? [range.keys] : [])])]
      : [
          union([...(isList ? [scalar] : []), ...(isMap ? [range.keys] : [])]),
          union([...items, ...(isMap ? [range.values] : [])]),
        ]
  let scope = outer
  for (const [i, name] of [first, second].entries()) {
    if (name !== undefined) scope = { name, key: `#${node.id}.${i}`, shape: shapes[i] ?? scalar, outer: scope }
  }
  return scope
}

function resultOf(node: ComprehensionExpr, range: Shape, size: SizeRange, body: Shape): Shape {
  switch (node.macro) {
    case 'all':
    case 'exists':
    case 'exists_one':
      return scalar
    case 'filter':
      return listOf(size, () =>
        union([...(range.list === undefined ? [] : [range.items]), ...(range.map === undefined ? [] : [range.keys])]),
      )
    case 'map':
    case 'transformList':
      return listOf(size, () => body)
    case 'transformMap':
      return mapOf(
        size,
        () => union([scalar, ...(range.map === undefined ? [] : [range.keys])]),
        () => body,
      )
    case 'transformMapEntry':
      return mapOf(
        times(size, mapSize(body)),
        () => body.keys,
        () => body.values,
      )
  }
}
