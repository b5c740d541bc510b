/** A finite double's magnitude as decimal digits, exactly: 0.DIGITS × 10^point, without zeros at the ends. */
export interface Decimal {
  readonly digits: string
  readonly point: number
}

const bits = new DataView(new ArrayBuffer(8))

/**
 * JavaScript's toFixed gives up at 1e21 and rounds ties up; Go prints every digit and rounds exact ties to even. At most
 * 1075 digits, so the work is bounded (tens of microseconds for the smallest doubles).
 */
export function exactDecimal(value: number): Decimal {
  bits.setFloat64(0, Math.abs(value))
  const raw = bits.getBigUint64(0)
  const exponent = Number(raw >> 52n)
  const fraction = raw & 0xfffffffffffffn
  const mantissa = exponent === 0 ? fraction : fraction | (1n << 52n)
  if (mantissa === 0n) return { digits: '', point: 0 }
  const power = Math.max(exponent, 1) - 1075
  const text = power >= 0 ? (mantissa << BigInt(power)).toString() : (mantissa * 5n ** BigInt(-power)).toString()
  return { digits: withoutZeros(text), point: text.length + Math.min(power, 0) }
}

/** Keeps so many digits (none or fewer: the number may still round up to one); half to even. */
export function roundDigits({ digits, point }: Decimal, keep: number): Decimal {
  if (keep >= digits.length) return { digits, point }
  if (keep < 0) return { digits: '', point: 0 }
  const next = digits.charCodeAt(keep) - 48
  const half = next === 5 && digits.length === keep + 1
  const up = half ? keep > 0 && digits.charCodeAt(keep - 1) % 2 === 1 : next >= 5
  const kept = digits.slice(0, keep)
  if (!up) return { digits: withoutZeros(kept), point: withoutZeros(kept) === '' ? 0 : point }
  const raised = (BigInt(kept === '' ? '0' : kept) + 1n).toString()
  return { digits: withoutZeros(raised), point: point + raised.length - kept.length }
}

/** With so many digits after the point: `12.50`. */
export function fixedDigits(value: Decimal, precision: number): string {
  const { digits, point } = roundDigits(value, value.point + precision)
  const whole = point <= 0 ? '0' : digits.slice(0, point).padEnd(point, '0')
  if (precision === 0) return whole
  const rest = point < 0 ? '0'.repeat(Math.min(-point, precision)) + digits : digits.slice(Math.max(0, point))
  return `${whole}.${rest.padEnd(precision, '0').slice(0, precision)}`
}

/** One digit before the point: the mantissa's text and the exponent of ten. */
export function scientificDigits(
  value: Decimal,
  precision: number,
): { readonly mantissa: string; readonly exponent: number } {
  const { digits, point } = roundDigits(value, precision + 1)
  const all = digits.padEnd(precision + 1, '0')
  return {
    mantissa: precision === 0 ? all : `${all.slice(0, 1)}.${all.slice(1)}`,
    exponent: digits === '' ? 0 : point - 1,
  }
}

/** The fewest digits that read back as the same double, as JavaScript and Go both find them. */
export function shortestDecimal(value: number): Decimal {
  const [mantissa = '', exponent = '0'] = Math.abs(value).toExponential().split('e')
  const digits = withoutZeros(mantissa.replace('.', ''))
  return digits === '' ? { digits, point: 0 } : { digits, point: Number(exponent) + 1 }
}

function withoutZeros(digits: string): string {
  let end = digits.length
  while (end > 0 && digits.charCodeAt(end - 1) === 48) end--
  return digits.slice(0, end)
}
