import type { BindExpr, CallExpr, Expr, IdentExpr, OptionalMapExpr, SelectExpr } from '../syntax/ast.js'
import type { Checked } from '../types/check-expr.js'
import { type Type, types } from '../types/type.js'
import { type Estimate, type Estimation, nothing, pure, varying } from './estimate.js'
import { estimateCall } from './estimate-call.js'
import { estimateComprehension } from './estimate-comprehension.js'
import { estimateLiteral } from './estimate-literal.js'
import { type InputSizes, worstSizes } from './input-sizes.js'
import { KnownBounds } from './known-bounds.js'
import { add, type CostRange, one, perhaps, sum } from './range.js'
import { type Local, localOf } from './scope.js'
import { inputOf } from './shapes/input-shape.js'
import { type Shape, scalar } from './shapes/shape.js'

export type CheckedTree = Extract<Checked, { readonly ok: true }>

/**
 * What evaluating an expression may cost with inputs of some sizes, in Kubernetes cost units: never more than `max`, and
 * never less than `min` where nothing fails on the way. Saturates at `Number.MAX_SAFE_INTEGER`. Rules as in cel-go's
 * `checker/cost.go`, for what our evaluator charges. Linear in the expression; chains to the left may be of any length.
 *
 * `size(x) <= 100 && x.all(…)` is understood: behind such a condition the size of `x` is bounded (kubernetes has `maxItems`
 * of a schema for that).
 */
export function estimateCost(expr: Expr, checked: CheckedTree, sizes: InputSizes = worstSizes): CostRange {
  return new Estimator(checked, sizes).estimate(expr, undefined).cost
}

/** Walks the expression: names, fields and local names here, the rest in the file of its kind. */
class Estimator implements Estimation {
  readonly sizes: InputSizes
  readonly bounds = new KnownBounds()
  readonly #checked: CheckedTree
  readonly #inputs = new Map<string, Shape>()

  constructor(checked: CheckedTree, sizes: InputSizes) {
    this.#checked = checked
    this.sizes = sizes
  }

  /** Goes down the left side to what stands first, and comes back link by link. */
  estimate(expr: Expr, scope: Local | undefined): Estimate {
    const open: Expr[] = []
    let node = expr
    for (let left = this.#leftOf(node); left !== undefined; left = this.#leftOf(node)) {
      open.push(node)
      node = left
    }
    let found = this.#head(node, scope)
    for (let link = open.pop(); link !== undefined; link = open.pop()) found = this.#link(link, found, scope)
    return found
  }

  typeOf(expr: Expr): Type {
    return this.#checked.types.get(expr.id) ?? types.dyn
  }

  overloadsOf(call: CallExpr): readonly string[] {
    const reference = this.#checked.references.get(call.id)
    return reference?.kind === 'function' ? reference.overloads : []
  }

  #leftOf(node: Expr): Expr | undefined {
    switch (node.kind) {
      case 'select':
        // A dotted name of a variable or a type.
        return this.#checked.references.has(node.id) ? undefined : node.operand
      case 'comprehension':
        return node.range
      case 'optional_map':
        return node.operand
      case 'call':
        return this.#targetOf(node) ?? (node.target === undefined ? node.args[0] : undefined)
      default:
        return undefined
    }
  }

  /** undefined where the target is only the namespace of a function: the checker gives that no type. */
  #targetOf({ target }: CallExpr): Expr | undefined {
    return target !== undefined && this.#checked.types.has(target.id) ? target : undefined
  }

  /** What has nothing to its left. */
  #head(node: Expr, scope: Local | undefined): Estimate {
    switch (node.kind) {
      case 'ident':
      case 'select':
        return this.#name(node, scope)
      case 'literal':
      case 'list':
      case 'map':
      case 'message':
        return estimateLiteral(node, scope, this)
      case 'bind':
        return this.#bind(node, scope)
      case 'call':
        return estimateCall(node, undefined, scope, this)
      case 'comprehension':
      case 'optional_map':
        return nothing
    }
  }

  /** A node whose left side is known. */
  #link(node: Expr, left: Estimate, scope: Local | undefined): Estimate {
    switch (node.kind) {
      case 'select':
        return this.#field(node, left)
      case 'comprehension':
        return estimateComprehension(node, left, scope, this)
      case 'optional_map':
        return this.#optionalMap(node, left, scope)
      case 'call':
        return estimateCall(node, left, scope, this)
      default:
        return left
    }
  }

  #name(node: IdentExpr | SelectExpr, scope: Local | undefined): Estimate {
    const local = node.kind === 'ident' && !node.root ? localOf(node.name, scope) : undefined
    if (local !== undefined) return varying(one, this.bounds.bounded(local.key, local.shape), local.key)
    const reference = this.#checked.references.get(node.id)
    if (reference?.kind !== 'variable') return nothing
    const { name } = reference
    let shape = this.#inputs.get(name)
    if (shape === undefined) {
      shape = inputOf(this.typeOf(node), name.split('.'), this.sizes)
      this.#inputs.set(name, shape)
    }
    return varying(one, this.bounds.bounded(name, shape), name)
  }

  #field(node: SelectExpr, operand: Estimate): Estimate {
    const cost = add(operand.cost, one)
    if (node.test) return pure([operand], cost, scalar)
    const key = operand.key === undefined ? undefined : `${operand.key}\0${node.field}`
    return pure([operand], cost, this.bounds.bounded(key, operand.shape.field(node.field)), key)
  }

  /** What is bound is worked out when it is first read, so perhaps not at all. */
  #bind(node: BindExpr, scope: Local | undefined): Estimate {
    const init = this.estimate(node.init, scope)
    const local = { name: node.variable, key: `#${node.id}`, shape: init.shape, outer: scope }
    const body = this.estimate(node.body, local)
    return varying(sum(one, perhaps(init.cost), body.cost), body.shape)
  }

  #optionalMap(node: OptionalMapExpr, operand: Estimate, scope: Local | undefined): Estimate {
    const local = { name: node.variable, key: `#${node.id}`, shape: operand.shape, outer: scope }
    const body = this.estimate(node.body, local)
    return varying(sum(operand.cost, one, perhaps(body.cost)), body.shape)
  }
}
