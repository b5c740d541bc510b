import type { JsonValue } from '../protocol/json-value.js'

export type PlainScalar =
  | { readonly ok: true; readonly value: JsonValue }
  /** Two YAML readers would not agree on what it means. */
  | { readonly ok: false }

const nulls: ReadonlySet<string> = new Set(['', '~', 'null', 'Null', 'NULL'])
const booleans: ReadonlyMap<string, boolean> = new Map([
  ...['true', 'True', 'TRUE'].map(word => [word, true] as const),
  ...['false', 'False', 'FALSE'].map(word => [word, false] as const),
])
/** Booleans of YAML 1.1 that are strings in 1.2, and its value and merge keys. */
const yaml11: ReadonlySet<string> = new Set(
  ['y', 'Y', 'n', 'N', '=', '<<'].concat(
    ['yes', 'no', 'on', 'off'].flatMap(word => [
      word,
      `${word.charAt(0).toUpperCase()}${word.slice(1)}`,
      word.toUpperCase(),
    ]),
  ),
)

const integer = /^-?(?:0|[1-9][0-9]{0,18})$/
const decimal = /^-?(?:0|[1-9][0-9]{0,30})\.[0-9]{1,30}$/
/**
 * Octal, hexadecimal, binary, exponents, signs, sexagesimal, dates, infinities: somebody's number. Underscores are left
 * out before, because YAML 1.1 readers ignore them wherever they stand.
 */
const somebodysNumber: readonly RegExp[] = [
  /^[-+]?[0-9]+\.?[0-9]*$/,
  /^[-+]?0[xXoObB][0-9a-fA-F]*$/,
  /^[-+]?[0-9]+\.?[0-9]*[eE][-+]?[0-9]*$/,
  /^[-+]?\.[0-9]+(?:[eE][-+]?[0-9]*)?$/,
  /^[-+]?\.(?:inf|Inf|INF|nan|NaN|NAN)$/,
  /^[-+]?[0-9]+(?::[0-5]?[0-9])+(?:\.[0-9]*)?$/,
  /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?$/,
]

const int64Limit = 2n ** 63n

/**
 * What an unquoted scalar means, where YAML 1.1 (which kubernetes-mcp-server and kubectl read) and YAML 1.2 agree on it.
 * `on`, `0123`, `1e3`, `12:30` or `2024-01-01` mean different things to different readers and are refused.
 */
export function plainScalar(text: string): PlainScalar {
  if (nulls.has(text)) return { ok: true, value: null }
  const boolean = booleans.get(text)
  if (boolean !== undefined) return { ok: true, value: boolean }
  if (yaml11.has(text)) return { ok: false }
  if (integer.test(text)) {
    const value = BigInt(text)
    return value < int64Limit && value >= -int64Limit ? { ok: true, value } : { ok: false }
  }
  if (decimal.test(text)) return { ok: true, value: Number(text) }
  const digits = text.replaceAll('_', '')
  if (somebodysNumber.some(pattern => pattern.test(digits))) return { ok: false }
  return { ok: true, value: text }
}
