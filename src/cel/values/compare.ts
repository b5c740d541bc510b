import { compareNumbers } from './numbers.js'
import { Duration, Timestamp, Uint, type Value } from './value.js'

/**
 * The order of two values: below 0, 0, above 0; NaN where there is no order (a NaN); undefined where the types have none
 * (cel-spec langdef.md "Ordering"). Numbers of different types are compared by value. The caller pays.
 */
export function compare(a: Value, b: Value): number | undefined {
  switch (typeof a) {
    case 'string':
      return typeof b === 'string' ? compareText(a, b) : undefined
    case 'boolean':
      return typeof b === 'boolean' ? Number(a) - Number(b) : undefined
    case 'bigint':
    case 'number': {
      const right = numberOf(b)
      return right === undefined ? undefined : compareNumbers(a, right)
    }
    default:
      if (a instanceof Uint) {
        const right = numberOf(b)
        return right === undefined ? undefined : compareNumbers(a.value, right)
      }
      if (a instanceof Timestamp) return b instanceof Timestamp ? compareNumbers(a.nanos, b.nanos) : undefined
      if (a instanceof Duration) return b instanceof Duration ? compareNumbers(a.nanos, b.nanos) : undefined
      return a instanceof Uint8Array && b instanceof Uint8Array ? Buffer.compare(a, b) : undefined
  }
}

/** Units that comparing costs: one, or one for each ten characters or bytes of the shorter (cel-go, runtime cost). */
export function compareCost(a: Value, b: Value): number {
  if (typeof a === 'string') return typeof b === 'string' ? tenths(Math.min(a.length, b.length)) : 1
  return a instanceof Uint8Array && b instanceof Uint8Array ? tenths(Math.min(a.length, b.length)) : 1
}

function tenths(size: number): number {
  return size <= 10 ? 1 : Math.ceil(size / 10)
}

export function numberOf(value: Value): bigint | number | undefined {
  if (typeof value === 'bigint' || typeof value === 'number') return value
  return value instanceof Uint ? value.value : undefined
}

/** By code point, as UTF-8 bytes would be; JavaScript's own order puts surrogates before U+E000 to U+FFFF. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i)
    const right = b.charCodeAt(i)
    if (left !== right) return rank(left) - rank(right)
  }
  return a.length - b.length
}

/** Surrogates stand for code points above all that one unit can hold. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}
