import type { Expr, Literal } from '../../cel/syntax/ast.js'
import { parseExpression } from '../../cel/syntax/parse-expression.js'
import { children } from '../../cel/syntax/walk.js'
import { sampleTexts } from './sample-texts.js'

export type Plain = string | number | boolean | null

/** A path to what an expression reads: `args`, `items`, `*` (an element), `name`. Ends in `#size` where its size is asked. */
export type Path = readonly string[]

/** What expressions look at, and the values on which their answers may turn. */
export class Hints {
  readonly #paths = new Map<string, { readonly path: Path; readonly values: Set<Plain>; readonly far: Set<Plain> }>()
  readonly functions = new Set<string>()

  /** `near`: compared with what stands there; else only somewhere in the same expression. */
  note(path: Path, values: Iterable<Plain> = [], near = true): void {
    const key = path.join('\0')
    const known = this.#paths.get(key) ?? { path, values: new Set(), far: new Set() }
    this.#paths.set(key, known)
    for (const value of values) if (near || !known.values.has(value)) (near ? known.values : known.far).add(value)
  }

  /** @param most values for each path, those that it is compared with first; default all */
  add(other: Hints, most = Number.POSITIVE_INFINITY): void {
    for (const { path, values, far } of other.#paths.values()) {
      const near = [...values].slice(0, most)
      this.note(path, near)
      this.note(path, [...far].slice(0, most - near.length), false)
    }
    for (const name of other.functions) this.functions.add(name)
  }

  get paths(): readonly Path[] {
    return [...this.#paths.values()].map(({ path }) => path)
  }

  /** The values of a path, those that it is compared with first. */
  at(...path: Path): readonly Plain[] {
    const known = this.#paths.get(path.join('\0'))
    return known === undefined ? [] : [...new Set([...known.values, ...known.far])]
  }

  /** Whether anything is read at a path or below. */
  reads(...path: Path): boolean {
    return this.paths.some(one => path.every((segment, index) => one[index] === segment))
  }
}

/** The hints of expressions that belong together. `variables`: those of their document by name. */
export function expressionHints(sources: readonly string[], variables: ReadonlyMap<string, string>): Hints {
  const hints = new Hints()
  const inline = new Map<string, Expr>()
  for (const [name, source] of variables) {
    const parsed = parseExpression(source)
    if (parsed.ok) inline.set(name, parsed.expr)
  }
  for (const source of [...variables.values(), ...sources]) {
    const parsed = parseExpression(source)
    if (parsed.ok) new HintReader(hints, inline).readWhole(parsed.expr)
  }
  return hints
}

type Scope = ReadonlyMap<string, Path | undefined>

const deepest = 64

class HintReader {
  readonly #hints: Hints
  readonly #variables: ReadonlyMap<string, Expr>
  readonly #read: Path[] = []
  readonly #literals = new Set<Plain>()

  constructor(hints: Hints, variables: ReadonlyMap<string, Expr>) {
    this.#hints = hints
    this.#variables = variables
  }

  readWhole(expr: Expr): void {
    this.#visit(expr, new Map(), 0)
    // Whatever is done to it on the way, a value may be compared with any literal of the expression.
    for (const path of this.#read) this.#hints.note(path, this.#literals, false)
  }

  #visit(expr: Expr, scope: Scope, depth: number): void {
    if (depth > deepest) return
    const path = this.#pathOf(expr, scope, depth)
    if (path !== undefined) this.#note(path)
    switch (expr.kind) {
      case 'literal':
        for (const value of around(expr.literal)) this.#literals.add(value)
        return
      case 'comprehension': {
        this.#visit(expr.range, scope, depth + 1)
        const range = this.#pathOf(expr.range, scope, depth)
        const element = range && [...range, '*']
        const inner = new Map(scope)
        const [first, second] = expr.variables
        if (first !== undefined) inner.set(first, second === undefined ? element : undefined)
        if (second !== undefined) inner.set(second, element)
        for (const part of [expr.filter, expr.body]) if (part !== undefined) this.#visit(part, inner, depth + 1)
        return
      }
      case 'bind':
      case 'optional_map': {
        const bound = expr.kind === 'bind' ? expr.init : expr.operand
        this.#visit(bound, scope, depth + 1)
        this.#visit(expr.body, new Map([...scope, [expr.variable, this.#pathOf(bound, scope, depth)]]), depth + 1)
        return
      }
      case 'call':
        this.#hints.functions.add(expr.name)
        this.#compare(expr, scope, depth)
        break
      default:
        break
    }
    for (const part of children(expr)) this.#visit(part, scope, depth + 1)
  }

  #note(path: Path, values: Iterable<Plain> = []): void {
    this.#read.push(path)
    this.#hints.note(path, values)
  }

