import { encoders } from '../library/encoders.js'
import type { FunctionOverload, Library } from '../library/library.js'
import { lists } from '../library/lists.js'
import { math } from '../library/math.js'
import { optionals } from '../library/optionals.js'
import { standard } from '../library/standard.js'
import { strings } from '../library/strings.js'
import { parseExpression } from '../syntax/parse-expression.js'
import { parseSignature } from '../types/parse-signature.js'
import type { Value } from '../values/value.js'
import { compileExpr } from './compile-expr.js'
import type { UnknownPattern } from './frame.js'
import type { Evaluated, PartiallyEvaluated, Program } from './program.js'

/** Overloads of libraries by the name of their function. */
export function overloadsOf(libraries: readonly Library[]): ReadonlyMap<string, readonly FunctionOverload[]> {
  const overloads = new Map<string, FunctionOverload[]>()
  for (const overload of libraries.flatMap(library => library.functions)) {
    const { name } = parseSignature(overload.id, overload.signature)
    overloads.set(name, [...(overloads.get(name) ?? []), overload])
  }
  return overloads
}

const allOverloads = overloadsOf([standard, optionals, strings, lists, math, encoders])

export interface SourceOptions {
  readonly variables?: ReadonlySet<string>
  readonly container?: string
  readonly limits?: Parameters<typeof parseExpression>[1]
}

export function compileSource(source: string, options: SourceOptions = {}): Program {
  const parsed = parseExpression(source, {
    limits: { bytes: 1_000_000, nodes: 1_000_000 },
    macros: { optionals: true, bind: true, twoVariable: true },
  })
  if (!parsed.ok) throw new Error(`${source.slice(0, 200)}: ${parsed.errors[0]?.message}`)
  const { variables, container } = options
  return compileExpr(parsed.expr, {
    overloads: allOverloads,
    ...(variables && { variables }),
    ...(container !== undefined && { container }),
  })
}

export type Variables = Readonly<Record<string, Value>>

export function evaluateSource(source: string, variables: Variables = {}, budget?: number): Evaluated {
  return compileSource(source).evaluate(name => variables[name], budget)
}

export function evaluatePartially(
  source: string,
  variables: Variables,
  unknowns: readonly UnknownPattern[],
): PartiallyEvaluated {
  return compileSource(source).evaluatePartial(name => variables[name], unknowns)
}

/** The value, or the message of the error after `!`. */
export function outcomeOf(source: string, variables: Variables = {}): unknown {
  const result = evaluateSource(source, variables)
  return result.ok ? result.value : `! ${result.error.message}`
}
