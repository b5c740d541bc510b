import type { Result, Value } from '../values/value.js'
import { ElementIndex } from './element-index.js'
import { binary, isList, outOfBudget } from './implement.js'
import type { CallContext, Library } from './library.js'

/** As cel-go: each element of one list may be compared with each of the other. */
function chargePairs(a: readonly Value[], b: readonly Value[], context: CallContext): boolean {
  return context.charge(Math.max(a.length * b.length, a.length, b.length))
}

function indexOf(list: readonly Value[], context: CallContext): ElementIndex {
  const index = new ElementIndex(context)
  for (const item of list) index.add(item)
  return index
}

function contains(list: readonly Value[], wanted: readonly Value[], context: CallContext): Result {
  if (!chargePairs(list, wanted, context)) return outOfBudget
  const index = indexOf(list, context)
  return wanted.every(item => index.has(item))
}

function equivalent(a: readonly Value[], b: readonly Value[], context: CallContext): Result {
  const contained = contains(a, b, context)
  return contained === true ? contains(b, a, context) : contained
}

function intersects(a: readonly Value[], b: readonly Value[], context: CallContext): Result {
  if (!chargePairs(a, b, context)) return outOfBudget
  const index = indexOf(b, context)
  return a.some(item => index.has(item))
}

/** Lists as sets: order and repetition do not matter (cel-go ext sets; Kubernetes 1.29). */
export const sets: Library = {
  name: 'sets',
  functions: [
    {
      id: 'list_sets_contains_list',
      signature: 'sets.contains(list(<T>), list(<T>)) -> bool',
      call: binary(isList, isList, contains),
    },
    {
      id: 'list_sets_equivalent_list',
      signature: 'sets.equivalent(list(<T>), list(<T>)) -> bool',
      call: binary(isList, isList, equivalent),
    },
    {
      id: 'list_sets_intersects_list',
      signature: 'sets.intersects(list(<T>), list(<T>)) -> bool',
      call: binary(isList, isList, intersects),
    },
  ],
}
