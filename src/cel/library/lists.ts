import { compare, compareCost } from '../values/compare.js'
import { typeOf } from '../values/type-of.js'
import { Failure, type Result, type Value } from '../values/value.js'
import { ElementIndex } from './element-index.js'
import { binary, isInt, isList, outOfBudget, ternary, unary } from './implement.js'
import type { CallContext, FunctionOverload, Library } from './library.js'

/** Making a list, whatever its size (cel-go). */
const listUnits = 10
/** Longest list that these functions make; the budget refuses sooner. */
const longestList = 1 << 24

const negativeSlice = new Failure('slice() takes no negative positions')
const reversedSlice = new Failure('slice() needs a start that is not after its end')
const longSlice = new Failure('slice() ends after the end of the list')
const negativeDepth = new Failure('flatten() needs a depth of 0 or more')
const tooLong = new Failure('the list would be too long')
const unequalSizes = new Failure('sortBy() needs one key for each element')
const mixedTypes = new Failure('sort() needs elements of the same type')
const noOrder = new Failure('sort() needs elements that can be compared')
const notANumber = new Failure('sort() cannot order NaN')

function slice(list: readonly Value[], start: bigint, end: bigint, context: CallContext): Result {
  if (start < 0n || end < 0n) return negativeSlice
  if (start > end) return reversedSlice
  if (end > BigInt(list.length)) return longSlice
  return context.charge(listUnits + Number(end - start)) ? list.slice(Number(start), Number(end)) : outOfBudget
}

/** An iterator for each list that is open, so that nesting does not use the stack. */
function flatten(list: readonly Value[], depth: bigint, context: CallContext): Result {
  if (depth < 0n) return negativeDepth
  if (!context.charge(listUnits)) return outOfBudget
  const flat: Value[] = []
  const open = [list.values()]
  for (let current = open.at(-1); current !== undefined; current = open.at(-1)) {
    const next = current.next()
    if (next.done) {
      open.pop()
      continue
    }
    if (!context.charge(1)) return outOfBudget
    if (isList(next.value) && BigInt(open.length) <= depth) open.push(next.value.values())
    else flat.push(next.value)
  }
  return flat
}

function range(count: bigint, context: CallContext): Result {
  if (count > BigInt(longestList)) return tooLong
  const size = Math.max(0, Number(count))
  return context.charge(listUnits + size) ? Array.from({ length: size }, (_, i) => BigInt(i)) : outOfBudget
}

function reverse(list: readonly Value[], context: CallContext): Result {
  return context.charge(listUnits + list.length) ? list.toReversed() : outOfBudget
}

/** The first of those that are equal. The cost is cel-go's, of comparing each with each, though hashing is faster. */
function distinct(list: readonly Value[], context: CallContext): Result {
  if (!context.charge(listUnits + selfCompareUnits(list))) return outOfBudget
  const seen = new ElementIndex(context)
  const unique: Value[] = []
  for (const item of list) {
    if (seen.has(item)) continue
    seen.add(item)
    unique.push(item)
  }
  return unique
}

/** cel-go counts sort and distinct as if each element were compared with each other, twice. */
function selfCompareUnits(list: readonly Value[]): number {
  const [first] = list
  const each = typeof first === 'string' || first instanceof Uint8Array ? 2.1 : 2
  return Math.floor(each * list.length * list.length)
}

/** Equal keys keep their order. All keys have the type of the first; a NaN has no place and is refused. */
function sortByKeys(list: readonly Value[], keys: readonly Value[], context: CallContext): Result {
  if (list.length !== keys.length) return unequalSizes
  const [first] = keys
  if (!context.charge(listUnits + selfCompareUnits(keys))) return outOfBudget
  if (first === undefined) return list
  if (compare(first, first) === undefined) return noOrder
  const type = typeOf(first)
  const pairs: { readonly key: Value; readonly item: Value }[] = []
  let longest = first
  for (const [at, key] of keys.entries()) {
    const item = list[at]
    if (item === undefined || typeOf(key) !== type) return mixedTypes
    if (typeof key === 'number' && Number.isNaN(key)) return notANumber
    if (compareCost(key, key) > compareCost(longest, longest)) longest = key
    pairs.push({ key, item })
  }
  // Two long keys cost more than the unit that the square above has for each pair.
  if (!context.charge((compareCost(longest, longest) - 1) * keys.length * Math.ceil(Math.log2(keys.length + 1)))) {
    return outOfBudget
  }
  return pairs.sort((a, b) => compare(a.key, b.key) ?? 0).map(pair => pair.item)
}

/** In cel-go's order; ids have the full names of types. */
const comparable = [
  'int',
  'uint',
  'double',
  'bool',
  'google.protobuf.Duration',
  'google.protobuf.Timestamp',
  'string',
  'bytes',
]

const sorts: readonly FunctionOverload[] = comparable.flatMap(type => [
  {
    id: `list_${type}_sort`,
    signature: `list(${type}).sort() -> list(${type})`,
    call: unary(isList, (list, context) => sortByKeys(list, list, context)),
  },
  {
    id: `list_${type}_sortByAssociatedKeys`,
    signature: `list(<T>).@sortByAssociatedKeys(list(${type})) -> list(<T>)`,
    call: binary(isList, isList, sortByKeys),
  },
])

/** The lists extension of cel-go, version 3 (Kubernetes 1.34). `first` and `last` are of the optionals. */
export const lists: Library = {
  name: 'lists',
  functions: [
    {
      id: 'list_slice',
      signature: 'list(<T>).slice(int, int) -> list(<T>)',
      call: ternary(isList, isInt, isInt, slice),
    },
    {
      id: 'list_flatten',
      signature: 'list(list(<T>)).flatten() -> list(<T>)',
      call: unary(isList, (list, context) => flatten(list, 1n, context)),
    },
    { id: 'list_flatten_int', signature: 'list(dyn).flatten(int) -> list(dyn)', call: binary(isList, isInt, flatten) },
    { id: 'lists_range', signature: 'lists.range(int) -> list(int)', call: unary(isInt, range) },
    { id: 'list_reverse', signature: 'list(<T>).reverse() -> list(<T>)', call: unary(isList, reverse) },
    { id: 'list_distinct', signature: 'list(<T>).distinct() -> list(<T>)', call: unary(isList, distinct) },
    ...sorts,
  ],
}
