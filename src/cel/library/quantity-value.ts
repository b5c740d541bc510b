import { Failure, Opaque } from '../values/value.js'

/** Digits of a number that is read; Kubernetes has no limit, and then a text of 1 MiB costs it seconds. */
const maxDigits = 256
/** Digits of a result, and how far two numbers may be apart to be added. */
const maxResultDigits = 512
/** Kubernetes keeps nothing smaller than a billionth. */
const nano = -9

const minInt64 = -(2n ** 63n)
const maxInt64 = 2n ** 63n - 1n
const fitsInt64 = (value: bigint): boolean => value >= minInt64 && value <= maxInt64
const tenTo = (power: number): bigint => 10n ** BigInt(power)

/**
 * `kubernetes.Quantity`: an exact decimal, `coefficient · 10^exponent` (apimachinery `resource.Quantity`). Kubernetes holds
 * what it can as an int64 with a power of ten and everything else as a `wide` decimal, and `isInteger` and `asInteger` know
 * only the former: `quantity("1.5Gi")` is no integer to them. The difference is kept, because policies can see it.
 */
export class Quantity extends Opaque {
  readonly type = 'kubernetes.Quantity'
  readonly coefficient: bigint
  readonly exponent: number
  readonly wide: boolean

  constructor(coefficient: bigint, exponent: number, wide: boolean) {
    super()
    this.coefficient = coefficient
    this.exponent = exponent
    this.wide = wide
  }

  static ofInt(value: bigint): Quantity {
    return new Quantity(value, 0, false)
  }

  override equals(other: Opaque): boolean {
    return other instanceof Quantity && this.compare(other) === 0
  }

  sign(): -1 | 0 | 1 {
    return this.coefficient === 0n ? 0 : this.coefficient < 0n ? -1 : 1
  }

  /** Exact, and never slow: exponents may be billions apart, and then the number of digits already decides. */
  compare(other: Quantity): -1 | 0 | 1 {
    const sign = this.sign()
    if (sign !== other.sign()) return sign < other.sign() ? -1 : 1
    if (sign === 0) return 0
    const places = digits(this.coefficient) + this.exponent - digits(other.coefficient) - other.exponent
    if (places !== 0) return places > 0 === sign > 0 ? 1 : -1
    const exponent = Math.min(this.exponent, other.exponent)
    const difference = this.at(exponent) - other.at(exponent)
    return difference === 0n ? 0 : difference < 0n ? -1 : 1
  }

  add(other: Quantity): Quantity | Failure {
    const exponent = Math.min(this.exponent, other.exponent)
    const apart = Math.max(this.exponent, other.exponent) - exponent
    if (!this.wide && !other.wide) {
      if (other.coefficient === 0n) return this
      if (this.coefficient === 0n) return other
      if (apart <= 18) {
        const [a, b] = [this.at(exponent), other.at(exponent)]
        if (fitsInt64(a) && fitsInt64(b) && fitsInt64(a + b)) return new Quantity(a + b, exponent, false)
      }
    }
    if (apart > maxResultDigits) return outOfRange
    const sum = this.at(exponent) + other.at(exponent)
    return digits(sum) > maxResultDigits ? outOfRange : new Quantity(sum, exponent, true)
  }

  negate(): Quantity {
    return new Quantity(-this.coefficient, this.exponent, this.wide || !fitsInt64(-this.coefficient))
  }

  /** undefined where Kubernetes cannot tell that it is an int64. */
  asInteger(): bigint | undefined {
    if (this.wide || this.exponent < 0) return undefined
    if (this.coefficient === 0n) return 0n
    if (this.exponent > 18) return undefined
    const value = this.at(0)
    return fitsInt64(value) ? value : undefined
  }

  asApproximateFloat(): number {
    const base = Number(this.coefficient)
    return this.exponent === 0 ? base : base * powerOfTen(this.exponent)
  }

  /** The coefficient for a smaller exponent. */
  private at(exponent: number): bigint {
    return this.exponent === exponent ? this.coefficient : this.coefficient * tenTo(this.exponent - exponent)
  }
}

/** As Go computes it (`math.Pow10`: a product of two table entries), so that doubles agree to the last bit. */
function powerOfTen(power: number): number {
  const size = Math.abs(power)
  const coarse = size - (size % 32)
  if (power > 308) return Number.POSITIVE_INFINITY
  if (power < -323) return 0
  return power >= 0
    ? Number(`1e${coarse}`) * Number(`1e${size % 32}`)
    : Number(`1e-${coarse}`) / Number(`1e${size % 32}`)
}

const digits = (value: bigint): number => String(value < 0n ? -value : value).length

const outOfRange = new Failure('the quantity is out of range')
const noQuantity = new Failure('not a quantity: write a number with a suffix such as "100m", "1.5Gi" or "2e3"')
const noSuffix = new Failure('not a quantity: the suffix is one of n u m k M G T P E Ki Mi Gi Ti Pi Ei or an exponent')
const noNumber = new Failure('not a quantity: it has no digit')
const tooLong = new Failure(`a quantity has at most ${maxDigits} digits`)

