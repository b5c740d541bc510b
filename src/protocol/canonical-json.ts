import { jsonText } from './json-text.js'
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from './json-value.js'

/**
 * The canonical form of RFC 8785 (JCS): members sorted by the UTF-16 code units of their names, no white space, numbers as
 * ECMAScript writes them. Whole numbers beyond 2^53 are rounded, as the RFC takes every number for an IEEE double; who
 * must tell two of those apart compares the bytes. Expects what parseStrictJson gives: no lone surrogates, a bounded depth.
 */
export function canonicalJson(value: JsonValue): string {
  if (typeof value === 'string') return jsonText(value)
  if (isJsonArray(value)) {
    let items = ''
    for (let at = 0; at < value.length; at++) items += `${at === 0 ? '' : ','}${canonicalJson(value[at] ?? null)}`
    return `[${items}]`
  }
  if (isJsonObject(value)) {
    let members = ''
    for (const key of sortedKeys(value))
      members += `${members === '' ? '' : ','}${jsonText(key)}:${canonicalJson(value.get(key) ?? null)}`
    return `{${members}}`
  }
  // Through a number on purpose: 1e21 and beyond have an exponent.
  return JSON.stringify(typeof value === 'bigint' ? Number(value) : value)
}

/** More are sorted faster by the engine. */
const few = 12

function sortedKeys(object: JsonObject): readonly string[] {
  const keys = [...object.keys()]
  if (keys.length > few) return keys.sort()
  for (let at = 1; at < keys.length; at++) {
    const key = keys[at] ?? ''
    let to = at
    // Without a comparison of ours: that of the language is by code units, as that of sort is.
    for (let before = keys[to - 1] ?? ''; to > 0 && key < before; before = keys[to - 1] ?? '') keys[to--] = before
    keys[to] = key
  }
  return keys
}
