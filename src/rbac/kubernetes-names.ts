import { isWellFormed } from './well-formed.js'

const dnsLabel = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const unsafeInPath = /[/%\u0000-\u001f\u007f-\u009f\u2028\u2029]/
const plainSegment = /^[A-Za-z0-9][-A-Za-z0-9_.:]*$/
const qualified = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/
const longestSubdomain = 253
const longestLabel = 63

/**
 * A namespace as the API server would accept it for a new one (RFC 1123 label). Servers that join it into a URL path
 * would let `dev/../kube-system` out of its namespace.
 */
export function isNamespaceName(text: string): boolean {
  return dnsLabel.test(text)
}

/**
 * A name that stays one segment of a URL path (apimachinery, IsValidPathSegmentName), at most 253 characters. No object of
 * Kubernetes begins or ends with white space, but servers cut it off: ` a` would be judged and `a` be written.
 */
export function isPathSegmentName(text: string): boolean {
  if (text === '' || text.length > 253 || text === '.' || text === '..') return false
  // Nothing of what is looked for below can be in such a name, and nearly all names are such.
  if (plainSegment.test(text)) return true
  return text.trim() === text && !unsafeInPath.test(text) && isWellFormed(text)
}

/**
 * The name of a role or binding, as the API server accepts it: anything that stays one segment of a path, of any length
 * and with any other character. Half a surrogate pair is refused, because no API server could have stored it.
 */
export function isRbacName(text: string): boolean {
  return text !== '' && text !== '.' && text !== '..' && !/[/%]/.test(text) && isWellFormed(text)
}

/** RFC 1123 subdomain: labels joined by dots, at most 253 characters (the labels alone have no bound of their own). */
export function isDnsSubdomain(text: string): boolean {
  return (
    text.length <= longestSubdomain && text.split('.').every(label => /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/.test(label))
  )
}

/** The key of a label, an annotation (in lower case) or a finalizer: `[subdomain/]name`. */
export function isLabelKey(text: string): boolean {
  const [first = '', second, ...others] = text.split('/')
  const name = second ?? first
  if (others.length > 0 || (second !== undefined && !isDnsSubdomain(first))) return false
  return name.length <= longestLabel && qualified.test(name)
}

export function isLabelValue(text: string): boolean {
  return text === '' || (text.length <= longestLabel && qualified.test(text))
}
