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

/** Behind the scheme: host, port, path, query. IPv6 addresses have too many spellings and are refused. */
const urlParts = /^\/\/((?:[a-z0-9-]+(?:\.[a-z0-9-]+)*)?)(?::([1-9][0-9]{0,4}))?\/[^?]*(?:\?(.*))?$/
const numericHost = /(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$/
const defaultPorts: ReadonlyMap<string, string> = new Map([
  ['http:', '80'],
  ['https:', '443'],
  ['ws:', '80'],
  ['wss:', '443'],
  ['ftp:', '21'],
])

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
  if (urlStandardSchemes.has(prefix) && as === 'uri') return refuseUrl(prefix, uri)
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

/** For these the URL standard fixes much of the spelling; a parser that follows it must find nothing to rewrite. */
function refuseUrl(prefix: string, uri: string): string | undefined {
  const parts = urlParts.exec(uri.slice(prefix.length))
  if (parts === null) return 'without a plain host in lower case and a path that begins with "/"'
  const [, host = '', port, query = ''] = parts
  if ((host === '') !== (prefix === 'file:')) return prefix === 'file:' ? 'with a host' : 'without a host'
  // A last label of digits makes an IPv4 address, and 0x7f.1 another way to write 127.0.0.1.
  if (numericHost.test(host) && !isIpv4(host)) return 'with a number as host that is no plain IPv4 address'
  if (port !== undefined && (prefix === 'file:' || Number(port) > 65535 || port === defaultPorts.get(prefix))) {
    return 'with a port that is wrong or not needed'
  }
  return query.includes("'") ? 'with a "\'" in the query, which must be percent-encoded' : undefined
}

function isIpv4(host: string): boolean {
  const numbers = host.split('.')
  return (
    numbers.length === 4 && numbers.every(number => /^(?:0|[1-9][0-9]{0,2})$/.test(number) && Number(number) <= 255)
  )
}
