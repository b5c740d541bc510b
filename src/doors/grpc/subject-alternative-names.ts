export interface SubjectAlternativeNames {
  readonly uris: readonly string[]
  readonly dns: readonly string[]
}

/**
 * Reads the text form of a certificate's names as Node gives it: `URI:a, DNS:b`. A value with special characters is
 * quoted there (CVE-2021-44532); such a value is left out, because no honest name needs it and it must not be able to
 * look like two names.
 */
export function parseSubjectAlternativeNames(text: string): SubjectAlternativeNames {
  const uris: string[] = []
  const dns: string[] = []
  let at = 0
  while (at < text.length) {
    const colon = text.indexOf(':', at)
    if (colon < 0) break
    const type = text.slice(at, colon)
    let end: number
    if (text[colon + 1] === '"') {
      end = closingQuote(text, colon + 1) + 1
      if (end === 0) break
    } else {
      const separator = text.indexOf(', ', colon + 1)
      end = separator < 0 ? text.length : separator
      const value = text.slice(colon + 1, end)
      if (type === 'URI') uris.push(value)
      else if (type === 'DNS') dns.push(value)
    }
    at = end + 2
  }
  return { uris, dns }
}

/**
 * True if one of the names is allowed. A pattern with `://` is compared with URI names, any other with DNS names
 * (without case). A `*` at the end stands for any rest; elsewhere it is a plain character.
 * A certificate with several URI names matches none of them: SPIFFE X509-SVID, section 2, allows exactly one.
 */
export function matchesAllowedSan(text: string, allowed: readonly string[]): boolean {
  const { uris, dns } = parseSubjectAlternativeNames(text)
  const uri = uris.length === 1 ? uris[0] : undefined
  return allowed.some(pattern => {
    if (pattern.includes('://')) return uri !== undefined && matches(pattern, uri)
    const wanted = pattern.toLowerCase()
    return dns.some(name => matches(wanted, name.toLowerCase()))
  })
}

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
}

function closingQuote(text: string, open: number): number {
  for (let i = open + 1; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '"') return i
  }
  return -1
}
