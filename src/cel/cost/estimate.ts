import type { CallExpr, Expr } from '../syntax/ast.js'
import type { Type } from '../types/type.js'
import type { InputSizes } from './input-sizes.js'
import type { KnownBounds } from './known-bounds.js'
import { type CostRange, perhaps, zero } from './range.js'
import type { Local } from './scope.js'
import { type Shape, scalar } from './shapes/shape.js'

/** What is known of a part of an expression. */
export interface Estimate {
  readonly cost: CostRange
  readonly shape: Shape
  /** Whether it may be worked out when it is compiled, and then costs nothing. */
  readonly constant: boolean
  /** Which value it is, where the same path gives the same: for bounds. */
  readonly key: string | undefined
}

/** The estimate of a whole expression, as its parts see it. */
export interface Estimation {
  readonly sizes: InputSizes
  readonly bounds: KnownBounds
  estimate(expr: Expr, scope: Local | undefined): Estimate
  typeOf(expr: Expr): Type
  /** Ids of the overloads that a call may come to. */
  overloadsOf(call: CallExpr): readonly string[]
}

/** What is known when it is compiled. */
export function known(shape: Shape): Estimate {
  return { cost: zero, shape, constant: true, key: undefined }
}

/** Worked out beforehand if all parts are constant, unless that takes long; then it costs nothing. */
export function pure(parts: readonly Estimate[], cost: CostRange, shape: Shape, key?: string): Estimate {
  const constant = parts.every(part => part.constant)
  return { cost: constant ? perhaps(cost) : cost, shape, constant, key }
}

/** Worked out each time. */
export function varying(cost: CostRange, shape: Shape, key?: string): Estimate {
  return { cost, shape, constant: false, key }
}

/** A test or a number that has no parts. */
export const nothing: Estimate = known(scalar)
