/**
 * One field of a header block. What can be said of a field by itself is said once, when it comes to life: fields of the table are
 * shared by all requests that refer to them.
 */
export interface HeaderField {
  readonly name: string
  readonly value: string
  readonly kind: FieldKind
}

/** What a field means to us; `malformed` ends the stream (RFC 9113 §8.1.1). */
export type FieldKind =
  | 'method'
  | 'scheme'
  | 'path'
  | 'authority'
  | 'malformed'
  | 'content-type'
  | 'content-length'
  | 'grpc-timeout'
  | 'other'

/** Bytes that a field counts for, in the table and in the limit on lists: RFC 7541 §4.1, RFC 9113 §6.5.2. */
export function sizeOf(field: HeaderField): number {
  return field.name.length + field.value.length + 32
}

export function headerField(name: string, value: string): HeaderField {
  return { name, value, kind: kindOf(name, value) }
}

function kindOf(name: string, value: string): FieldKind {
  if (!isValue(value)) return 'malformed'
  switch (name) {
    case ':method':
      return value === '' ? 'malformed' : 'method'
    case ':scheme':
      return value === '' ? 'malformed' : 'scheme'
    case ':path':
      return value === '' ? 'malformed' : 'path'
    case ':authority':
      return 'authority'
    case 'content-type':
    case 'grpc-timeout':
      return name
    case 'content-length':
      return isLength(value) ? name : 'malformed'
    // RFC 9113 §8.2.2: what is about one connection of HTTP/1.1 has no place here.
    case 'connection':
    case 'proxy-connection':
    case 'keep-alive':
    case 'transfer-encoding':
    case 'upgrade':
      return 'malformed'
    case 'te':
      return value === 'trailers' ? 'other' : 'malformed'
    default:
      return isName(name) ? 'other' : 'malformed'
  }
}

const tokenCharacters = characterTable("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")

/** A token of RFC 9110 §5.6.2 in lower case; other pseudo-header fields than the known ones are none. */
function isName(name: string): boolean {
  if (name === '') return false
  for (let at = 0; at < name.length; at++) if (tokenCharacters[name.charCodeAt(at)] !== 1) return false
  return true
}

/** RFC 9113 §8.2.1: no NUL, LF, CR; no space or tab at either end. */
function isValue(value: string): boolean {
  const { length } = value
  if (length === 0) return true
  if (isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(length - 1))) return false
  for (let at = 0; at < length; at++) {
    const code = value.charCodeAt(at)
    if (code <= 13 && (code === 0 || code === 10 || code === 13)) return false
  }
  return true
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9
}

/** At most 15 digits, so that a number holds it exactly. */
function isLength(value: string): boolean {
  if (value === '' || value.length > 15) return false
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at)
    if (code < 48 || code > 57) return false
  }
  return true
}

function characterTable(characters: string): Uint8Array {
  const table = new Uint8Array(256)
  for (let at = 0; at < characters.length; at++) table[characters.charCodeAt(at)] = 1
  return table
}
