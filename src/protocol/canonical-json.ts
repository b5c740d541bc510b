import { isJsonArray, isJsonObject, type JsonValue } from './json-value.js'

/**
 * The canonical form of RFC 8785 (JCS): members sorted by the UTF-16 code units of their names, no white space, numbers as
 * ECMAScript writes them. Whole numbers beyond 2^53 are rounded, as the RFC takes every number for an IEEE double; who
 * must tell two of those apart compares the bytes. Expects what parseStrictJson gives: no lone surrogates, a bounded depth.
 */
export function canonicalJson(value: JsonValue): string {
  if (isJsonArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (isJsonObject(value)) {
    const members = [...value].sort(([left], [right]) => (left < right ? -1 : 1))
    return `{${members.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`
  }
  // Through a number on purpose: 1e21 and beyond have an exponent.
  return JSON.stringify(typeof value === 'bigint' ? Number(value) : value)
}
