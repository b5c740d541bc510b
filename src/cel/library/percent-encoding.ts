import { decodeUtf8 } from '../values/utf8.js'
import { quotePrintable } from './quote.js'

/**
 * Percent-encoding as Go's net/url does it (RFC 3986, with the exceptions noted there). Go works on bytes, so these functions
 * do too: a byte string has one character, U+0000 to U+00FF, for each byte.
 */
export type ByteString = string

export const toBytes = (text: string): ByteString => Buffer.from(text, 'utf8').toString('latin1')

/** undefined for bytes that are not UTF-8: no CEL string can hold them. */
export const toText = (bytes: ByteString): string | undefined => decodeUtf8(Buffer.from(bytes, 'latin1'))

export type Part = 'path' | 'host' | 'zone' | 'userinfo' | 'query' | 'fragment'

/** Beside letters, digits and `-._~`: the characters that stand for themselves. */
const plain: Readonly<Record<Part, string>> = {
  path: '$&+,/:;=@',
  host: '!"$&\'()*+,:;<=>[]',
  zone: '!"$&\'()*+,:;<=>[]',
  userinfo: '$&+,;=',
  query: '',
  fragment: '!$&()*+,/:;=?@',
}

const tables = new Map<Part, readonly boolean[]>()

function isPlain(part: Part, char: string): boolean {
  let table = tables.get(part)
  if (table === undefined) {
    const chars = new Set(`ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~${plain[part]}`)
    table = Array.from({ length: 256 }, (_, code) => chars.has(String.fromCharCode(code)))
    tables.set(part, table)
  }
  return table[char.charCodeAt(0)] === true
}

export type Unescaped =
  | { readonly ok: true; readonly bytes: ByteString }
  /** In Go's words; holds a piece of the input. */
  | { readonly ok: false; readonly problem: string }

export function unescapePercent(bytes: ByteString, part: Part): Unescaped {
  let out = ''
  let from = 0
  for (let i = 0; i < bytes.length; i++) {
    const char = bytes.charAt(i)
    if (char === '%') {
      const triple = bytes.slice(i, i + 3)
      const code = /^%[0-9A-Fa-f]{2}$/.test(triple) ? Number.parseInt(triple.slice(1), 16) : undefined
      if (code === undefined || !mayBeEscaped(part, triple, code)) {
        return { ok: false, problem: `invalid URL escape ${quoteBytes(triple)}` }
      }
      out += bytes.slice(from, i) + String.fromCharCode(code)
      i += 2
      from = i + 1
    } else if (char === '+' && part === 'query') {
      out += `${bytes.slice(from, i)} `
      from = i + 1
    } else if ((part === 'host' || part === 'zone') && char < '\x80' && !isPlain(part, char)) {
      return { ok: false, problem: `invalid character ${quoteBytes(char)} in host name` }
    }
  }
  return { ok: true, bytes: from === 0 ? bytes : out + bytes.slice(from) }
}

/** In a host only bytes beyond ASCII and the percent sign may be escaped; in a zone also what could stand there itself, and spaces. */
function mayBeEscaped(part: Part, triple: string, code: number): boolean {
  if (part === 'host') return code >= 0x80 || triple === '%25'
  if (part === 'zone') return triple === '%25' || code === 0x20 || isPlain('host', String.fromCharCode(code))
  return true
}

export function escapePercent(bytes: ByteString, part: Part): string {
  let out = ''
  let from = 0
  for (let i = 0; i < bytes.length; i++) {
    if (isPlain(part, bytes.charAt(i))) continue
    out += `${bytes.slice(from, i)}%${bytes.charCodeAt(i).toString(16).toUpperCase().padStart(2, '0')}`
    from = i + 1
  }
  return from === 0 ? bytes : out + bytes.slice(from)
}

/** Whether Go leaves an encoded text as its author wrote it. */
export function isEncoded(bytes: ByteString, part: Part): boolean {
  for (let i = 0; i < bytes.length; i++) {
    const char = bytes.charAt(i)
    if (!"!$&'()*+,;=:@[]%".includes(char) && !isPlain(part, char)) return false
  }
  return true
}

/** As Go's `strconv.Quote`; where the bytes are not UTF-8, all beyond ASCII are escaped. */
export function quoteBytes(bytes: ByteString): string {
  const text = toText(bytes)
  if (text !== undefined) return quotePrintable(text)
  const escapeByte = (byte: string): string =>
    byte < '\x80' ? quotePrintable(byte).slice(1, -1) : `\\x${byte.charCodeAt(0).toString(16)}`
  return `"${Array.from(bytes, escapeByte).join('')}"`
}
