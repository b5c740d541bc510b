import { instant } from './library-functions.js'
import { limits } from './limits.js'
import {
  type Budget,
  equal,
  Failure,
  Foreign,
  isList,
  isMap,
  mapKey,
  numberOf,
  type Result,
  spend,
  type Value,
} from './values.js'

/** undefined = no overload for these types. */
export type Binary = (left: Value, right: Value, budget: Budget) => Result | undefined

const overflow = new Failure('integer overflow')
const byZero = new Failure('division by zero')
const tooLong = new Failure('the text becomes too long')
const outOfRange = new Failure('the time is out of range')

function int(value: bigint): Result {
  return BigInt.asIntN(64, value) === value ? value : overflow
}

function uint(value: bigint): Result {
  return BigInt.asUintN(64, value) === value ? new Foreign('uint', value) : overflow
}

function unsigned(left: Value, right: Value): readonly [bigint, bigint] | undefined {
  const a = raw(left, 'uint')
  const b = raw(right, 'uint')
  return a === undefined || b === undefined ? undefined : [a, b]
}

function raw(value: Value, type: Foreign['type']): bigint | undefined {
  return value instanceof Foreign && value.type === type && typeof value.raw === 'bigint' ? value.raw : undefined
}

/** Nanoseconds since the epoch. */
export function nanosOf(value: Value): bigint | undefined {
  return value instanceof Date ? BigInt(value.getTime()) * 1_000_000n : raw(value, 'timestamp')
}

// Years 1 to 9999 (protobuf Timestamp), and what an int64 of nanoseconds holds (protobuf Duration in CEL).
const firstInstant = -62_135_596_800n * 1_000_000_000n
const lastInstant = 253_402_300_800n * 1_000_000_000n - 1n

/** A timestamp if it lies in the years 1 to 9999. */
export function checkedInstant(nanos: bigint): Result {
  return nanos < firstInstant || nanos > lastInstant ? outOfRange : instant(nanos)
}

function duration(nanos: bigint): Result {
  return BigInt.asIntN(64, nanos) === nanos ? new Foreign('duration', nanos) : outOfRange
}

function arithmetic(
  ints: (a: bigint, b: bigint) => bigint,
  doubles: ((a: number, b: number) => number) | undefined,
  other?: Binary,
): Binary {
  return (left, right, budget) => {
    if (typeof left === 'bigint' && typeof right === 'bigint') return int(ints(left, right))
    if (typeof left === 'number' && typeof right === 'number') return doubles?.(left, right)
    const pair = unsigned(left, right)
    return pair ? uint(ints(...pair)) : other?.(left, right, budget)
  }
}

function dividing(operation: Binary): Binary {
  return (left, right, budget) => {
    const divisor = typeof right === 'bigint' ? right : raw(right, 'uint')
    if (divisor !== 0n) return operation(left, right, budget)
    return typeof left === typeof right ? byZero : undefined
  }
}

function add(left: Value, right: Value, budget: Budget): Result | undefined {
  if (typeof left === 'string' && typeof right === 'string') {
    const length = left.length + right.length
    spend(budget, length >> 8)
    return length > limits.text ? tooLong : left + right
  }
  if (isList(left) && isList(right)) {
    spend(budget, left.length + right.length)
    return left.concat(right)
  }
  const a = raw(left, 'duration')
  const b = raw(right, 'duration')
  if (a !== undefined && b !== undefined) return duration(a + b)
  const start = a === undefined ? nanosOf(left) : nanosOf(right)
  const length = a ?? b
  if (start !== undefined && length !== undefined) return checkedInstant(start + length)
  if (!(left instanceof Foreign && right instanceof Foreign)) return undefined
  if (!(left.raw instanceof Uint8Array && right.raw instanceof Uint8Array)) return undefined
  if (left.raw.length + right.raw.length > limits.text) return tooLong
  return new Foreign('bytes', new Uint8Array([...left.raw, ...right.raw]))
}

function subtract(left: Value, right: Value): Result | undefined {
  const a = raw(left, 'duration')
  const b = raw(right, 'duration')
  if (a !== undefined) return b === undefined ? undefined : duration(a - b)
  const start = nanosOf(left)
  if (start === undefined) return undefined
  if (b !== undefined) return checkedInstant(start - b)
  const end = nanosOf(right)
  return end === undefined ? undefined : duration(start - end)
}

