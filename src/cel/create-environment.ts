import { checkTimeZones } from './check-time-zones.js'
import {
  type Activation,
  type CelEnvironment,
  type CelError,
  type CelInput,
  type CelProgram,
  type CelType,
  CelValue,
  type Compiled,
  type CostBudget,
  type Evaluated,
  type EvaluatedValue,
  type Member,
  type PartiallyEvaluated,
  type UnknownPattern,
} from './environment.js'
import { compileExpr } from './evaluate/compile-expr.js'
import type { Program } from './evaluate/program.js'
import type { FunctionOverload } from './library/library.js'
import { type LibrarySet, librarySets } from './library-sets.js'
import { limits } from './limits.js'
import { membersOf } from './members-of.js'
import type { Expr } from './syntax/ast.js'
import { parseExpression } from './syntax/parse-expression.js'
import { positionAt } from './syntax/position-at.js'
import { children, walkUp } from './syntax/walk.js'
import { checkExpr } from './types/check-expr.js'
import { createDeclarations, type DeclarationTable, undeclaredName } from './types/declarations.js'
import { parseSignature, parseType } from './types/parse-signature.js'
import { optionalOperators, standardOperators } from './types/standard-operators.js'
import { type Type, typeName, types } from './types/type.js'
import { fromJson } from './values/from-json.js'
import { toOutput } from './values/to-output.js'
import { typeOf } from './values/type-of.js'
import { Failure, type Value } from './values/value.js'

/**
 * An environment over a closed set of variables, with the functions of a versioned set.
 *
 * Compiling refuses what does not parse, undeclared names and functions, calls that fit no overload, literals of mixed
 * types, constant patterns, durations and timestamps that are none, times of day without a zone, a result that cannot be
 * of the wanted type, and what exceeds `limits`. Evaluating is bounded by `limits.budget`; nothing absorbs running out of
 * it. Messages hold names, types and positions, never data.
 *
 * Throws if a variable has no name that an expression could say, or a type that is none, which is a bug of the caller.
 */
export function createCelEnvironment(
  variables: Readonly<Record<string, CelType>>,
  set: LibrarySet = 'mcp-authz/v1',
): CelEnvironment {
  const declared = new Map(Object.entries(variables))
  const functions = functionsOf(set)
  const names = new Map<string, Type>()
  for (const [name, type] of declared) {
    if (!/^[A-Za-z_]\w*$/.test(name) || functions.declarations.types.has(name)) {
      throw new Error(`not a name for a variable: ${name}`)
    }
    names.set(name, typeOfVariable(name, type, functions.declarations))
  }
  return {
    variables: declared,
    compile: (source, result = 'dyn') => compile(functions, names, source, result),
  }
}

type ResultType = 'bool' | 'string' | 'dyn'

/** `list` and `map` are lists and objects of anything, as JSON has them. */
const shortTypes: ReadonlyMap<string, Type> = new Map<string, Type>([
  ['list', types.list(types.dyn)],
  ['map', types.map(types.string, types.dyn)],
])

function typeOfVariable(name: string, text: CelType, { types: known }: DeclarationTable): Type {
  const type = shortTypes.get(text) ?? parseType(text)
  if (type === undefined || undeclaredName(type, known) !== undefined) {
    throw new Error(`the type of the variable ${name} is none: ${text}`)
  }
  return type
}

interface Functions {
  readonly declarations: DeclarationTable
  readonly overloads: ReadonlyMap<string, readonly FunctionOverload[]>
}

const functionSets = new Map<LibrarySet, Functions>()

function functionsOf(set: LibrarySet): Functions {
  const known = functionSets.get(set)
  if (known !== undefined) return known
  const libraries = librarySets[set]
  const overloads = new Map<string, FunctionOverload[]>()
  for (const overload of libraries.flatMap(library => library.functions)) {
    const { name } = parseSignature(overload.id, overload.signature)
    overloads.set(name, [...(overloads.get(name) ?? []), overload])
  }
  const declarations = createDeclarations([standardOperators, optionalOperators, ...libraries])
  const functions = { declarations, overloads }
  functionSets.set(set, functions)
  return functions
}

function compile(
  { declarations, overloads }: Functions,
  variables: ReadonlyMap<string, Type>,
  source: string,
  result: ResultType,
): Compiled {
  const refuse = (at: number, message: string, hint?: string): Compiled => ({
    ok: false,
    error: errorAt(source, at, message, hint),
  })
  const parsed = parseExpression(source, {
    limits: { bytes: limits.sourceBytes, depth: limits.depth, nodes: limits.nodes },
    messages: false,
  })
  if (!parsed.ok) {
    const [issue] = parsed.errors
    return refuse(issue?.at ?? 0, issue?.message ?? 'not an expression', issue?.hint)
  }
  const { expr } = parsed
  if (longestWay(expr) > limits.chain) {
    return refuse(0, `more than ${limits.chain} steps hang on one another`, 'split it into variables')
  }
  const checked = checkExpr(expr, { variables, functions: declarations, homogeneousLiterals: true })
  if (!checked.ok) {
    const [issue] = checked.errors
    return refuse(issue?.at ?? 0, issue?.message ?? 'not well typed', issue?.hint)
  }
  const zone = checkTimeZones(expr, checked.types)
  if (zone !== undefined) return refuse(zone.at, zone.message, zone.hint)
  const { kind } = checked.type
  if (result !== 'dyn' && kind !== 'dyn' && kind !== result) {
    const hint = result === 'bool' ? 'compare it with something' : 'wrap it in string(…)'
    return refuse(0, `the result is ${typeName(checked.type)}, wanted is ${result}`, hint)
  }
  const program = compileExpr(expr, { overloads, checked, variables, types: declarations.types })
  const [problem] = program.problems
  if (problem !== undefined) return refuse(problem.at, problem.message)
  const reads = { variables: checked.variables, members: membersOf(expr) }
  return { ok: true, program: new CompiledProgram(source, reads, program, result) }
}

