import type { BindExpr, CallExpr, ComprehensionExpr, Expr, MessageExpr, OptionalMapExpr } from '../syntax/ast.js'
import type { Checked } from '../types/check-expr.js'
import { type Type, types } from '../types/type.js'
import { boundsOf } from './bounds.js'
import { type Operand, priceOf } from './function-costs.js'
import { type InputSizes, worstSizes } from './input-sizes.js'
import { macroCosts } from './macro-costs.js'
import { operate } from './operator-costs.js'
import { add, type CostRange, either, exactly, most, one, perhaps, sum, times, upTo, zero } from './range.js'
import {
  anything,
  boundedBy,
  exactText,
  inputOf,
  listOf,
  listSize,
  mapOf,
  mapSize,
  type Shape,
  scalar,
  union,
} from './shape.js'

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

interface Estimate {
  readonly cost: CostRange
  readonly shape: Shape
  /** Whether it may be worked out when it is compiled, and then costs nothing. */
  readonly constant: boolean
  /** Which value it is, where the same path gives the same: for bounds. */
  readonly key: string | undefined
}

interface Local {
  readonly name: string
  readonly key: string
  readonly shape: Shape
  readonly outer: Local | undefined
}

/** Costs of making one (evaluate/literals.ts). */
const making = { list: exactly(10), map: exactly(30), message: exactly(40) } as const

const nothing: Estimate = { cost: zero, shape: scalar, constant: true, key: undefined }

class Estimator {
  readonly #checked: CheckedTree
  readonly #sizes: InputSizes
  readonly #inputs = new Map<string, Shape>()
  readonly #bounds = new Map<string, number>()

  constructor(checked: CheckedTree, sizes: InputSizes) {
    this.#checked = checked
    this.#sizes = sizes
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

  #typeOf(node: Expr): Type {
    return this.#checked.types.get(node.id) ?? types.dyn
  }