/** Negative, zero, positive; NaN where numbers do not compare; undefined where types do not. */
export function order(left: Value, right: Value): number | undefined {
  const a = numberOf(left)
  const b = numberOf(right)
  if (a !== undefined && b !== undefined) return compareNumbers(a, b)
  if (typeof left === 'string' && typeof right === 'string') return compareTexts(left, right)
  if (typeof left === 'boolean' && typeof right === 'boolean') return Number(left) - Number(right)
  const x = nanosOf(left) ?? raw(left, 'duration')
  const y = nanosOf(right) ?? raw(right, 'duration')
  if (x !== undefined && y !== undefined) {
    if ((nanosOf(left) === undefined) !== (nanosOf(right) === undefined)) return undefined
    return x < y ? -1 : x > y ? 1 : 0
  }
  if (!(left instanceof Foreign && right instanceof Foreign)) return undefined
  if (left.raw instanceof Uint8Array && right.raw instanceof Uint8Array) return Buffer.compare(left.raw, right.raw)
  return undefined
}

/** An integer meets a double as a double (cel-spec conformance, comparisons: `not_lt_dyn_int_big_lossy_double`). */
function compareNumbers(left: bigint | number, right: bigint | number): number {
  const [a, b] = typeof left === typeof right ? [left, right] : [Number(left), Number(right)]
  return a < b ? -1 : a > b ? 1 : a >= b ? 0 : Number.NaN
}

/** By code points, as UTF-8 sorts; UTF-16 order differs where surrogates meet the end of the basic plane. */
function compareTexts(left: string, right: string): number {
  const length = Math.min(left.length, right.length)
  for (let i = 0; i < length; i++) {
    const a = left.charCodeAt(i)
    const b = right.charCodeAt(i)
    if (a === b) continue
    return a >= 0xd800 && b >= 0xd800 ? rank(a) - rank(b) : a - b
  }
  return left.length - right.length
}

function rank(unit: number): number {
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000
}

function comparison(holds: (order: number) => boolean): Binary {
  return (left, right, budget) => {
    if (typeof left === 'string' && typeof right === 'string') {
      spend(budget, Math.min(left.length, right.length) >> 4)
    }
    const result = order(left, right)
    return result === undefined ? undefined : holds(result)
  }
}

function contains(value: Value, container: Value, budget: Budget): Result | undefined {
  if (isList(container)) {
    spend(budget, container.length)
    if (typeof value === 'boolean') return container.includes(value)
    if (typeof value === 'string') {
      spend(budget, container.length * (value.length >> 10))
      return container.includes(value)
    }
    return container.some(item => equal(item, value, budget))
  }
  if (!isMap(container)) return undefined
  const key = mapKey(value)
  return key !== undefined && container.has(key)
}

const noKey = new Failure('no such key')
const noIndex = new Failure('index out of bounds')

function index(container: Value, key: Value): Result | undefined {
  const exact = mapKey(key)
  if (isMap(container)) {
    if (exact === undefined) return noKey
    return container.get(exact) ?? (container.has(exact) ? null : noKey)
  }
  if (!isList(container)) return undefined
  if (typeof exact !== 'bigint') return typeof key === 'number' ? noIndex : undefined
  const item = exact < 0n || exact >= container.length ? undefined : container[Number(exact)]
  return item === undefined ? noIndex : item
}

export const operators: ReadonlyMap<string, Binary> = new Map<string, Binary>([
  [
    '_+_',
    arithmetic(
      (a, b) => a + b,
      (a, b) => a + b,
      add,
    ),
  ],
  [
    '_-_',
    arithmetic(
      (a, b) => a - b,
      (a, b) => a - b,
      subtract,
    ),
  ],
  [
    '_*_',
    arithmetic(
      (a, b) => a * b,
      (a, b) => a * b,
    ),
  ],
  [
    '_/_',
    dividing(
      arithmetic(
        (a, b) => a / b,
        (a, b) => a / b,
      ),
    ),
  ],
  ['_%_', dividing(arithmetic((a, b) => a % b, undefined))],
  ['_==_', (left, right, budget) => equal(left, right, budget)],
  ['_!=_', (left, right, budget) => !equal(left, right, budget)],
  ['_<_', comparison(result => result < 0)],
  ['_<=_', comparison(result => result <= 0)],
  ['_>_', comparison(result => result > 0)],
  ['_>=_', comparison(result => result >= 0)],
  ['@in', contains],
  ['_[_]', index],
])

export function negate(value: Value): Result | undefined {
  if (typeof value === 'bigint') return int(-value)
  return typeof value === 'number' ? -value : undefined
}
