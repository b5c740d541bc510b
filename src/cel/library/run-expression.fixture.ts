import type { CallExpr, Expr } from '../syntax/ast.js'
import { parseExpression } from '../syntax/parse-expression.js'
import { parseSignature } from '../types/parse-signature.js'
import { type Type, typeName } from '../types/type.js'
import { parseDuration } from '../values/duration.js'
import { equal } from '../values/equal.js'
import { mapKey } from '../values/map-key.js'
import { parseTimestamp } from '../values/timestamp.js'
import { typeOf } from '../values/type-of.js'
import { Failure, type MapKey, type Result, TypeValue, Uint, type Value } from '../values/value.js'
import type { CallContext, Library } from './library.js'

/** Counts units; refuses from the limit on, for good. */
export function countingContext(limit = 1e9): CallContext & { spent: number } {
  return {
    spent: 0,
    charge(units) {
      this.spent += units
      return this.spent <= limit
    },
  }
}

export const freeContext = (): CallContext => countingContext()

/** The implementation with an id, ready to call. */
export function callOf(
  library: Library,
  id: string,
  context: CallContext = freeContext(),
): (...args: Value[]) => Result {
  const found = library.functions.find(overload => overload.id === id)
  if (found === undefined) throw new Error(`no overload ${id}`)
  return (...args) => found.call(args, context)
}

/**
 * Evaluates an expression of literals, variables and calls, to test libraries alone: no macros, no checker. Calls go to the
 * overload whose signature the values fit.
 */
export function runExpression(
  source: string,
  libraries: readonly Library[],
  variables: Readonly<Record<string, Value>> = {},
  context: CallContext = freeContext(),
): Result {
  const parsed = parseExpression(source)
  if (!parsed.ok) throw new Error(`${source}: ${parsed.errors[0]?.message}`)
  const overloads = libraries.flatMap(library =>
    library.functions.map(({ id, signature, call }) => ({ ...parseSignature(id, signature), call })),
  )
  const evaluate = (expr: Expr): Result => {
    switch (expr.kind) {
      case 'literal': {
        const { literal } = expr
        if (literal.type === 'null') return null
        return literal.type === 'uint' ? new Uint(literal.value) : literal.value
      }
      case 'ident':
        return variables[expr.name] ?? new TypeValue(expr.name)
      case 'list':
        return all(expr.elements.map(({ value }) => evaluate(value)))
      case 'map': {
        const map = new Map<MapKey, Value>()
        for (const { key, value } of expr.entries) {
          const [k = null, v = null] = [evaluate(key), evaluate(value)]
          if (k instanceof Failure) return k
          if (v instanceof Failure) return v
          const known = mapKey(k)
          if (known === undefined) return new Failure('not a key')
          map.set(known, v)
        }
        return map
      }
      case 'call':
        return call(expr)
      default:
        throw new Error(`${source}: ${expr.kind} is not for this evaluator`)
    }
  }
  const call = (expr: CallExpr): Result => {
    const namespace = expr.target?.kind === 'ident' && variables[expr.target.name] === undefined ? expr.target.name : ''
    const qualified = namespace === '' ? expr.name : `${namespace}.${expr.name}`
    const isMethod = namespace === '' && expr.target !== undefined
    const target = isMethod && expr.target !== undefined ? [expr.target] : []
    const args = all([...target, ...expr.args].map(evaluate))
    if (args instanceof Failure) return args
    const simple = standard.get(qualified)
    if (simple !== undefined) return simple(args, context)
    const variadic = qualified.startsWith('math.') && args.length > 2
    const given = variadic ? [args] : args
    const found = overloads.find(
      ({ name, member, params }) =>
        name === qualified &&
        member === isMethod &&
        params.length === given.length &&
        params.every((param, at) => fits(param, given[at])),
    )
    return found === undefined ? new Failure(`no such overload: ${qualified}`) : found.call(given, context)
  }
  return evaluate(parsed.expr)
}

function all(results: readonly Result[]): readonly Value[] | Failure {
  const values: Value[] = []
  for (const result of results) {
    if (result instanceof Failure) return result
    values.push(result)
  }
  return values
}

/** As cel-go dispatches at run time: by kind, and lists by their first element. */
function fits(type: Type, value: Value | undefined): boolean {
  if (value === undefined) return false
  switch (type.kind) {
    case 'dyn':
    case 'param':
      return true
    case 'list':
      return Array.isArray(value) && (value.length === 0 || fits(type.element, value[0]))
    case 'optional':
      return typeOf(value) === 'optional_type'
    default:
      return typeName(type) === typeOf(value)
  }
}

const doubles: Readonly<Record<string, number>> = { NaN: Number.NaN, Infinity: Infinity, '-Infinity': -Infinity }

type Simple = (args: readonly Value[], context: CallContext) => Result

const standard: ReadonlyMap<string, Simple> = new Map<string, Simple>([
  ['dyn', ([value = null]) => value],
  ['type', ([value = null]) => new TypeValue(typeOf(value))],
  ['double', ([value = null]) => doubles[String(value)] ?? Number(value)],
  ['uint', ([value = null]) => new Uint(BigInt(String(value)))],
  ['timestamp', ([value]) => (typeof value === 'string' ? parseTimestamp(value) : new Failure('no timestamp'))],
  ['duration', ([value]) => (typeof value === 'string' ? parseDuration(value) : new Failure('no duration'))],
  ['_==_', ([a = null, b = null], context) => equal(a, b, context)],
  ['_/_', ([a, b]) => Number(a) / Number(b)],
  ['!_', ([value]) => value === false],
  ['-_', ([value]) => (typeof value === 'number' || typeof value === 'bigint' ? -value : new Failure('no number'))],
  ['_&&_', args => args.every(arg => arg === true)],
])
