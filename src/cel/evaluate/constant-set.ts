import type { CallContext } from '../library/library.js'
import { equal } from '../values/equal.js'
import { Uint, type Value } from '../values/value.js'

type Scalar = string | bigint | number | boolean | null

/** Numbers that are equal across types become the same. undefined for what is not a scalar, or equals nothing. */
function scalarOf(value: Value): Scalar | undefined {
  switch (typeof value) {
    case 'number':
      if (Number.isInteger(value)) return BigInt(value)
      return Number.isNaN(value) ? undefined : value
    case 'object':
      return value === null ? null : value instanceof Uint ? value.value : undefined
    default:
      return value
  }
}

/** Whether a value is in a constant list, without looking at each element: scalars are in a set, the rest is compared. */
export function constantSet(list: readonly Value[]): (value: Value, context: CallContext) => boolean {
  const scalars = new Set<Scalar>()
  const rest: Value[] = []
  for (const item of list) {
    const scalar = scalarOf(item)
    if (scalar !== undefined) scalars.add(scalar)
    else if (typeof item !== 'number') rest.push(item)
  }
  return (value, context) => {
    const scalar = scalarOf(value)
    if (scalar !== undefined) return scalars.has(scalar)
    return context.charge(rest.length) && rest.some(item => equal(value, item, context))
  }
}
