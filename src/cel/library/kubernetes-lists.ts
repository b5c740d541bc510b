import { compare, compareCost } from '../values/compare.js'
import { durationOf } from '../values/duration.js'
import { equal } from '../values/equal.js'
import { checkedInt, isUint, uintOverflow } from '../values/numbers.js'
import { Duration, Failure, type Result, Uint, type Value } from '../values/value.js'
import {
  binary,
  isAny,
  isDouble,
  isDuration,
  isInt,
  isList,
  isUint as isUintValue,
  noSuchOverload,
  outOfBudget,
  unary,
} from './implement.js'
import type { CallContext, FunctionOverload, Implementation, Library } from './library.js'

/** The names of types in overload ids, and the types. */
const comparable = [
  ['int', 'int'],
  ['uint', 'uint'],
  ['double', 'double'],
  ['bool', 'bool'],
  ['duration', 'google.protobuf.Duration'],
  ['timestamp', 'google.protobuf.Timestamp'],
  ['string', 'string'],
  ['bytes', 'bytes'],
] as const

const emptyMinimum = new Failure('min() called on an empty list')
const emptyMaximum = new Failure('max() called on an empty list')

/**
 * The order of neighbours; a pair of types without an order is a failure. With NaN there is no order, and then (as in
 * Kubernetes) no element counts as out of order, less or greater.
 */
function ordered(a: Value, b: Value, context: CallContext): number | Failure {
  if (!context.charge(compareCost(a, b))) return outOfBudget
  return compare(a, b) ?? noSuchOverload
}

function isSorted(list: readonly Value[], context: CallContext): Result {
  if (list.length === 1 && !context.charge(1)) return outOfBudget
  let previous: Value | undefined
  for (const item of list) {
    if (previous !== undefined) {
      const order = ordered(previous, item, context)
      if (order instanceof Failure) return order
      if (order > 0) return false
    }
    previous = item
  }
  return true
}

/** `direction` 1 looks for the greatest, -1 for the least; of equal ones the first. */
function extreme(direction: 1 | -1, empty: Failure): Implementation {
  return unary(isList, (list, context) => {
    let best: Value | undefined
    for (const item of list) {
      if (best === undefined) {
        best = item
        continue
      }
      const order = ordered(item, best, context)
      if (order instanceof Failure) return order
      if (order * direction > 0) best = item
    }
    return best === undefined ? empty : best
  })
}

type Adder = (a: Value, b: Value) => Value | Failure

function addInts(a: Value, b: Value): Value | Failure {
  return isInt(a) && isInt(b) ? checkedInt(a + b) : noSuchOverload
}

function addUints(a: Value, b: Value): Value | Failure {
  if (!isUintValue(a) || !isUintValue(b)) return noSuchOverload
  const sum = a.value + b.value
  return isUint(sum) ? new Uint(sum) : uintOverflow
}

function addDoubles(a: Value, b: Value): Value | Failure {
  return isDouble(a) && isDouble(b) ? a + b : noSuchOverload
}

function addDurations(a: Value, b: Value): Value | Failure {
  return isDuration(a) && isDuration(b) ? durationOf(a.nanos + b.nanos) : noSuchOverload
}

/** What the elements of a list of unknown type are added with is the type of the first. */
function adderOf(value: Value): Adder {
  if (isInt(value)) return addInts
  if (isUintValue(value)) return addUints
  return isDouble(value) ? addDoubles : addDurations
}

function sum(zero: Value): Implementation {
  return unary(isList, (list, context) => {
    if (!context.charge(list.length)) return outOfBudget
    const [first, ...rest] = list
    if (first === undefined) return zero
    const add = adderOf(first)
    let total: Value | Failure =
      isInt(first) || isUintValue(first) || isDouble(first) || isDuration(first) ? first : noSuchOverload
    for (const item of rest) {
      if (total instanceof Failure) return total
      total = add(total, item)
    }
    return total
  })
}

function position(list: readonly Value[], wanted: Value, last: boolean, context: CallContext): Result {
  if (!context.charge(list.length)) return outOfBudget
  const same = (item: Value) => equal(item, wanted, context)
  return BigInt(last ? list.findLastIndex(same) : list.findIndex(same))
}

const sums: readonly FunctionOverload[] = (
  [
    ['int', 'int', 0n],
    ['uint', 'uint', new Uint(0n)],
    ['double', 'double', 0],
    ['duration', 'google.protobuf.Duration', new Duration(0n)],
  ] as const
).map(([name, type, zero]) => ({
  id: `list_${name}_sum_${name}`,
  signature: `list(${type}).sum() -> ${type}`,
  call: sum(zero),
}))

const orders: readonly FunctionOverload[] = comparable.flatMap(([name, type]) => [
  { id: `list_${name}_is_sorted_bool`, signature: `list(${type}).isSorted() -> bool`, call: unary(isList, isSorted) },
  { id: `list_${name}_min_${name}`, signature: `list(${type}).min() -> ${type}`, call: extreme(-1, emptyMinimum) },
  { id: `list_${name}_max_${name}`, signature: `list(${type}).max() -> ${type}`, call: extreme(1, emptyMaximum) },
])

/** The list library of Kubernetes since 1.23. Costs as there: one traversal. */
export const kubernetesLists: Library = {
  name: 'kubernetes.lists',
  functions: [
    ...orders,
    ...sums,
    {
      id: 'list_a_index_of_int',
      signature: 'list(<A>).indexOf(<A>) -> int',
      call: binary(isList, isAny, (list, wanted, context) => position(list, wanted, false, context)),
    },
    {
      id: 'list_a_last_index_of_int',
      signature: 'list(<A>).lastIndexOf(<A>) -> int',
      call: binary(isList, isAny, (list, wanted, context) => position(list, wanted, true, context)),
    },
  ],
}

/** `list.includes(x)`: from Kubernetes 1.37, not in earlier sets. */
export const listIncludes: FunctionOverload = {
  id: 'list_a_includes_bool',
  signature: 'list(<A>).includes(<A>) -> bool',
  call: binary(isList, isAny, (list, wanted, context) =>
    context.charge(list.length) ? list.some(item => equal(item, wanted, context)) : outOfBudget,
  ),
}
