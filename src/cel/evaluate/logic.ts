import { typeOf } from '../values/type-of.js'
import { Failure, type Value } from '../values/value.js'
import { type Code, type Frame, joinUnknowns, place, spent, Unknown } from './frame.js'

/** A value where a bool belongs. */
export function noBool(value: Value, at: number): Failure {
  return place(new Failure(`no such overload: a condition is ${typeOf(value)}, not bool`), at)
}

/**
 * `a && b && …` (decisive: false) and `a || b || …` (decisive: true): a decisive operand wins, wherever it stands and
 * whatever the others are; else what is unknown, else the first error (cel-spec langdef.md "Logical Operators").
 */
export function logical(operands: readonly Code[], decisive: boolean, at: number): Code {
  const [first, second] = operands
  if (first !== undefined && second !== undefined && operands.length === 2) {
    return frame => {
      const a = first(frame)
      if (a === decisive) return decisive
      if (typeof a === 'boolean') {
        const b = second(frame)
        return typeof b === 'boolean' || b instanceof Failure ? b : noBool(b, at)
      }
      return undecided(operands, 0, a instanceof Failure ? a : noBool(a, at), decisive, at, frame)
    }
  }
  return frame => {
    for (let i = 0; i < operands.length; i++) {
      const value = operands[i]?.(frame)
      if (value === decisive) return decisive
      if (typeof value === 'boolean' || value === undefined) continue
      return undecided(operands, i, value instanceof Failure ? value : noBool(value, at), decisive, at, frame)
    }
    return !decisive
  }
}

/** One operand failed: whether a later one decides. */
function undecided(
  operands: readonly Code[],
  failed: number,
  failure: Failure,
  decisive: boolean,
  at: number,
  frame: Frame,
): boolean | Failure {
  let found = failure
  for (let i = failed + 1; i < operands.length; i++) {
    if (frame.left < 0) return spent
    const value = operands[i]?.(frame)
    if (value === decisive) return decisive
    if (typeof value === 'boolean' || value === undefined) continue
    found = weaker(found, value instanceof Failure ? value : noBool(value, at))
  }
  return found
}

/** Of two failures that nothing decided over: unknowns together, else an unknown, else the first error. */
export function weaker(a: Failure, b: Failure): Failure {
  if (b === spent) return b
  if (!(b instanceof Unknown)) return a
  return a instanceof Unknown ? joinUnknowns(a, b) : a === spent ? a : b
}

export interface Branch {
  readonly condition: Code
  readonly yes: Code
  readonly at: number
}

/** `c ? x : d ? y : z`: one loop, however long. */
export function conditional(branches: readonly Branch[], otherwise: Code): Code {
  return frame => {
    for (const { condition, yes, at } of branches) {
      const value = condition(frame)
      if (value === true) return yes(frame)
      if (value !== false) return value instanceof Failure ? value : noBool(value, at)
    }
    return otherwise(frame)
  }
}