  /** Where an operator or method holds a path against literals. */
  #compare({ name, target, args }: Expr & { kind: 'call' }, scope: Scope, depth: number): void {
    const [left, right] = target === undefined ? args : [target, args[0]]
    if (left === undefined || right === undefined) return
    const leftPath = this.#pathOf(left, scope, depth)
    const rightPath = this.#pathOf(right, scope, depth)
    if (name === '@in') {
      if (leftPath !== undefined) this.#note(leftPath, this.#literalsIn(right))
      if (rightPath !== undefined) {
        this.#note([...rightPath, '*'], this.#literalsIn(left))
        // What is looked for may as well be the key of a map.
        for (const key of this.#literalsIn(left)) if (typeof key === 'string') this.#note([...rightPath, key])
      }
      return
    }
    const literals = leftPath === undefined ? this.#literalsIn(left) : this.#literalsIn(right)
    const path = leftPath ?? rightPath
    if (path !== undefined)
      this.#note(
        path,
        literals.flatMap(value => variations(name, value)),
      )
  }

  /** What stands there to compare with, also inside `[…]`, `-5`, `cidr('10.0.0.0/8')` and variables. */
  #literalsIn(expr: Expr, depth = 0): readonly Plain[] {
    if (depth > deepest) return []
    if (expr.kind === 'literal') return plainOf(expr.literal)
    const name = variableOf(expr)
    const variable = name === undefined ? undefined : this.#variables.get(name)
    if (variable !== undefined) return this.#literalsIn(variable, depth + 1)
    if (expr.kind === 'call') {
      const parts = [...(expr.target === undefined ? [] : [expr.target]), ...expr.args]
      const values = parts.flatMap(part => this.#literalsIn(part, depth + 1))
      return expr.name === '-_' ? values.map(value => (typeof value === 'number' ? -value : value)) : values
    }
    if (expr.kind === 'map') return expr.entries.flatMap(({ key }) => this.#literalsIn(key, depth + 1))
    return expr.kind === 'list' ? expr.elements.flatMap(({ value }) => this.#literalsIn(value, depth + 1)) : []
  }

  /** What an expression is a reading of; undefined: of nothing in particular. */
  #pathOf(expr: Expr, scope: Scope, depth: number): Path | undefined {
    if (depth > deepest) return undefined
    switch (expr.kind) {
      case 'ident':
        return scope.has(expr.name) ? scope.get(expr.name) : [expr.name]
      case 'select': {
        const name = scope.has('variables') ? undefined : variableOf(expr)
        if (name !== undefined) {
          const variable = this.#variables.get(name)
          return variable && this.#pathOf(variable, new Map(), depth + 1)
        }
        const operand = this.#pathOf(expr.operand, scope, depth + 1)
        return operand && [...operand, expr.field]
      }
      case 'call':
        return this.#pathOfCall(expr, scope, depth)
      default:
        return undefined
    }
  }

  #pathOfCall({ name, target, args }: Expr & { kind: 'call' }, scope: Scope, depth: number): Path | undefined {
    const [first, second] = args
    if (name === '_[_]' || name === '_[?_]') {
      const operand = first && this.#pathOf(first, scope, depth + 1)
      const key = second?.kind === 'literal' && second.literal.type === 'string' ? second.literal.value : '*'
      return operand && [...operand, key]
    }
    if (name === '_?_:_' || (target === undefined && /^[^a-z]/.test(name))) return undefined
    // `x.lowerAscii()`, `int(x)`, `x.orValue(0)`: turns on the same values, near enough.
    const inner = target ?? (args.length === 1 ? first : undefined)
    const path = inner && this.#pathOf(inner, scope, depth + 1)
    if (path === undefined) return undefined
    return name === 'size' ? [...path, '#size'] : path
  }
}

/** The name in `variables.name`. */
function variableOf(expr: Expr): string | undefined {
  if (expr.kind !== 'select' || expr.operand.kind !== 'ident' || expr.operand.name !== 'variables') return undefined
  return expr.field
}

function plainOf(literal: Literal): readonly Plain[] {
  switch (literal.type) {
    case 'null':
      return [null]
    case 'bool':
    case 'string':
      return [literal.value]
    case 'int':
    case 'uint': {
      const value = Number(literal.value)
      return Number.isSafeInteger(value) ? [value] : []
    }
    case 'double':
      return Number.isFinite(literal.value) ? [literal.value] : []
    case 'bytes':
      return []
  }
}

function around(literal: Literal): readonly Plain[] {
  return plainOf(literal).flatMap(value => variations('', value))
}

/** A value, and those at which a comparison with it comes out in another way. */
function variations(operator: string, value: Plain): readonly Plain[] {
  if (typeof value === 'number')
    return Number.isInteger(value) ? [value, value + 1, value - 1] : [value, value + 0.5, value - 0.5]
  if (typeof value !== 'string') return typeof value === 'boolean' ? [value, !value] : [value]
  switch (operator) {
    case 'startsWith':
      return [`${value}x`, value]
    case 'endsWith':
      return [`x${value}`, value]
    case 'contains':
      return [`x${value}x`, value]
    case 'matches':
    case 'find':
    case 'findAll':
      return sampleTexts(value)
    default:
      return [value, ...addressesIn(value)]
  }
}

/** Of a network its first address. */
function addressesIn(text: string): readonly string[] {
  const slash = /^([0-9a-fA-F:.]{2,45})\/\d{1,3}$/.exec(text)
  return slash?.[1] === undefined ? [] : [slash[1]]
}
