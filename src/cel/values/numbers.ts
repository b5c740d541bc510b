import { Failure } from './value.js'

export const intMin = -(2n ** 63n)
export const intMax = 2n ** 63n - 1n
export const uintMax = 2n ** 64n - 1n

export const intOverflow = new Failure('integer overflow')
export const uintOverflow = new Failure('unsigned integer overflow')

export function isInt(value: bigint): boolean {
  return value >= intMin && value <= intMax
}

export function isUint(value: bigint): boolean {
  return value >= 0n && value <= uintMax
}

/** The value if it fits int64; every arithmetic on ints ends here (cel-spec langdef.md "Overflow"). */
export function checkedInt(value: bigint): bigint | Failure {
  return value >= intMin && value <= intMax ? value : intOverflow
}

/**
 * int(double): towards zero. The borders themselves are refused, as cel-go does: 2^63 rounds to what no int holds, and
 * -2^63 may have been rounded from outside.
 */
export function doubleToInt(value: number): bigint | undefined {
  return value > -(2 ** 63) && value < 2 ** 63 ? BigInt(Math.trunc(value)) : undefined
}

export function doubleToUint(value: number): bigint | undefined {
  return value >= 0 && value < 2 ** 64 ? BigInt(Math.trunc(value)) : undefined
}

/**
 * -1, 0, 1, or NaN where one is not a number. An integer is rounded to a double before it is compared with one: the
 * conformance suite wants `9223372036854775807 < 9223372036854775808.0` to be false. Equality does not round.
 */
export function compareNumbers(a: bigint | number, b: bigint | number): number {
  if (typeof a === 'bigint' && typeof b === 'bigint') return a < b ? -1 : a > b ? 1 : 0
  const left = Number(a)
  const right = Number(b)
  return left < right ? -1 : left > right ? 1 : left === right ? 0 : Number.NaN
}

/** Whether two numbers are the same number, exactly: 2^53 + 1 is not 2^53 as a double. NaN is nothing. */
export function sameNumber(a: bigint | number, b: bigint | number): boolean {
  if (typeof a === typeof b) return a === b
  return a <= b && a >= b
}

/** As Go's strconv writes it with 'g' and the fewest digits: `1e+06`, `0.0001`, `+Inf` (cel-go, string(double)). */
export function formatDouble(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  const [mantissa = '', power = '0'] = value.toExponential().split('e')
  const exponent = Number(power)
  if (exponent >= -4 && exponent < 6) return plainDecimal(mantissa, exponent)
  const sign = exponent < 0 ? '-' : '+'
  return `${mantissa}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`
}

function plainDecimal(mantissa: string, exponent: number): string {
  const minus = mantissa.startsWith('-') ? '-' : ''
  const digits = mantissa.replace('-', '').replace('.', '')
  if (exponent < 0) return `${minus}0.${'0'.repeat(-exponent - 1)}${digits}`
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0')
  const fraction = digits.slice(exponent + 1)
  return fraction === '' ? minus + whole : `${minus}${whole}.${fraction}`
}
