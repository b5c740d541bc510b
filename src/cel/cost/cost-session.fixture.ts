import { type CelJson, JsonView } from '../environment.js'
import { compileExpr } from '../evaluate/compile-expr.js'
import type { Evaluated } from '../evaluate/program.js'
import type { FunctionOverload } from '../library/library.js'
import { librarySets } from '../library-sets.js'
import type { Expr } from '../syntax/ast.js'
import { parseExpression } from '../syntax/parse-expression.js'
import { checkExpr } from '../types/check-expr.js'
import { createDeclarations } from '../types/declarations.js'
import { parseSignature, parseType } from '../types/parse-signature.js'
import { optionalOperators, standardOperators } from '../types/standard-operators.js'
import { type Type, types } from '../types/type.js'
import { fromJson } from '../values/from-json.js'
import { Failure } from '../values/value.js'
import { type CheckedTree, estimateCost } from './estimate-cost.js'
import type { InputSizes } from './input-sizes.js'
import type { CostRange } from './range.js'

const libraries = librarySets['mcp-authz/v1']
const declarations = createDeclarations([standardOperators, optionalOperators, ...libraries])
const overloads = new Map<string, FunctionOverload[]>()
for (const overload of libraries.flatMap(library => library.functions)) {
  const { name } = parseSignature(overload.id, overload.signature)
  overloads.set(name, [...(overloads.get(name) ?? []), overload])
}

/** An expression that is checked, with the budget and the sizes of choice. */
export interface CostSession {
  readonly checked: CheckedTree
  estimate(sizes: InputSizes): CostRange
  run(inputs: Readonly<Record<string, CelJson>>): Evaluated
}

export function variableTypes(variables: Readonly<Record<string, string>>): ReadonlyMap<string, Type> {
  const all = Object.entries(variables).map(([name, text]) => {
    const type = text === 'map' ? types.map(types.string, types.dyn) : parseType(text)
    return [name, type ?? types.dyn] as const
  })
  return new Map(all)
}

/** undefined where it does not type-check. */
export function sessionOf(expr: Expr, variables: ReadonlyMap<string, Type>): CostSession | undefined {
  const checked = checkExpr(expr, { variables, functions: declarations, homogeneousLiterals: true })
  if (!checked.ok) return undefined
  const program = compileExpr(expr, { overloads, checked, variables, types: declarations.types })
  return {
    checked,
    estimate: sizes => estimateCost(expr, checked, sizes),
    run: inputs =>
      program.evaluate(name => {
        const input = inputs[name]
        const value = input === undefined ? undefined : fromJson(input)
        return value instanceof Failure ? undefined : value
      }, 1e12),
  }
}

export function sessionOfSource(source: string, variables: ReadonlyMap<string, Type>): CostSession | undefined {
  const parsed = parseExpression(source, { limits: { bytes: 1_000_000, nodes: 1_000_000 } })
  return parsed.ok ? sessionOf(parsed.expr, variables) : undefined
}

/** The bytes of a value as a message would hold it. */
export function bytesOf(input: CelJson): number {
  if (typeof input === 'string') return Buffer.byteLength(JSON.stringify(input))
  if (typeof input !== 'object' || input === null) return String(input).length
  if (input instanceof Date) return 30
  if (input instanceof JsonView) return bytesOf(input.whole())
  let bytes = 2
  if (input instanceof Map) for (const [key, item] of input) bytes += bytesOf(key) + bytesOf(item) + 2
  else for (const item of input.values()) bytes += bytesOf(item) + 1
  return bytes
}
