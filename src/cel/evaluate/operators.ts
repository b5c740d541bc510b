import type { CallContext } from '../library/library.js'
import { compare, compareCost } from '../values/compare.js'
import { durationOf } from '../values/duration.js'
import { equal } from '../values/equal.js'
import { lookupKey } from '../values/map-key.js'
import { intMin, intOverflow, isUint, uintOverflow } from '../values/numbers.js'
import { timestampOf } from '../values/timestamp.js'
import { Duration, Failure, type Result, Timestamp, Uint, type Value } from '../values/value.js'
import { spent } from './frame.js'

/** undefined: there is no such overload. */
export type Binary = (a: Value, b: Value, context: CallContext) => Result | undefined
export type Unary = (a: Value) => Result | undefined

const divisionByZero = new Failure('division by zero')
const modulusByZero = new Failure('modulus by zero')
/** As in cel-go; an answer either way would let `!(x > 5.0)` pass. */
const noOrder = new Failure('NaN has no order')

function tenths(size: number): number {
  return Math.ceil(size / 10)
}

function uint(value: bigint): Uint | Failure {
  return isUint(value) ? new Uint(value) : uintOverflow
}

function int(value: bigint): bigint | Failure {
  return BigInt.asIntN(64, value) === value ? value : intOverflow
}

const add: Binary = (a, b, context) => {
  if (typeof a === 'bigint') {
    context.charge(1)
    return typeof b === 'bigint' ? int(a + b) : undefined
  }
  if (typeof a === 'string') {
    if (typeof b !== 'string') return undefined
    return context.charge(tenths(a.length + b.length)) ? a + b : spent
  }
  if (Array.isArray(a)) {
    if (!Array.isArray(b)) return undefined
    return context.charge(1 + tenths(a.length + b.length)) ? [...a, ...b] : spent
  }
  if (a instanceof Uint8Array) {
    if (!(b instanceof Uint8Array)) return undefined
    if (!context.charge(tenths(a.length + b.length))) return spent
    const joined = new Uint8Array(a.length + b.length)
    joined.set(a)
    joined.set(b, a.length)
    return joined
  }
  context.charge(1)
  if (typeof a === 'number') return typeof b === 'number' ? a + b : undefined
  if (a instanceof Uint) return b instanceof Uint ? uint(a.value + b.value) : undefined
  if (a instanceof Duration) {
    if (b instanceof Duration) return durationOf(a.nanos + b.nanos)
    return b instanceof Timestamp ? timestampOf(a.nanos + b.nanos) : undefined
  }
  return a instanceof Timestamp && b instanceof Duration ? timestampOf(a.nanos + b.nanos) : undefined
}

const subtract: Binary = (a, b, context) => {
  context.charge(1)
  if (typeof a === 'bigint') return typeof b === 'bigint' ? int(a - b) : undefined
  if (typeof a === 'number') return typeof b === 'number' ? a - b : undefined
  if (a instanceof Uint) return b instanceof Uint ? uint(a.value - b.value) : undefined
  if (a instanceof Duration) return b instanceof Duration ? durationOf(a.nanos - b.nanos) : undefined
  if (!(a instanceof Timestamp)) return undefined
  if (b instanceof Timestamp) return durationOf(a.nanos - b.nanos)
  return b instanceof Duration ? timestampOf(a.nanos - b.nanos) : undefined
}

const multiply: Binary = (a, b, context) => {
  context.charge(1)
  if (typeof a === 'bigint') return typeof b === 'bigint' ? int(a * b) : undefined
  if (typeof a === 'number') return typeof b === 'number' ? a * b : undefined
  return a instanceof Uint && b instanceof Uint ? uint(a.value * b.value) : undefined
}

const divide: Binary = (a, b, context) => {
  context.charge(1)
  if (typeof a === 'number') return typeof b === 'number' ? a / b : undefined
  if (typeof a === 'bigint') {
    if (typeof b !== 'bigint') return undefined
    return b === 0n ? divisionByZero : int(a / b)
  }
  if (!(a instanceof Uint && b instanceof Uint)) return undefined
  return b.value === 0n ? divisionByZero : new Uint(a.value / b.value)
}

const modulo: Binary = (a, b, context) => {
  context.charge(1)
  if (typeof a === 'bigint') {
    if (typeof b !== 'bigint') return undefined
    if (b === 0n) return modulusByZero
    // The result would fit, but cel-go has the quotient overflow.
    return a === intMin && b === -1n ? intOverflow : a % b
  }
  if (!(a instanceof Uint && b instanceof Uint)) return undefined
  return b.value === 0n ? modulusByZero : new Uint(a.value % b.value)
}

function ordered(decide: (order: number) => boolean): Binary {
  return (a, b, context) => {
    if (!context.charge(compareCost(a, b))) return spent
    const order = compare(a, b)
    if (order === undefined) return undefined
    return Number.isNaN(order) ? noOrder : decide(order)
  }
}

const equals = (a: Value, b: Value, context: CallContext): boolean => {
  context.charge(compareCost(a, b))
  return equal(a, b, context)
}

/** `x in list` looks at one element after the other, `x in map` for a key (cel-go: a unit per element of a list). */
export const isIn: Binary = (a, b, context) => {
  if (b instanceof Map) {
    context.charge(1)
    const key = lookupKey(a)
    return key !== undefined && b.has(key)
  }
  if (!Array.isArray(b)) return undefined
  if (!context.charge(b.length)) return spent
  for (const item of b) if (equal(a, item, context)) return true
  return false
}

export const binaryOperators: ReadonlyMap<string, Binary> = new Map<string, Binary>([
  ['_+_', add],
  ['_-_', subtract],
  ['_*_', multiply],
  ['_/_', divide],
  ['_%_', modulo],
  ['_==_', equals],
  ['_!=_', (a, b, context) => !equals(a, b, context)],
  ['_<_', ordered(order => order < 0)],
  ['_<=_', ordered(order => order <= 0)],
  ['_>_', ordered(order => order > 0)],
  ['_>=_', ordered(order => order >= 0)],
  ['@in', isIn],
])

export const unaryOperators: ReadonlyMap<string, Unary> = new Map<string, Unary>([
  ['!_', a => (typeof a === 'boolean' ? !a : undefined)],
  [
    '-_',
    a => {
      if (typeof a === 'bigint') return a === intMin ? intOverflow : -a
      if (typeof a === 'number') return -a
      return a instanceof Duration ? durationOf(-a.nanos) : undefined
    },
  ],
])