  /** What has nothing to its left. */
  #head(node: Expr, scope: Local | undefined): Estimate {
    switch (node.kind) {
      case 'literal':
        return { ...nothing, shape: literalShape(node) }
      case 'ident':
      case 'select':
        return this.#name(node, scope)
      case 'list': {
        const parts = node.elements.map(({ value }) => this.estimate(value, scope))
        const least = node.elements.filter(({ optional }) => !optional).length
        const shapes = parts.map(part => part.shape)
        const size = { min: least, max: parts.length }
        return this.#made(
          making.list,
          parts,
          listOf(size, () => union(shapes)),
        )
      }
      case 'map': {
        const keys = node.entries.map(({ key }) => this.estimate(key, scope))
        const values = node.entries.map(({ value }) => this.estimate(value, scope))
        const least = node.entries.filter(({ optional }) => !optional).length
        const shape = mapOf(
          { min: least, max: keys.length },
          () => union(keys.map(key => key.shape)),
          () => union(values.map(value => value.shape)),
        )
        return this.#made(making.map, [...keys, ...values], shape)
      }
      case 'message':
        return this.#message(node, scope)
      case 'bind':
        return this.#bind(node, scope)
      case 'call':
        return this.#call(node, undefined, scope)
      default:
        return nothing
    }
  }

  #made(cost: CostRange, parts: readonly Estimate[], shape: Shape): Estimate {
    return this.#pure(parts, sum(cost, ...parts.map(part => part.cost)), shape)
  }

  /** Worked out beforehand if all parts are constant, unless that takes long; then it costs nothing. */
  #pure(parts: readonly Estimate[], cost: CostRange, shape: Shape, key?: string): Estimate {
    const constant = parts.every(part => part.constant)
    return { cost: constant ? perhaps(cost) : cost, shape, constant, key }
  }

  #name(node: Extract<Expr, { kind: 'ident' | 'select' }>, scope: Local | undefined): Estimate {
    if (node.kind === 'ident' && !node.root) {
      for (let local = scope; local !== undefined; local = local.outer) {
        if (local.name !== node.name) continue
        return { cost: one, shape: this.#bounded(local.key, local.shape), constant: false, key: local.key }
      }
    }
    const reference = this.#checked.references.get(node.id)
    if (reference?.kind !== 'variable') return nothing
    const { name } = reference
    let shape = this.#inputs.get(name)
    if (shape === undefined) {
      shape = inputOf(this.#typeOf(node), name.split('.'), this.#sizes)
      this.#inputs.set(name, shape)
    }
    return { cost: one, shape: this.#bounded(name, shape), constant: false, key: name }
  }

  #bounded(key: string | undefined, shape: Shape): Shape {
    const bound = key === undefined || this.#bounds.size === 0 ? undefined : this.#bounds.get(key)
    return bound === undefined ? shape : boundedBy(shape, bound)
  }

  #message(node: MessageExpr, scope: Local | undefined): Estimate {
    const parts = node.fields.map(field => this.estimate(field.value, scope))
    const shapes = parts.map(part => part.shape)
    const cost = sum(making.message, ...parts.map(part => part.cost))
    const shape = mapOf(
      exactly(parts.length),
      () => exactText('x'.repeat(64)),
      () => union(shapes),
    )
    return { cost, shape, constant: false, key: undefined }
  }

  /** What is bound is worked out when it is first read, so perhaps not at all. */
  #bind(node: BindExpr, scope: Local | undefined): Estimate {
    const init = this.estimate(node.init, scope)
    const local = { name: node.variable, key: `#${node.id}`, shape: init.shape, outer: scope }
    const body = this.estimate(node.body, local)
    return { ...body, cost: sum(one, perhaps(init.cost), body.cost), constant: false, key: undefined }
  }

  /** A node whose left side is known. */
  #link(node: Expr, left: Estimate, scope: Local | undefined): Estimate {
    switch (node.kind) {
      case 'select': {
        const cost = add(left.cost, one)
        if (node.test) return this.#pure([left], cost, scalar)
        const key = left.key === undefined ? undefined : `${left.key}\0${node.field}`
        return this.#pure([left], cost, this.#bounded(key, left.shape.field(node.field)), key)
      }
      case 'comprehension':
        return this.#comprehension(node, left, scope)
      case 'optional_map':
        return this.#optionalMap(node, left, scope)
      case 'call':
        return this.#call(node, left, scope)
      default:
        return left
    }
  }

  /** `left` is the target, or the first argument. */
  #call(node: CallExpr, left: Estimate | undefined, scope: Local | undefined): Estimate {
    const { name } = node
    if (node.target === undefined && left !== undefined) {
      switch (name) {
        case '_&&_':
        case '_||_':
          return this.#logical(node, left, scope)
        case '_?_:_':
          return this.#conditional(node, left, scope)
        case '!_':
        case '-_':
          return this.#pure([left], add(left.cost, one), scalar)
      }
    }
    const method = node.target !== undefined && left !== undefined
    const rest = left === undefined || method ? node.args : node.args.slice(1)
    const others = rest.map(arg => this.estimate(arg, scope))
    const parts = left === undefined ? others : [left, ...others]
    const [first, second] = parts
    if (node.target === undefined && first !== undefined && second !== undefined && parts.length === 2) {
      if (name === '_[_]' || name === '_[?_]') return this.#index(node, first, second)
      if (name.startsWith('_') || name === '@in') {
        const operated = operate(name, first.shape, second.shape, this.#typeOf(node), second.constant)
        return this.#pure(parts, sum(first.cost, second.cost, operated.cost), operated.shape)
      }
    }
    const exprs = method && node.target !== undefined ? [node.target, ...node.args] : node.args
    const operands = parts.map((part, i): Operand => {
      const expr = exprs[i]
      return { shape: part.shape, literal: expr?.kind === 'literal' ? expr.literal : undefined }
    })
    return this.#function(node, parts, operands)
  }

  #function(node: CallExpr, parts: readonly Estimate[], operands: readonly Operand[]): Estimate {
    const reference = this.#checked.references.get(node.id)
    const ids = reference?.kind === 'function' ? reference.overloads : []
    const priced = ids.map(id => priceOf(id, operands, this.#sizes))
    let cost: CostRange | undefined
    const shapes: Shape[] = []
    for (const price of priced) {
      const each = price?.cost ?? { min: 1, max: most }
      cost = cost === undefined ? each : either(cost, each)
      shapes.push(price?.shape ?? anything(this.#sizes))
    }
    cost ??= { min: 1, max: most }
    // What takes the place of a missing value is looked at only then.
    const lazy = node.target !== undefined && (node.name === 'or' || node.name === 'orValue') && parts.length === 2
    const total = sum(cost, ...parts.map((part, i) => (lazy && i === 1 ? perhaps(part.cost) : part.cost)))
    const shape = union(shapes)
    if (parts.length === 0) return { cost: total, shape, constant: false, key: undefined }
    return this.#pure(parts, total, shape)
  }

  #index(node: CallExpr, value: Estimate, index: Estimate): Estimate {
    const { shape } = value
    const key = node.args[1]
    const literal = key?.kind === 'literal' ? key.literal : undefined
    const parts: Shape[] = []
    if (shape.list !== undefined && literal?.type !== 'string') parts.push(shape.items)
    if (shape.map !== undefined) parts.push(literal?.type === 'string' ? shape.field(literal.value) : shape.values)
    const name = literal?.type === 'string' ? literal.value : literal?.type === 'int' ? `[${literal.value}]` : undefined
    const place = value.key === undefined || name === undefined ? undefined : `${value.key}\0${name}`
    const cost = sum(value.cost, index.cost, one)
    return this.#pure([value, index], cost, this.#bounded(place, union(parts)), place)
  }

  /** Each operand is looked at only while none before it decided: of those that come later, bounds hold. */
  #logical(node: CallExpr, first: Estimate, scope: Local | undefined): Estimate {
    const all = node.name === '_&&_'
    const undo: (() => void)[] = []
    let { cost } = first
    for (const [i, arg] of node.args.entries()) {
      if (i > 0) cost = add(cost, perhaps(this.estimate(arg, scope).cost))
      if (i < node.args.length - 1) undo.push(...this.#bound(arg, all, scope))
    }
    for (const each of undo.toReversed()) each()
    return { cost, shape: scalar, constant: false, key: undefined }
  }

  #conditional(node: CallExpr, condition: Estimate, scope: Local | undefined): Estimate {
    const [test, yes, no] = node.args
    if (test === undefined || yes === undefined || no === undefined) return condition
    const held = this.#bound(test, true, scope)
    const whenTrue = this.estimate(yes, scope)
    for (const each of held.toReversed()) each()
    const failed = this.#bound(test, false, scope)
    const whenFalse = this.estimate(no, scope)
    for (const each of failed.toReversed()) each()
    const cost = add(condition.cost, either(whenTrue.cost, whenFalse.cost))
    return { cost, shape: union([whenTrue.shape, whenFalse.shape]), constant: false, key: undefined }
  }

  /** Notes the bounds that a condition sets; what is returned takes them back. */
  #bound(condition: Expr, whether: boolean, scope: Local | undefined): readonly (() => void)[] {
    return boundsOf(condition, whether).flatMap(({ of, size }) => {
      const key = keyOf(of, scope)
      if (key === undefined) return []
      const before = this.#bounds.get(key)
      if (before !== undefined && before <= size) return []
      this.#bounds.set(key, size)
      return [() => (before === undefined ? this.#bounds.delete(key) : this.#bounds.set(key, before))]
    })
  }

  #comprehension(node: ComprehensionExpr, range: Estimate, scope: Local | undefined): Estimate {
    const { shape } = range
    const inner = localsOf(node, shape, scope)
    const filter = node.filter && this.estimate(node.filter, inner)
    const body = node.body && this.estimate(node.body, inner)
    const { once, each, taken } = macroCosts[node.macro]
    const size = sizeOfRange(shape)
    const kept = filter === undefined ? size : perhaps(size)
    const entries = body !== undefined && node.macro === 'transformMapEntry' ? mapSize(body.shape) : zero
    const counted = node.macro === 'exists_one' ? upTo(taken) : exactly(taken)
    const looked = add(exactly(each), filter?.cost ?? zero)
    const rest = sum(counted, body?.cost ?? zero, entries)
    const early = node.macro === 'all' || node.macro === 'exists'
    const loop = add(times(size, looked), times(kept, rest))
    // Where the first element decides, there is no second.
    const least = size.min === 0 ? 0 : looked.min + rest.min
    const cost = sum(range.cost, exactly(once), early ? { min: Math.min(loop.min, least), max: loop.max } : loop)
    return { cost, shape: resultOf(node, shape, kept, body?.shape ?? scalar), constant: false, key: undefined }
  }

  #optionalMap(node: OptionalMapExpr, operand: Estimate, scope: Local | undefined): Estimate {
    const local = { name: node.variable, key: `#${node.id}`, shape: operand.shape, outer: scope }
    const body = this.estimate(node.body, local)
    const cost = sum(operand.cost, one, perhaps(body.cost))
    return { cost, shape: body.shape, constant: false, key: undefined }
  }
}

