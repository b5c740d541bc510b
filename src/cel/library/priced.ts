import type { Failure, Value } from '../values/value.js'
import { type Guard, noSuchOverload, outOfBudget } from './implement.js'
import type { CallContext, Implementation } from './library.js'

/** What a call costs in all, in Kubernetes' units (apiserver `CostEstimator.CallCost`); a function where that depends on the arguments. */
export type Price<A extends readonly Value[]> = number | ((...args: A) => number)

type Run<A extends readonly Value[]> = (...args: A) => Value | Failure

/** A guard for the values of a library's own type. */
export function isOf<T extends Value>(type: abstract new (...args: never[]) => T): Guard<T> {
  return (value): value is T => value instanceof type
}

/** Reading a text once. */
export const traversal = (text: string): number => Math.max(1, Math.ceil(text.length / 10))

export function priced1<A extends Value>(a: Guard<A>, run: Run<[A]>, price: Price<[A]> = 1): Implementation {
  return ([x], context) => {
    if (!a(x)) return noSuchOverload
    return pay(context, typeof price === 'number' ? price : price(x)) ? run(x) : outOfBudget
  }
}

export function priced2<A extends Value, B extends Value>(
  a: Guard<A>,
  b: Guard<B>,
  run: Run<[A, B]>,
  price: Price<[A, B]> = 1,
): Implementation {
  return ([x, y], context) => {
    if (!a(x) || !b(y)) return noSuchOverload
    return pay(context, typeof price === 'number' ? price : price(x, y)) ? run(x, y) : outOfBudget
  }
}

export function priced3<A extends Value, B extends Value, C extends Value>(
  a: Guard<A>,
  b: Guard<B>,
  c: Guard<C>,
  run: Run<[A, B, C]>,
  price: Price<[A, B, C]> = 1,
): Implementation {
  return ([x, y, z], context) => {
    if (!a(x) || !b(y) || !c(z)) return noSuchOverload
    return pay(context, typeof price === 'number' ? price : price(x, y, z)) ? run(x, y, z) : outOfBudget
  }
}

/** The evaluator takes one unit for every call; the rest of its price is taken here, before the work. */
function pay(context: CallContext, price: number): boolean {
  return price <= 1 || context.charge(price - 1)
}
