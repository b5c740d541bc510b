/**
 * What is wrong with a URL from which identity is derived (issuer, discovery, JWKS), or undefined. Only https is
 * trusted; plain http is for tests and demos on this machine, behind a switch. For documents, not for requests.
 */
export function issuerUrlProblem(text: string, options: { readonly insecureLoopback: boolean }): string | undefined {
  if (!URL.canParse(text)) return 'is not a URL'
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') return 'must not contain a user name or password'
  if (text.includes('#')) return 'must not have a fragment'
  if (url.protocol === 'https:') return undefined
  if (url.protocol !== 'http:') return 'must begin with https://'
  if (!isLoopbackHost(url.hostname)) return 'must begin with https:// (http is never accepted beyond this machine)'
  if (!options.insecureLoopback)
    return 'must begin with https://; http on a loopback address needs insecureLoopbackIssuers'
  return undefined
}

/** Literal addresses only, and `localhost`: other names could resolve to anything. */
function isLoopbackHost(hostname: string): boolean {
  if (hostname === 'localhost' || hostname === '[::1]') return true
  const octets = hostname.split('.')
  return octets.length === 4 && octets[0] === '127' && octets.every(octet => /^\d{1,3}$/.test(octet))
}

/** Where OpenID Connect Discovery 1.0, section 4, puts the document. */
export function discoveryUrlOf(issuer: string): string {
  return `${issuer.endsWith('/') ? issuer.slice(0, -1) : issuer}/.well-known/openid-configuration`
}
