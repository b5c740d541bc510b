import type { CallContext } from '../library/library.js'
import { Message } from './message.js'
import { sameNumber } from './numbers.js'
import { Duration, Opaque, OptionalValue, Timestamp, TypeValue, Uint, type Value } from './value.js'

/** Pairs still to compare: left, right, left, right, … */
type Pending = (Value | undefined)[]

/**
 * CEL equality (cel-spec langdef.md "Equality"): numbers by value across types and exactly, NaN equals nothing, lists
 * and maps deeply, values of different types are unequal. Charges a unit for each list, map and message in it and for
 * each ten of their elements, and a unit for each 64 characters or bytes of texts of the same length. When the budget is
 * spent the answer is false, and the evaluation fails anyway. Iterative: the depth of the values does not matter.
 */
export function equal(a: Value, b: Value, context: CallContext): boolean {
  const quick = equalScalars(a, b, context)
  if (quick !== undefined) return quick
  const pending: Pending = [a, b]
  while (pending.length > 0) {
    const right = pending.pop()
    const left = pending.pop()
    if (left === undefined || right === undefined || !equalOne(left, right, pending, context)) return false
  }
  return true
}

/** undefined for two lists, two maps, two messages or two optionals. */
function equalScalars(a: Value, b: Value, context: CallContext): boolean | undefined {
  switch (typeof a) {
    case 'string':
      if (typeof b !== 'string' || a.length !== b.length) return false
      return (a.length < 64 || context.charge(a.length >> 6)) && a === b
    case 'boolean':
      return a === b
    case 'bigint':
      if (typeof b === 'bigint') return a === b
      if (typeof b === 'number') return sameNumber(a, b)
      return b instanceof Uint && a === b.value
    case 'number':
      if (typeof b === 'number') return a === b
      if (typeof b === 'bigint') return sameNumber(a, b)
      return b instanceof Uint && sameNumber(a, b.value)
    default:
      if (a === null || b === null || typeof b !== 'object') {
        if (a === b) return true
        return a instanceof Uint && (typeof b === 'bigint' || typeof b === 'number') && sameNumber(a.value, b)
      }
      return undefined
  }
}

function equalOne(a: Value, b: Value, pending: Pending, context: CallContext): boolean {
  const quick = equalScalars(a, b, context)
  if (quick !== undefined) return quick
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length || !context.charge(1 + Math.floor(a.length / 10))) return false
    return equalItems(a, b, pending, context)
  }
  if (a instanceof Map) return b instanceof Map && equalEntries(a, b, pending, context)
  if (a instanceof Uint) return b instanceof Uint && a.value === b.value
  if (a instanceof Timestamp) return b instanceof Timestamp && a.nanos === b.nanos
  if (a instanceof Duration) return b instanceof Duration && a.nanos === b.nanos
  if (a instanceof Uint8Array) {
    if (!(b instanceof Uint8Array) || a.length !== b.length || !context.charge(a.length >> 6)) return false
    return a.every((byte, i) => byte === b[i])
  }
  if (a instanceof TypeValue) return b instanceof TypeValue && a.name === b.name
  if (a instanceof OptionalValue) {
    if (!(b instanceof OptionalValue) || !context.charge(1)) return false
    if (a.value === undefined || b.value === undefined) return a.value === b.value
    pending.push(a.value, b.value)
    return true
  }
  if (a instanceof Message) {
    return b instanceof Message && a.type === b.type && equalEntries(a.fields, b.fields, pending, context)
  }
  return a instanceof Opaque && b instanceof Opaque && a.type === b.type && a.equals(b)
}

function equalItems(a: readonly Value[], b: readonly Value[], pending: Pending, context: CallContext): boolean {
  for (let i = 0; i < a.length; i++) {
    const left = a[i]
    const right = b[i]
    if (left === undefined || right === undefined) return false
    const quick = equalScalars(left, right, context)
    if (quick === false) return false
    if (quick === undefined) pending.push(left, right)
  }
  return true
}

function equalEntries<K>(
  a: ReadonlyMap<K, Value>,
  b: ReadonlyMap<K, Value>,
  pending: Pending,
  context: CallContext,
): boolean {
  // Ten times the price of a list of that length: each key is looked up.
  if (a.size !== b.size || !context.charge(1 + a.size)) return false
  for (const [key, left] of a) {
    const right = b.get(key)
    if (right === undefined) return false
    const quick = equalScalars(left, right, context)
    if (quick === false) return false
    if (quick === undefined) pending.push(left, right)
  }
  return true
}