function literalShape(node: Extract<Expr, { kind: 'literal' }>): Shape {
  const { literal } = node
  return literal.type === 'string' || literal.type === 'bytes' ? exactText(literal.value) : scalar
}

/** How often a macro goes through its loop. */
function sizeOfRange(shape: Shape): CostRange {
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

function resultOf(node: ComprehensionExpr, range: Shape, size: CostRange, body: Shape): Shape {
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

/** The key of a name and its fields (`a.b`, `a["b"]`), as `Estimate.key` has it. */
function keyOf(expr: Expr, scope: Local | undefined): string | undefined {
  const fields: string[] = []
  let node = expr
  for (;;) {
    if (node.kind === 'select' && !node.test) {
      fields.push(node.field)
      node = node.operand
      continue
    }
    const [operand, index] = node.kind === 'call' && node.name === '_[_]' ? node.args : []
    if (operand === undefined || index?.kind !== 'literal' || index.literal.type !== 'string') break
    fields.push(index.literal.value)
    node = operand
  }
  if (node.kind !== 'ident') return undefined
  let root: string | undefined
  if (!node.root) {
    for (let local = scope; local !== undefined && root === undefined; local = local.outer) {
      if (local.name === node.name) root = local.key
    }
  }
  return [root ?? node.name, ...fields.toReversed()].join('\0')
}