/** Reads a quantity as Kubernetes does, with its leniencies: `.5`, `5.`, `+1`, and `-` alone, which is zero. */
export function parseQuantity(text: string): Quantity | Failure {
  const split = splitQuantity(text)
  if (split === undefined) return noQuantity
  const suffix = readSuffix(split.suffix)
  if (suffix === undefined) return noSuffix
  const { whole, fraction } = split
  const length = whole.length + fraction.length
  if (length > maxDigits) return tooLong
  const signed = (coefficient: bigint): bigint => (split.negative ? -coefficient : coefficient)
  const number = BigInt(whole + fraction)

  if (suffix.base === 2) {
    const product = number << BigInt(suffix.exponent)
    const narrow = fraction === '' && 14 - length - Math.trunc((suffix.exponent * 3) / 10) >= 0
    if (narrow) return new Quantity(signed(product), 0, false)
    if (!split.digit) return noNumber
    if (number === 0n) return new Quantity(0n, -fraction.length, true)
    const rounded = roundUp(product, -fraction.length)
    // Binary quantities, and only they, stop at the largest int64.
    return rounded > maxInt64 * tenTo(-nano)
      ? new Quantity(signed(maxInt64), 0, true)
      : new Quantity(signed(rounded), nano, true)
  }
  const exponent = (suffix.exponent - fraction.length) | 0
  if (length <= 18 && exponent >= nano) return new Quantity(signed(number), exponent, false)
  if (!split.digit) return noNumber
  if (number === 0n) return new Quantity(0n, exponent, true)
  if (exponent + length > maxDigits) return outOfRange
  return new Quantity(signed(roundUp(number, exponent)), nano, true)
}

/** To billionths, away from zero. */
function roundUp(coefficient: bigint, exponent: number): bigint {
  if (exponent >= nano) return coefficient * tenTo(exponent - nano)
  if (nano - exponent > maxResultDigits) return 1n
  const divisor = tenTo(nano - exponent)
  return (coefficient + divisor - 1n) / divisor
}

interface SplitQuantity {
  readonly negative: boolean
  /** Digits before the point without leading zeros, `0` if there are none; and those behind it. */
  readonly whole: string
  readonly fraction: string
  /** Whether there is any digit; `-` and `.` have none, and are zero nevertheless where a small number is read. */
  readonly digit: boolean
  readonly suffix: string
}

const suffixLetters = 'eEinumkKMGTP'

function splitQuantity(text: string): SplitQuantity | undefined {
  if (text === '') return undefined
  const run = (from: number, accepts: (char: string) => boolean): number => {
    let end = from
    while (end < text.length && accepts(text.charAt(end))) end++
    return end
  }
  const start = text[0] === '-' || text[0] === '+' ? 1 : 0
  const zeros = run(start, char => char === '0')
  const wholeEnd = run(zeros, isDigit)
  const point = text[wholeEnd] === '.' ? wholeEnd + 1 : wholeEnd
  const fractionEnd = point === wholeEnd ? wholeEnd : run(point, isDigit)
  const letters = run(fractionEnd, char => suffixLetters.includes(char))
  const sign = text[letters] === '-' || text[letters] === '+' ? letters + 1 : letters
  if (run(sign, isDigit) < text.length) return undefined
  return {
    negative: text[0] === '-',
    whole: text.slice(zeros, wholeEnd) || '0',
    fraction: text.slice(point, fractionEnd),
    digit: wholeEnd > start || fractionEnd > point,
    suffix: text.slice(fractionEnd),
  }
}

const isDigit = (char: string): boolean => char >= '0' && char <= '9'

const decimalSuffixes = new Map([
  ['', 0],
  ['n', -9],
  ['u', -6],
  ['m', -3],
  ['k', 3],
  ['M', 6],
  ['G', 9],
  ['T', 12],
  ['P', 15],
  ['E', 18],
])
const binarySuffixes = new Map([
  ['Ki', 10],
  ['Mi', 20],
  ['Gi', 30],
  ['Ti', 40],
  ['Pi', 50],
  ['Ei', 60],
])

function readSuffix(suffix: string): { readonly base: 2 | 10; readonly exponent: number } | undefined {
  const decimal = decimalSuffixes.get(suffix)
  if (decimal !== undefined) return { base: 10, exponent: decimal }
  const binary = binarySuffixes.get(suffix)
  if (binary !== undefined) return { base: 2, exponent: binary }
  if (!/^[eE][+-]?[0-9]+$/.test(suffix)) return undefined
  const digits = suffix.replace(/^[eE][+-]?0*/, '')
  if (digits.length > 19) return undefined
  const value = suffix[1] === '-' ? -BigInt(digits) : BigInt(digits)
  // The exponent is read as int64 and cut to int32, without a check: 1e4294967297 is ten to an API server, so also to us.
  return fitsInt64(value) ? { base: 10, exponent: Number(BigInt.asIntN(32, value)) } : undefined
}