/** From the root to the deepest node: what a recursion over the tree would need. */
function longestWay(expr: Expr): number {
  const ways = new Map<number, number>()
  walkUp(expr, node => {
    let longest = 0
    for (const child of children(node)) longest = Math.max(longest, ways.get(child.id) ?? 0)
    ways.set(node.id, longest + 1)
  })
  return ways.get(expr.id) ?? 0
}

function errorAt(source: string, at: number, message: string, hint: string | undefined): CelError {
  return { message, ...positionAt(source, at), hint }
}

type Reads = Pick<CelProgram, 'variables' | 'members'>

class CompiledProgram implements CelProgram {
  readonly source: string
  readonly variables: ReadonlySet<string>
  readonly members: readonly Member[]
  readonly #program: Program
  readonly #result: ResultType

  constructor(source: string, reads: Reads, program: Program, result: ResultType) {
    this.source = source
    this.variables = reads.variables
    this.members = reads.members
    this.#program = program
    this.#result = result
  }

  evaluate(activation: Activation, budget?: CostBudget): Evaluated {
    const evaluated = this.evaluateValue(activation, budget)
    if (!evaluated.ok) return evaluated
    const value = toOutput(evaluated.value)
    if (value instanceof Failure) return { ok: false, error: value.message }
    return { ok: true, value }
  }

  evaluateValue(activation: Activation, budget?: CostBudget): EvaluatedValue {
    try {
      const evaluated = this.#program.evaluate(name => fromOutside(activation(name)), unitsOf(budget))
      if (budget !== undefined) budget.left -= evaluated.cost
      if (!evaluated.ok) return { ok: false, error: this.#tell(evaluated.error, evaluated.at) }
      const wrong = this.#wrongType(evaluated.value)
      return wrong === undefined ? { ok: true, value: evaluated.value } : { ok: false, error: wrong }
    } catch {
      return broken
    }
  }

  evaluatePartial(
    activation: Activation,
    unknowns: readonly UnknownPattern[],
    budget?: CostBudget,
  ): PartiallyEvaluated {
    try {
      const evaluated = this.#program.evaluatePartial(name => fromOutside(activation(name)), unknowns, unitsOf(budget))
      if (budget !== undefined) budget.left -= evaluated.cost
      if (evaluated.kind === 'unknown') return { kind: 'unknown', paths: evaluated.paths }
      if (evaluated.kind === 'error') return { kind: 'error', error: this.#tell(evaluated.error, evaluated.at) }
      const wrong = this.#wrongType(evaluated.value)
      if (wrong !== undefined) return { kind: 'error', error: wrong }
      const value = toOutput(evaluated.value)
      return value instanceof Failure ? { kind: 'error', error: value.message } : { kind: 'value', value }
    } catch {
      return { kind: 'error', error: broken.error }
    }
  }

  #wrongType(value: Value): string | undefined {
    if (this.#result === 'dyn' || typeof value === (this.#result === 'bool' ? 'boolean' : 'string')) return undefined
    return `the result is ${typeOf(value)}, wanted is ${this.#result}`
  }

  #tell({ message }: Failure, at: number | undefined): string {
    if (at === undefined) return message
    const { line, column } = positionAt(this.source, at)
    return `${message} (at ${line}:${column})`
  }
}

/** Contract: never throw. Whatever broke, the caller sees an error and denies; its message may hold data. */
const broken = { ok: false, error: 'the expression could not be evaluated' } as const

function unitsOf(budget: CostBudget | undefined): number {
  return budget === undefined ? limits.budget : Math.max(0, Math.min(limits.budget, budget.left))
}

/** Inputs are converted once: a message or a set of claims is read by many expressions. */
const converted = new WeakMap<object, Value>()

function fromOutside(input: CelInput | undefined): Value | undefined {
  if (input === undefined) return undefined
  if (input instanceof CelValue) return input.value
  if (typeof input !== 'object' || input === null) {
    const value = fromJson(input)
    return value instanceof Failure ? undefined : value
  }
  const known = converted.get(input)
  if (known !== undefined) return known
  const value = fromJson(input)
  // Absent, so that reading it is an error.
  if (value instanceof Failure) return undefined
  converted.set(input, value)
  return value
}
