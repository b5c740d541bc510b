/** Milliseconds of each unit of `grpc-timeout`. */
const units: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 }

/**
 * `grpc-timeout` of gRPC over HTTP/2: one to eight digits, and a unit.
 * @returns milliseconds, rounded up; undefined if it is nothing of the kind
 */
export function parseTimeout(value: string): number | undefined {
  const digits = value.length - 1
  if (digits < 1 || digits > 8) return undefined
  const unit = units[value.charAt(digits)]
  if (unit === undefined) return undefined
  let count = 0
  for (let at = 0; at < digits; at++) {
    const digit = value.charCodeAt(at) - 48
    if (digit < 0 || digit > 9) return undefined
    count = count * 10 + digit
  }
  return Math.ceil(count * unit)
}
