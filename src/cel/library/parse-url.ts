import { parseIpAddress } from './parse-ip-address.js'
import { type ByteString, quoteBytes, toBytes, toText, unescapePercent } from './percent-encoding.js'

/** A URL in parts, each as bytes; `path`, `query` and `fragment` are as they were written, `host` and `user` are decoded. */
export interface UrlParts {
  readonly scheme: string
  /** What follows `mailto:`; such a URL has neither host nor path. */
  readonly opaque: ByteString
  readonly user: { readonly name: ByteString; readonly password: ByteString | undefined } | undefined
  /** With the port, and an IPv6 address in brackets. */
  readonly host: ByteString
  /** `file:/etc`: no `//`. */
  readonly omitHost: boolean
  readonly path: ByteString
  readonly query: ByteString
  /** A `?` with nothing behind it. */
  readonly emptyQuery: boolean
  readonly fragment: ByteString
}

export type ParsedUrl =
  | { readonly ok: true; readonly url: UrlParts }
  /** In Go's words; holds pieces of the input. */
  | { readonly ok: false; readonly problem: string }

const no = (problem: string): ParsedUrl => ({ ok: false, problem })

/**
 * Go's `url.ParseRequestURI`: an absolute URL or an absolute path; a `#` is a character like any other. This is what
 * `isURL` and `format.uri()` ask.
 */
export function parseRequestUri(text: string): ParsedUrl {
  return parse(toBytes(text), true)
}

/** Go's `url.Parse`, which takes a fragment off, of a text that `parseRequestUri` accepts. */
export function parseUrl(text: string): ParsedUrl {
  const bytes = toBytes(text)
  const hash = bytes.indexOf('#')
  const parsed = parse(hash < 0 ? bytes : bytes.slice(0, hash), false)
  if (!parsed.ok || hash < 0) return parsed
  const fragment = bytes.slice(hash + 1)
  const decoded = unescapePercent(fragment, 'fragment')
  return decoded.ok ? { ok: true, url: { ...parsed.url, fragment } } : no(decoded.problem)
}

const empty: UrlParts = {
  scheme: '',
  opaque: '',
  user: undefined,
  host: '',
  omitHost: false,
  path: '',
  query: '',
  emptyQuery: false,
  fragment: '',
}

function parse(bytes: ByteString, request: boolean): ParsedUrl {
  if (hasControl(bytes)) return no('net/url: invalid control character in URL')
  if (bytes === '' && request) return no('empty url')
  if (bytes === '*') return { ok: true, url: { ...empty, path: '*' } }
  if (bytes.startsWith(':')) return no('missing protocol scheme')
  const written = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(bytes)?.[1]
  const scheme = (written ?? '').toLowerCase()
  const rest = written === undefined ? bytes : bytes.slice(written.length + 1)
  const mark = rest.indexOf('?')
  const before = mark < 0 ? rest : rest.slice(0, mark)
  const query = mark < 0 ? '' : rest.slice(mark + 1)
  const parts: UrlParts = { ...empty, scheme, query, emptyQuery: mark >= 0 && query === '' }
  if (!before.startsWith('/')) {
    if (scheme !== '') return { ok: true, url: { ...parts, opaque: before } }
    if (request) return no('invalid URI for request')
    if (before.split('/', 1)[0]?.includes(':')) return no('first path segment in URL cannot contain colon')
  }
  const hasAuthority = before.startsWith('//') && (scheme !== '' || (!request && !before.startsWith('///')))
  if (!hasAuthority) return withPath({ ...parts, omitHost: scheme !== '' && before.startsWith('/') }, before)
  const slash = before.indexOf('/', 2)
  const authority = slash < 0 ? before.slice(2) : before.slice(2, slash)
  const at = authority.lastIndexOf('@')
  const host = parseHost(scheme, authority.slice(at + 1))
  if (!host.ok) return host
  const user = at < 0 ? undefined : parseUser(authority.slice(0, at))
  if (user !== undefined && 'problem' in user) return no(user.problem)
  return withPath({ ...parts, host: host.bytes, user }, slash < 0 ? '' : before.slice(slash))
}

function hasControl(bytes: ByteString): boolean {
  for (let i = 0; i < bytes.length; i++) {
    const code = bytes.charCodeAt(i)
    if (code < 0x20 || code === 0x7f) return true
  }
  return false
}

function withPath(url: UrlParts, path: ByteString): ParsedUrl {
  const decoded = unescapePercent(path, 'path')
  return decoded.ok ? { ok: true, url: { ...url, path } } : no(decoded.problem)
}

function parseUser(bytes: ByteString): UrlParts['user'] | { readonly problem: string } {
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(bytes)) return { problem: 'net/url: invalid userinfo' }
  const colon = bytes.indexOf(':')
  const name = unescapePercent(colon < 0 ? bytes : bytes.slice(0, colon), 'userinfo')
  if (!name.ok) return name
  if (colon < 0) return { name: name.bytes, password: undefined }
  const password = unescapePercent(bytes.slice(colon + 1), 'userinfo')
  return password.ok ? { name: name.bytes, password: password.bytes } : password
}

type ParsedHost = { readonly ok: true; readonly bytes: ByteString } | { readonly ok: false; readonly problem: string }

const port = /^(?::[0-9]*)?$/
const badPort = (bytes: ByteString): ParsedHost => ({
  ok: false,
  problem: `invalid port ${quoteBytes(bytes)} after host`,
})

/** Only http and https are strict about colons: other schemes list several hosts with ports (go.dev/issue/75223, 78077). */
function parseHost(scheme: string, host: ByteString): ParsedHost {
  const bracket = host.lastIndexOf('[')
  if (bracket > 0) return { ok: false, problem: 'invalid IP-literal' }
  if (bracket === 0) return parseIpLiteral(host)
  const strict = scheme === 'http' || scheme === 'https'
  const colon = strict ? host.indexOf(':') : host.lastIndexOf(':')
  if (colon >= 0 && !port.test(host.slice(colon))) return badPort(host.slice(colon))
  return unescapePercent(host, 'host')
}

/** `[fe80::1%25en0]:80` (RFC 3986, RFC 6874). */
function parseIpLiteral(host: ByteString): ParsedHost {
  const close = host.lastIndexOf(']')
  if (close < 0) return { ok: false, problem: "missing ']' in host" }
  const after = host.slice(close + 1)
  if (!port.test(after)) return badPort(after)
  const literal = host.slice(1, close)
  const zoneAt = literal.indexOf('%25')
  const name = unescapePercent(zoneAt < 0 ? literal : literal.slice(0, zoneAt), 'host')
  if (!name.ok) return name
  const zone = unescapePercent(zoneAt < 0 ? '' : literal.slice(zoneAt), 'zone')
  if (!zone.ok) return zone
  const written = name.bytes + zone.bytes
  // Bytes that are not UTF-8 can stand in a zone only, and there the parser takes anything.
  const parsed = parseIpAddress(toText(written) ?? written)
  if (!parsed.ok) {
    const at = parsed.at === undefined ? '' : ` (at ${quoteBytes(toBytes(parsed.at))})`
    return { ok: false, problem: `invalid host: ParseAddr(${quoteBytes(written)}): ${parsed.problem}${at}` }
  }
  return parsed.address.family === 4
    ? { ok: false, problem: 'invalid IP-literal' }
    : { ok: true, bytes: `[${written}]${after}` }
}
