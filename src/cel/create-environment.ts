import { checkExpression } from './check-expression.js'
import { compileExpression } from './compile-expression.js'
import type {
  Activation,
  CelEnvironment,
  CelOutput,
  CelProgram,
  CelType,
  Compiled,
  Evaluated,
  Member,
} from './environment.js'
import type { Code, Frame } from './frame.js'
import { typeNames } from './functions.js'
import { libraryFunction } from './library-functions.js'
import { limits } from './limits.js'
import { membersOf } from './members.js'
import { parseExpression } from './parse-expression.js'
import { Refused } from './refused.js'
import { errorAt } from './scan-source.js'
import { BudgetSpent, Failure, Foreign, isList, isMap, spend, typeOf, type Value } from './values.js'

/**
 * An environment over a closed set of variables.
 *
 * Language: CEL with the macros has, all, exists, exists_one (existsOne), filter, map, transformList, transformMap;
 * the standard functions; strings (charAt, indexOf, join, lowerAscii, replace, split, substring, trim, upperAscii,
 * format, …); on lists max, min, sum, isSorted, indexOf, lastIndexOf, includes; find. Not offered: optionals, message
 * literals, `timestamp.getX()` without a time zone.
 *
 * Compiling refuses undeclared names and functions, wrong arguments as far as types are known, constant patterns that
 * RE2 refuses, a result that cannot be of the wanted type, and what exceeds `limits`. Evaluating is bounded by
 * `limits.budget`; nothing absorbs running out of it. Messages hold names, types and positions, never data.
 *
 * Throws if a variable has the name of a type or of no identifier, which is a bug of the caller.
 */
export function createCelEnvironment(variables: Readonly<Record<string, CelType>>): CelEnvironment {
  const declared = new Map(Object.entries(variables))
  for (const name of declared.keys()) {
    if (!/^[A-Za-z_]\w*$/.test(name) || typeNames.has(name)) throw new Error(`not a name for a variable: ${name}`)
  }
  return {
    variables: declared,
    compile: (source, result = 'dyn') => compile(declared, source, result),
  }
}

type ResultType = 'bool' | 'string' | 'dyn'

function compile(variables: ReadonlyMap<string, CelType>, source: string, result: ResultType): Compiled {
  const parsed = parseExpression(source)
  if (!parsed.ok) return parsed
  try {
    const checked = checkExpression(parsed.tree, variables)
    if (result !== 'dyn' && checked.type !== 'dyn' && checked.type !== result) {
      const hint = result === 'bool' ? 'compare it with something' : 'wrap it in string(…)'
      return { ok: false, error: errorAt(source, 0, `the result is ${checked.type}, wanted is ${result}`, hint) }
    }
    const { code, slots } = compileExpression(source, parsed.tree)
    const reads = { variables: checked.variables, members: membersOf(parsed.tree) }
    return { ok: true, program: new Program(source, reads, code, slots, result) }
  } catch (error) {
    if (error instanceof Refused) return { ok: false, error: errorAt(source, error.at, error.message, error.hint) }
    throw error
  }
}

type Reads = Pick<CelProgram, 'variables' | 'members'>

class Program implements CelProgram {
  readonly source: string
  readonly variables: ReadonlySet<string>
  readonly members: readonly Member[]
  readonly #code: Code
  readonly #slots: number
  readonly #result: ResultType

  constructor(source: string, reads: Reads, code: Code, slots: number, result: ResultType) {
    this.source = source
    this.variables = reads.variables
    this.members = reads.members
    this.#code = code
    this.#slots = slots
    this.#result = result
  }

  evaluate(activation: Activation): Evaluated {
    const frame: Frame = { activation, left: limits.budget, variables: new Array(this.#slots), locals: [] }
    try {
      const value = this.#code(frame)
      if (value instanceof Failure) return { ok: false, error: value.message }
      if (typeof value === 'boolean' && this.#result !== 'string') return { ok: true, value }
      if (this.#result !== 'dyn' && typeOf(value) !== this.#result) {
        return { ok: false, error: `the result is ${typeOf(value)}, wanted is ${this.#result}` }
      }
      const output = toOutput(value, frame)
      if (output === undefined) return { ok: false, error: 'the result holds a value that has no form outside of CEL' }
      return { ok: true, value: output }
    } catch (error) {
      if (error instanceof BudgetSpent) {
        return { ok: false, error: `the expression is too expensive for this input (more than ${limits.budget} steps)` }
      }
      // Contract: never throw. Whatever broke, the caller sees an error and denies; its message may hold data.
      return { ok: false, error: 'the expression could not be evaluated' }
    }
  }
}

/** undefined for bytes, types and sub-millisecond times; durations become text like `90s`. */
function toOutput(value: Value, frame: Frame): CelOutput | undefined {
  if (value === null || typeof value !== 'object' || value instanceof Date) return value
  if (value instanceof Foreign) {
    if (value.type === 'uint' && typeof value.raw === 'bigint') return value.raw
    if (value.type !== 'duration') return undefined
    const text = libraryFunction('string', false, 1)([value], frame)
    return typeof text === 'string' ? text : undefined
  }
  if (isList(value)) {
    spend(frame, value.length)
    const items: CelOutput[] = []
    for (const item of value) {
      const output = toOutput(item, frame)
      if (output === undefined) return undefined
      items.push(output)
    }
    return items
  }
  if (!isMap(value)) return undefined
  spend(frame, value.size)
  const entries = new Map<string, CelOutput>()
  for (const [key, item] of value) {
    const output = toOutput(item, frame)
    if (output === undefined || entries.has(String(key))) return undefined
    entries.set(String(key), output)
  }
  return entries
}
