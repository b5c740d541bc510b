export interface ContentType {
  /** Type and subtype, lower-case: `application/json`. */
  readonly essence: string
  /** Names lower-case, values without quotes. No name occurs twice. */
  readonly parameters: ReadonlyMap<string, string>
}

const maxLength = 256

/**
 * Reads one `Content-Type` value by its grammar (RFC 9110, sections 8.3.1 and 5.6.6); undefined if it is not exactly one
 * well-formed value, such as two joined by a comma. Linear.
 */
export function parseContentType(value: string): ContentType | undefined {
  if (value.length > maxLength) return undefined
  let at = skipOws(value, 0)
  const typeEnd = skipToken(value, at)
  if (typeEnd === at || value.charCodeAt(typeEnd) !== 0x2f) return undefined
  const subtypeEnd = skipToken(value, typeEnd + 1)
  if (subtypeEnd === typeEnd + 1) return undefined
  const essence = value.slice(at, subtypeEnd).toLowerCase()
  const parameters = new Map<string, string>()
  at = skipOws(value, subtypeEnd)
  while (at < value.length) {
    if (value.charCodeAt(at) !== 0x3b) return undefined
    at = skipOws(value, at + 1)
    const nameEnd = skipToken(value, at)
    if (nameEnd === at || value.charCodeAt(nameEnd) !== 0x3d) return undefined
    const name = value.slice(at, nameEnd).toLowerCase()
    const parameter = readValue(value, nameEnd + 1)
    if (parameter === undefined || parameters.has(name)) return undefined
    parameters.set(name, parameter.text)
    at = skipOws(value, parameter.end)
  }
  return { essence, parameters }
}

/**
 * True for `application/json` in UTF-8, said or unsaid. Servers decode by the charset, we do not; so no other passes. Some
 * servers merely search for "charset=", so that the word may stand nowhere but as the name of that one parameter.
 */
export function isJsonContentType(value: string): boolean {
  const parsed = parseContentType(value)
  if (parsed?.essence !== 'application/json' || value.includes(',')) return false
  const lower = value.toLowerCase()
  const at = lower.indexOf('charset')
  if (at < 0) return true
  return lower.indexOf('charset', at + 1) < 0 && parsed.parameters.get('charset')?.toLowerCase() === 'utf-8'
}

function readValue(value: string, from: number): { readonly text: string; readonly end: number } | undefined {
  if (value.charCodeAt(from) !== 0x22) {
    const end = skipToken(value, from)
    return end === from ? undefined : { text: value.slice(from, end), end }
  }
  let text = ''
  for (let at = from + 1; at < value.length; at++) {
    let code = value.charCodeAt(at)
    if (code === 0x22) return { text, end: at + 1 }
    if (code === 0x5c) code = value.charCodeAt(++at)
    if (!((code >= 0x20 && code <= 0x7e) || code === 0x09)) return undefined
    text += String.fromCharCode(code)
  }
  return undefined
}

function skipOws(value: string, from: number): number {
  let at = from
  while (value.charCodeAt(at) === 0x20 || value.charCodeAt(at) === 0x09) at++
  return at
}

const tokenCharacter = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]$/

function skipToken(value: string, from: number): number {
  let at = from
  while (at < value.length && tokenCharacter.test(value.charAt(at))) at++
  return at
}
