import { hasDotSegment } from '../path-ambiguity.js'
import { percentByte } from '../percent-encoding.js'

const maxUriLength = 2048
const scheme = /^[a-z][a-z0-9+.-]*:/
/** RFC 3986: unreserved, reserved (without "#") and "%". */
const uriCharacters = /^[A-Za-z0-9\-._~:/?[\]@!$&'()*+,;=%]+$/
/** And what RFC 6570 adds for templates, which completion/complete names. */
const templateCharacters = /^[A-Za-z0-9\-._~:/?[\]@!$&'()*+,;=%{}|]+$/
const unreserved = /^[A-Za-z0-9\-._~]$/
const hexLower = /^%(?:[a-f].|.[a-f])/
/** Their hosts ignore case and their parsers rewrite much more: such a uri must be what the URL standard would print. */
const urlStandardSchemes: ReadonlySet<string> = new Set(['http:', 'https:', 'ws:', 'wss:', 'ftp:', 'file:'])

/**
 * Why a resource uri is refused, or undefined if it is canonical: one spelling per resource, so that a pattern in a policy
 * and the server mean the same. Canonical is RFC 3986 normal form (6.2.2): lower-case scheme, only URI characters,
 * percent-encodings in upper case and only where needed, none of them hiding "/", "\", "%" or a control character, no dot
 * segments, no empty path segments, no fragment.
 */
export function refuseUri(uri: string, as: 'uri' | 'template' = 'uri'): string | undefined {
  if (uri.length > maxUriLength) return `longer than ${maxUriLength} characters`
  const prefix = scheme.exec(uri)?.[0]
  if (prefix === undefined) return 'without a scheme in lower case'
  if (!(as === 'uri' ? uriCharacters : templateCharacters).test(uri)) {
    return 'with a character that must be percent-encoded, or with a fragment'
  }
  const encoding = refuseEncodings(uri)
  if (encoding !== undefined) return encoding

  const query = uri.indexOf('?')
  const hierarchy = uri.slice(prefix.length, query < 0 ? uri.length : query)
  const authorityEnd = hierarchy.startsWith('//') ? hierarchy.indexOf('/', 2) : 0
  const path = authorityEnd < 0 ? '' : hierarchy.slice(authorityEnd)
  if (path.includes('//')) return 'with an empty path segment'
  if (hasDotSegment(path)) return 'with a "." or ".." path segment'
  if (urlStandardSchemes.has(prefix) && as === 'uri') return refuseUrl(uri)
  return undefined
}

function refuseEncodings(uri: string): string | undefined {
  for (let at = uri.indexOf('%'); at >= 0; at = uri.indexOf('%', at + 3)) {
    const byte = percentByte(uri, at)
    if (byte < 0) return 'with a "%" that begins no percent-encoding'
    if (hexLower.test(uri.slice(at, at + 3))) return 'with a percent-encoding in lower case'
    if (byte < 0x20 || byte === 0x7f) return 'with an encoded control character'
    const character = String.fromCharCode(byte)
    if (unreserved.test(character)) return 'with a percent-encoding that is not needed'
    if (character === '/' || character === '\\' || character === '%') return 'with an encoded "/", "\\" or "%"'
  }
  return undefined
}

function refuseUrl(uri: string): string | undefined {
  if (!URL.canParse(uri)) return 'not a valid URL'
  const url = new URL(uri)
  if (url.username !== '' || url.password !== '') return 'with a user name'
  return url.href === uri ? undefined : 'not in the normal form of the URL standard'
}
