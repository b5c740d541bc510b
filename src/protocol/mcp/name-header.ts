import { isUtf8 } from 'node:buffer'

const prefix = '=?base64?'
const suffix = '?='
const maxLength = 8192
/** Plain values: visible ASCII, spaces and tabs (SEP-2243). */
const plain = /^[\t\x20-\x7e]*$/

/**
 * The value that a `Mcp-Name` or `Mcp-Param-*` header stands for, undefined if it is not well-formed. The markers of the
 * base64 form are case-sensitive; everything else is taken literally, also what merely looks like them (SEP-2243,
 * conformance section). Only the canonical encoding with padding is accepted.
 */
export function decodeNameHeader(raw: string): string | undefined {
  if (raw.length > maxLength || !plain.test(raw)) return undefined
  const value = trimOws(raw)
  if (!value.startsWith(prefix) || !value.endsWith(suffix) || value.length < prefix.length + suffix.length) return value
  const encoded = value.slice(prefix.length, -suffix.length)
  const bytes = Buffer.from(encoded, 'base64')
  if (bytes.toString('base64') !== encoded || !isUtf8(bytes)) return undefined
  return bytes.toString('utf8')
}

/** A value of `Mcp-Name` that {@link decodeNameHeader} takes for the name. Names of more than 6 KiB have none. */
export function encodeNameHeader(name: string): string {
  const literal = plain.test(name) && trimOws(name) === name && name !== '' && !name.startsWith(prefix)
  return literal ? name : prefix + Buffer.from(name, 'utf8').toString('base64') + suffix
}

export function trimOws(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isOws(text.charCodeAt(start))) start++
  while (end > start && isOws(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isOws(code: number): boolean {
  return code === 0x20 || code === 0x09
}
