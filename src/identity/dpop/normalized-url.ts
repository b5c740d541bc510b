/**
 * A URL as `htu` is compared (RFC 9449, section 4.3, check 9): without query and fragment, scheme and host in lower
 * case, without the default port, an empty path as "/" (RFC 3986, sections 6.2.2.1 and 6.2.3). The path is left alone: what
 * would have to be decoded to be equal is not. undefined for what is no http(s) URL with a host.
 */
export function normalizedUrl(url: string): string | undefined {
  const separator = url.indexOf('://')
  const scheme = url.slice(0, Math.max(0, separator)).toLowerCase()
  if (scheme !== 'https' && scheme !== 'http') return undefined
  const end = firstOf(url, '?#', separator + 3)
  const slash = firstOf(url, '/', separator + 3)
  const authority = url.slice(separator + 3, Math.min(slash, end)).toLowerCase()
  // User information has no place in a URL that is compared (RFC 9110, section 4.2.4).
  if (authority === '' || authority.includes('@') || authority.includes('\\')) return undefined
  const path = slash < end ? url.slice(slash, end) : '/'
  return `${scheme}://${withoutDefaultPort(authority, scheme)}${path}`
}

function firstOf(text: string, characters: string, from: number): number {
  for (let index = from; index < text.length; index++) if (characters.includes(text.charAt(index))) return index
  return text.length
}

function withoutDefaultPort(authority: string, scheme: 'https' | 'http'): string {
  const port = scheme === 'https' ? ':443' : ':80'
  if (authority.endsWith(port)) return authority.slice(0, -port.length)
  return authority.endsWith(':') ? authority.slice(0, -1) : authority
}
