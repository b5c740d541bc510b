import type { JsonValue } from '../protocol/json-value.js'

/** The last moment that has a date (ECMA-262, 21.4.1.1), in the year 275760. */
const lastMoment = 8_640_000_000_000_000

/**
 * A NumericDate (RFC 7519, section 2: seconds, fractions allowed) in milliseconds; undefined when it is not one, and when
 * it is before 1970 or so far ahead that no calendar knows it.
 */
export function numericDate(value: JsonValue | undefined): number | undefined {
  if (typeof value !== 'bigint' && typeof value !== 'number') return undefined
  const milliseconds = Number(value) * 1000
  return milliseconds >= 0 && milliseconds <= lastMoment ? milliseconds : undefined
}
