import { formatDouble } from '../values/numbers.js'
import { Failure, Uint, type Value } from '../values/value.js'
import { type Decimal, exactDecimal, fixedDigits, scientificDigits, shortestDecimal } from './decimal-digits.js'
import { isDouble, isInt } from './implement.js'
import { quotePrintable } from './quote.js'

/**
 * The two looks of `string.format` in cel-go. Version 4 of the extension follows the specification; versions 1 to 3, and so
 * Kubernetes, show values inside of lists and maps as CEL literals, group digits and write exponents as `×10⁰³` (the
 * English locale of Go's text/message).
 */
export interface FormatStyle {
  readonly double: (value: number) => string
  /** Whether texts, bytes, durations and timestamps inside of a list or a map are shown as CEL literals. */
  readonly quoted: boolean
  readonly keySeparator: string
  readonly decimal: (value: Value) => string | Failure
  readonly fixed: (value: Value, precision: number | undefined) => string | Failure
  readonly scientific: (value: Value, precision: number | undefined) => string | Failure
}

const needsInteger = new Failure('%d in a format needs an int or uint')
const needsNumber = new Failure('%d in a format needs an int, uint or double')
const fixedNeeds = new Failure('%f in a format needs a double')
const scientificNeeds = new Failure('%e in a format needs a double')

export const defaultPrecision = 6

function integerText(value: Value): string | undefined {
  if (isInt(value)) return value.toString()
  return value instanceof Uint ? value.value.toString() : undefined
}

function special(value: number, infinity: string): string | undefined {
  if (Number.isNaN(value)) return 'NaN'
  if (Number.isFinite(value)) return undefined
  return value > 0 ? infinity : `-${infinity}`
}

function sign(value: number): string {
  return value < 0 || Object.is(value, -0) ? '-' : ''
}

/** Without an exponent, as strconv.FormatFloat(x, 'f', -1, 64). */
export function plainDouble(value: number): string {
  const other = special(value, 'Infinity')
  if (other !== undefined) return other
  const decimal = shortestDecimal(value)
  return sign(value) + fixedDigits(decimal, Math.max(0, decimal.digits.length - decimal.point))
}

function scientificText(decimal: Decimal, precision: number): string {
  const { mantissa, exponent } = scientificDigits(decimal, precision)
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${Math.abs(exponent).toString().padStart(2, '0')}`
}

/** An integer's digits as a decimal, so that it is shown exactly where a double is expected. */
function decimalOf(value: Value): { readonly sign: string; readonly decimal: Decimal } | number | undefined {
  if (isDouble(value)) return value
  const text = integerText(value)
  if (text === undefined) return undefined
  const digits = text.replace('-', '')
  const trimmed = digits.replace(/0+$/, '')
  return {
    sign: text.startsWith('-') ? '-' : '',
    decimal: { digits: trimmed, point: trimmed === '' ? 0 : digits.length },
  }
}

function specNumber(needs: Failure, show: (decimal: Decimal, precision: number) => string) {
  return (value: Value, precision: number = defaultPrecision): string | Failure => {
    const number = decimalOf(value)
    if (number === undefined) return needs
    if (typeof number === 'object') return number.sign + show(number.decimal, precision)
    return special(number, 'Infinity') ?? sign(number) + show(exactDecimal(number), precision)
  }
}

export const specStyle: FormatStyle = {
  double: plainDouble,
  quoted: false,
  keySeparator: ': ',
  decimal: value => integerText(value) ?? (isDouble(value) ? plainDouble(value) : needsNumber),
  fixed: specNumber(fixedNeeds, fixedDigits),
  scientific: specNumber(scientificNeeds, scientificText),
}

/** In Kubernetes a text may stand for a number that JSON cannot write. */
const named: ReadonlyMap<Value, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
])

const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹'

function superscript(exponent: number): string {
  const digits = Math.abs(exponent).toString().padStart(2, '0')
  return (exponent < 0 ? '⁻' : '') + Array.from(digits, digit => superscripts[Number(digit)]).join('')
}

/** Zero has no sign in that locale's printer. */
function kubernetesSign(value: number): string {
  return value < 0 ? '-' : ''
}

export const kubernetesStyle: FormatStyle = {
  double: formatDouble,
  quoted: true,
  keySeparator: ':',
  decimal: value => integerText(value) ?? needsInteger,
  fixed: (value, precision = defaultPrecision) => {
    const number = isDouble(value) ? value : named.get(value)
    if (number === undefined) return fixedNeeds
    const other = special(number, '∞')
    if (other !== undefined) return other
    const [whole = '', fraction] = fixedDigits(exactDecimal(number), precision).split('.')
    const grouped = whole.replace(/(?!^)(?=(?:\d{3})+$)/g, ',')
    return kubernetesSign(number) + (fraction === undefined ? grouped : `${grouped}.${fraction}`)
  },
  // cel-go writes the precision where Go reads a width: it only pads.
  scientific: (value, width = defaultPrecision) => {
    const number = isDouble(value) ? value : named.get(value)
    if (number === undefined) return scientificNeeds
    const other = special(number, '∞')
    if (other !== undefined) return other.padStart(width)
    const { mantissa, exponent } = scientificDigits(exactDecimal(number), defaultPrecision)
    return `${kubernetesSign(number)}${mantissa}×10${superscript(exponent)}`.padStart(width)
  },
}

/** A double inside of a list: six digits, and a text for what no literal can say. */
export function quotedDouble(value: number): string {
  if (!Number.isFinite(value)) return quotePrintable(formatDouble(value))
  return sign(value) + fixedDigits(exactDecimal(value), defaultPrecision)
}
