import { isWellFormed } from './well-formed.js'

const dnsLabel = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const unsafeInPath = /[/%\u0000-\u001f\u007f-\u009f\u2028\u2029]/

/**
 * A namespace as the API server would accept it for a new one (RFC 1123 label). Servers that join it into a URL path
 * would let `dev/../kube-system` out of its namespace.
 */
export function isNamespaceName(text: string): boolean {
  return dnsLabel.test(text)
}

/** A name that stays one segment of a URL path (apimachinery, IsValidPathSegmentName), at most 253 characters. */
export function isPathSegmentName(text: string): boolean {
  return (
    text !== '' && text.length <= 253 && text !== '.' && text !== '..' && !unsafeInPath.test(text) && isWellFormed(text)
  )
}
