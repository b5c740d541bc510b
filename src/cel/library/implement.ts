import {
  type CelMap,
  Duration,
  Failure,
  OptionalValue,
  type Result,
  Timestamp,
  Uint,
  type Value,
} from '../values/value.js'
import type { CallContext, Implementation } from './library.js'

/**
 * Implementations with typed arguments. A checked expression never brings other types; one that was checked as `dyn` may,
 * inside a list for example, and then the answer is the failure that cel-go gives: no such overload.
 */
export type Guard<T extends Value> = (value: Value | undefined) => value is T

export const noSuchOverload = new Failure('no such overload')

/** Any failure will do when a charge is refused: the evaluator reports the budget, not this. */
export const outOfBudget = new Failure('the expression needs more work than its budget allows')

export const isBool: Guard<boolean> = value => typeof value === 'boolean'
export const isInt: Guard<bigint> = value => typeof value === 'bigint'
export const isDouble: Guard<number> = value => typeof value === 'number'
export const isText: Guard<string> = value => typeof value === 'string'
export const isUint: Guard<Uint> = value => value instanceof Uint
export const isBytes: Guard<Uint8Array> = value => value instanceof Uint8Array
export const isTimestamp: Guard<Timestamp> = value => value instanceof Timestamp
export const isDuration: Guard<Duration> = value => value instanceof Duration
export const isOptional: Guard<OptionalValue> = value => value instanceof OptionalValue
export const isList: Guard<readonly Value[]> = (value): value is readonly Value[] => Array.isArray(value)
export const isMap: Guard<CelMap> = (value): value is CelMap => value instanceof Map
export const isAny: Guard<Value> = (value): value is Value => value !== undefined

export function unary<A extends Value>(a: Guard<A>, run: (a: A, context: CallContext) => Result): Implementation {
  return ([first], context) => (a(first) ? run(first, context) : noSuchOverload)
}

export function binary<A extends Value, B extends Value>(
  a: Guard<A>,
  b: Guard<B>,
  run: (a: A, b: B, context: CallContext) => Result,
): Implementation {
  const two = (first: Value | undefined, second: Value | undefined, context: CallContext) =>
    a(first) && b(second) ? run(first, second, context) : noSuchOverload
  const call: Implementation = (args, context) => two(args[0], args[1], context)
  return Object.assign(call, { two })
}

export function ternary<A extends Value, B extends Value, C extends Value>(
  a: Guard<A>,
  b: Guard<B>,
  c: Guard<C>,
  run: (a: A, b: B, c: C, context: CallContext) => Result,
): Implementation {
  return ([first, second, third], context) =>
    a(first) && b(second) && c(third) ? run(first, second, third, context) : noSuchOverload
}

export function quaternary<A extends Value, B extends Value, C extends Value, D extends Value>(
  a: Guard<A>,
  b: Guard<B>,
  c: Guard<C>,
  d: Guard<D>,
  run: (a: A, b: B, c: C, d: D, context: CallContext) => Result,
): Implementation {
  return ([first, second, third, fourth], context) =>
    a(first) && b(second) && c(third) && d(fourth) ? run(first, second, third, fourth, context) : noSuchOverload
}

/**
 * Units for looking at, or making, so many characters or bytes: one for each ten, as in Kubernetes. What is left of ten is in
 * the unit that the evaluator takes for every call.
 */
export function textUnits(characters: number): number {
  return Math.floor(characters / 10)
}
