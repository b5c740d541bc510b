import type { JsonValue } from '../protocol/json-value.js'

/** A NumericDate (RFC 7519, section 2: seconds, fractions allowed) in milliseconds; undefined when it is not one. */
export function numericDate(value: JsonValue | undefined): number | undefined {
  if (typeof value !== 'bigint' && typeof value !== 'number') return undefined
  const milliseconds = Number(value) * 1000
  return Number.isFinite(milliseconds) && milliseconds >= 0 ? milliseconds : undefined
}
