import { X509Certificate } from 'node:crypto'
import type { Finding } from '../documents/finding.js'
import type { PathSegment } from '../documents/source-document.js'
import type { AuthenticationOptions } from './authentication-configuration.js'
import type { JwtAuthenticatorSpec } from './authentication-configuration-schema.js'
import { discoveryUrlOf, issuerUrlProblem } from './issuer-url.js'

export interface IssuerProblem {
  readonly severity: Finding['severity']
  /** Below `issuer`. */
  readonly field: readonly PathSegment[]
  readonly message: string
  readonly hint?: string
}

/** What is wrong with `issuer` of an entry, by the API server's rules (apiserver pkg/apis/apiserver/validation). */
export function issuerProblems(
  issuer: JwtAuthenticatorSpec['issuer'],
  { insecureLoopbackIssuers = false }: AuthenticationOptions,
): readonly IssuerProblem[] {
  const { url, discoveryURL = '', certificateAuthority = '', audiences } = issuer
  const { audienceMatchPolicy = '', egressSelectorType = '' } = issuer
  const problems: IssuerProblem[] = []
  const refuse = (field: string | readonly PathSegment[], message: string, hint?: string) =>
    problems.push({
      severity: 'error',
      field: typeof field === 'string' ? [field] : field,
      message,
      ...(hint !== undefined && { hint }),
    })

  const wrongUrl = urlProblem(url, insecureLoopbackIssuers)
  if (wrongUrl !== undefined) refuse('url', wrongUrl)
  if (discoveryURL !== '') {
    const same = withoutSlashes(discoveryURL) === withoutSlashes(url)
    const wrong = urlProblem(discoveryURL, insecureLoopbackIssuers) ?? (same ? 'must differ from url' : undefined)
    if (wrong !== undefined) refuse('discoveryURL', wrong, `the default is ${discoveryUrlOf(url)}`)
  }
  if (certificateAuthority !== '' && !isCertificateBundle(certificateAuthority))
    refuse('certificateAuthority', 'is not a list of PEM certificates')
  if (egressSelectorType !== '')
    refuse('egressSelectorType', 'is not supported: there is no egress selector here', 'remove it')
  if (audiences.length > 1 && audienceMatchPolicy !== 'MatchAny')
    refuse('audienceMatchPolicy', 'must be MatchAny when there are several audiences')
  for (const [index, audience] of audiences.entries()) {
    if (audiences.indexOf(audience) !== index) refuse(['audiences', index], 'is listed twice')
  }
  return problems
}

function urlProblem(url: string, insecureLoopback: boolean): string | undefined {
  return issuerUrlProblem(url, { insecureLoopback }) ?? (url.includes('?') ? 'must not have a query' : undefined)
}

function withoutSlashes(url: string): string {
  let end = url.length
  while (url[end - 1] === '/') end--
  return url.slice(0, end)
}

/** At least one certificate, and none that is broken; other PEM blocks do not matter. */
function isCertificateBundle(pem: string): boolean {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? []
  return blocks.length > 0 && blocks.every(isCertificate)
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0
  } catch {
    return false
  }
}
