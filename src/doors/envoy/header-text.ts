/// <reference lib="es2024.string" />

/** Longest name of a header that we set. */
const longestName = 128

/** The characters of a token (RFC 9110, section 5.6.2) in lower case, by their codes. */
const tokenCharacters: readonly boolean[] = Array.from({ length: 128 }, (_, code) =>
  /[a-z0-9!#$%&'*+\-.^_`|~]/.test(String.fromCharCode(code)),
)

/** A token (RFC 9110, section 5.6.2) in lower case. */
export function isHeaderName(name: string, limit: number = longestName): boolean {
  if (name.length === 0 || name.length > limit) return false
  for (let i = 0; i < name.length; i++) {
    if (tokenCharacters[name.charCodeAt(i)] !== true) return false
  }
  return true
}

/** Not empty, no control characters, no space at the ends, no half of a surrogate pair (it would not be UTF-8). */
export function isHeaderValue(value: string): boolean {
  return headerValueBytes(value) >= 0
}

/** Looked at by the engine's own matcher: one character at a time costs three times as much. */
const plainValue = /^[\x20-\x7e]*$/

/** Its length in UTF-8; -1 when it is none that can be sent, see {@link isHeaderValue}. */
export function headerValueBytes(value: string): number {
  const { length } = value
  if (length === 0 || value.charCodeAt(0) === 0x20 || value.charCodeAt(length - 1) === 0x20) return -1
  return plainValue.test(value) ? length : unicodeBytes(value)
}

function unicodeBytes(value: string): number {
  if (value.trim().length !== value.length) return -1
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return -1
  }
  return isWellFormed(value) ? Buffer.byteLength(value) : -1
}

/** True if every surrogate has its other half, so that the text has an UTF-8 form; else gateways refuse the message. */
export function isWellFormed(text: string): boolean {
  return text.isWellFormed()
}
