/** The longest name that Kubernetes gives anything (a DNS subdomain, RFC 1123). */
const maxSegment = 253
const loneSurrogate = /[\ud800-\udfff]/u

export type ApiQuery = Readonly<Record<string, string | number | boolean | undefined>>

/**
 * A path for `ApiRequest`, each segment percent-encoded; undefined if one cannot be a path segment of the API: empty, "."
 * or "..", holding "/" or "%" (the rule of Kubernetes' ValidatePathSegmentName), longer than 253 characters, or half a
 * surrogate pair. A name with a slash would reach another resource than the one that was meant.
 */
export function apiPath(segments: readonly string[], query: ApiQuery = {}): string | undefined {
  if (segments.length === 0 || !segments.every(isPathSegment)) return undefined
  return withQuery(`/${segments.map(segment => encodeURIComponent(segment)).join('/')}`, query)
}

/** Whether a name can stand in a path of the API. */
export function isPathSegment(name: string): boolean {
  if (name === '' || name === '.' || name === '..' || name.length > maxSegment) return false
  return !name.includes('/') && !name.includes('%') && !loneSurrogate.test(name)
}

/** Adds a query to a path that is written out; members that are undefined are left out, halves of surrogate pairs replaced. */
export function withQuery(path: string, query: ApiQuery): string {
  let text = path
  let separator = path.includes('?') ? '&' : '?'
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue
    text += `${separator}${encode(name)}=${encode(String(value))}`
    separator = '&'
  }
  return text
}

/**
 * To be added to whatever is written or asked: without it the API server drops a field that it does not know, with no more
 * than a Warning header, and judges the rest.
 */
export const strictFields = { fieldValidation: 'Strict' } as const

function encode(text: string): string {
  return encodeURIComponent(Buffer.from(text, 'utf8').toString('utf8'))
}
