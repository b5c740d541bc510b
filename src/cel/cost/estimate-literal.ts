import type { ListExpr, LiteralExpr, MapExpr, MessageExpr } from '../syntax/ast.js'
import { type Estimate, type Estimation, known, pure, varying } from './estimate.js'
import { exactly, sum } from './range.js'
import type { Local } from './scope.js'
import { union } from './shapes/combined-shapes.js'
import { exactText, listOf, mapOf } from './shapes/plain-shapes.js'
import { scalar } from './shapes/shape.js'

/** Costs of making one (evaluate/literals.ts). */
const making = { list: exactly(10), map: exactly(30), message: exactly(40) } as const

/** The name of a field, taken to have 64 characters. */
const fieldName = exactText('x'.repeat(64))

/** A value, or a list, map or message of parts, as it is written in the expression. */
export function estimateLiteral(
  node: LiteralExpr | ListExpr | MapExpr | MessageExpr,
  scope: Local | undefined,
  within: Estimation,
): Estimate {
  switch (node.kind) {
    case 'literal': {
      const { literal } = node
      return known(literal.type === 'string' || literal.type === 'bytes' ? exactText(literal.value) : scalar)
    }
    case 'list': {
      const parts = node.elements.map(({ value }) => within.estimate(value, scope))
      const size = { min: required(node.elements), max: parts.length }
      const shape = listOf(size, () => union(parts.map(part => part.shape)))
      return pure(parts, sum(making.list, ...parts.map(part => part.cost)), shape)
    }
    case 'map': {
      const keys = node.entries.map(({ key }) => within.estimate(key, scope))
      const values = node.entries.map(({ value }) => within.estimate(value, scope))
      const parts = [...keys, ...values]
      const shape = mapOf(
        { min: required(node.entries), max: keys.length },
        () => union(keys.map(key => key.shape)),
        () => union(values.map(value => value.shape)),
      )
      return pure(parts, sum(making.map, ...parts.map(part => part.cost)), shape)
    }
    case 'message': {
      const parts = node.fields.map(field => within.estimate(field.value, scope))
      const shape = mapOf(
        exactly(parts.length),
        () => fieldName,
        () => union(parts.map(part => part.shape)),
      )
      return varying(sum(making.message, ...parts.map(part => part.cost)), shape)
    }
  }
}

function required(parts: readonly { readonly optional: boolean }[]): number {
  return parts.filter(({ optional }) => !optional).length
}
