import { X509Certificate } from 'node:crypto'
import type { Finding } from '../documents/finding.js'
import type { PathSegment, SourceDocument } from '../documents/source-document.js'
import { validate } from '../documents/validate.js'
import {
  authenticationConfigurationSchema,
  type JwtAuthenticatorSpec,
  type PrefixedClaimSpec,
} from './authentication-configuration-schema.js'
import type { Compilation } from './compilation.js'
import { readsEmail, readsEmailVerified } from './email-expression.js'
import { claimsEnvironment, compileAt, userEnvironment } from './expressions.js'
import type { ClaimRule, ClaimSource, IssuerConfiguration } from './issuer-configuration.js'
import { issuerUrlProblem } from './issuer-url.js'

export interface AuthenticationConfiguration {
  readonly document: SourceDocument
  readonly issuers: readonly IssuerConfiguration[]
}

export interface AuthenticationOptions {
  /** Accept http issuers on loopback addresses. Default false; for demos and tests. */
  readonly insecureLoopbackIssuers?: boolean
  /** Audiences of all Servers; when given, an issuer's audience that no Server accepts is reported. */
  readonly serverAudiences?: ReadonlySet<string>
}

/**
 * Reads the API server's `AuthenticationConfiguration` with the API server's own rules (Kubernetes 1.34,
 * pkg/apis/apiserver/validation). What the file says about anonymous requests admits nobody here and is reported.
 */
export function readAuthenticationConfiguration(
  document: SourceDocument,
  options: AuthenticationOptions = {},
): Compilation<AuthenticationConfiguration> {
  const validated = validate(document, authenticationConfigurationSchema)
  if (!validated.ok) return { value: undefined, findings: validated.findings }
  const reader = new Reader(document, options)
  const { jwt = [], anonymous } = validated.value
  if (anonymous !== undefined)
    reader.report('warning', ['anonymous'], 'admits nobody here', 'Server.spec.anonymous decides; remove the stanza')
  if (jwt.length === 0)
    reader.report('warning', ['jwt'], 'no issuer is configured, so no token will be accepted', 'add an entry to jwt')
  const issuers = jwt.flatMap((spec, index) => reader.issuer(spec, ['jwt', index]) ?? [])
  reader.unique(
    jwt.map(({ issuer }) => issuer.url),
    'url',
  )
  reader.unique(
    jwt.map(({ issuer }) => issuer.discoveryURL),
    'discoveryURL',
  )
  const broken = reader.findings.some(({ severity }) => severity === 'error')
  return { value: broken ? undefined : { document, issuers }, findings: reader.findings }
}

class Reader {
  readonly findings: Finding[] = []
  readonly #document: SourceDocument
  readonly #options: AuthenticationOptions

  constructor(document: SourceDocument, options: AuthenticationOptions) {
    this.#document = document
    this.#options = options
  }

  report(severity: Finding['severity'], path: readonly PathSegment[], message: string, hint?: string): void {
    this.findings.push(this.#document.finding(severity, path, message, hint === undefined ? {} : { hint }))
  }

  unique(values: readonly (string | undefined)[], field: string): void {
    const seen = new Set<string>()
    for (const [index, value] of values.entries()) {
      if (value === undefined) continue
      if (seen.has(value)) this.report('error', ['jwt', index, 'issuer', field], 'is used by an earlier entry too')
      seen.add(value)
    }
  }

  issuer(spec: JwtAuthenticatorSpec, path: readonly PathSegment[]): IssuerConfiguration | undefined {
    this.#checkIssuer(spec.issuer, [...path, 'issuer'])
    const { claimMappings, claimValidationRules = [], userValidationRules = [] } = spec
    const at = [...path, 'claimMappings']
    const username = this.#prefixed(claimMappings.username, [...at, 'username'])
    const groups = this.#optionalPrefixed(claimMappings.groups, [...at, 'groups'])
    const uid = this.#uid(claimMappings.uid, [...at, 'uid'])
    const extra = this.#extra(claimMappings.extra ?? [], [...at, 'extra'])
    const claimRules = claimValidationRules.flatMap(
      (rule, index) => this.#claimRule(rule, [...path, 'claimValidationRules', index]) ?? [],
    )
    this.#checkEmailVerified(spec, at)
    const userRules = userValidationRules.flatMap(({ expression, message }, index) => {
      const program = this.#compile([...path, 'userValidationRules', index, 'expression'], expression, 'bool', 'user')
      return program === undefined ? [] : [{ program, message: message ?? '' }]
    })
    if (username === undefined) return undefined
    const { url, discoveryURL, certificateAuthority, audiences } = spec.issuer
    return {
      url,
      discoveryUrl: discoveryURL,
      certificateAuthority,
      audiences,
      username,
      groups,
      uid,
      extra,
      claimRules,
      userRules,
    }
  }

  #checkIssuer(issuer: JwtAuthenticatorSpec['issuer'], path: readonly PathSegment[]): void {
    const {
      url,
      discoveryURL,
      certificateAuthority,
      audiences,
      audienceMatchPolicy = '',
      egressSelectorType = '',
    } = issuer
    const insecureLoopback = this.#options.insecureLoopbackIssuers === true
    const problem =
      issuerUrlProblem(url, { insecureLoopback }) ?? (url.includes('?') ? 'must not have a query' : undefined)
    if (problem !== undefined) this.report('error', [...path, 'url'], problem)
    if (discoveryURL !== undefined) {
      const wrong =
        issuerUrlProblem(discoveryURL, { insecureLoopback }) ??
        (discoveryURL === url ? 'must differ from url' : undefined)
      if (wrong !== undefined)
        this.report('error', [...path, 'discoveryURL'], wrong, `the default is ${discoveryUrlOf(url)}`)
    }
    if (certificateAuthority !== undefined && !isCertificateBundle(certificateAuthority))
      this.report('error', [...path, 'certificateAuthority'], 'is not a list of PEM certificates')
    if (egressSelectorType !== '')
      this.report(
        'error',
        [...path, 'egressSelectorType'],
        'is not supported: there is no egress selector here',
        'remove it',
      )
    if (audiences.length > 1 && audienceMatchPolicy !== 'MatchAny')
      this.report('error', [...path, 'audienceMatchPolicy'], 'must be MatchAny when there are several audiences')
    for (const [index, audience] of audiences.entries()) {
      if (audiences.indexOf(audience) !== index) this.report('error', [...path, 'audiences', index], 'is listed twice')
      if (this.#options.serverAudiences?.has(audience) === false)
        this.report(
          'warning',
          [...path, 'audiences', index],
          'admits nobody here: no Server accepts this audience',
          'Server.spec.audiences decides; add it there or remove it here',
        )
    }
  }

  #compile(
    path: readonly PathSegment[],
    source: string,
    result: 'bool' | 'string' | 'dyn',
    over: 'claims' | 'user' = 'claims',
  ) {
    const environment = over === 'claims' ? claimsEnvironment : userEnvironment
    return compileAt(this.#document, this.findings, environment, path, source, result)
  }

  /** Exactly one of claim and expression; with a claim the prefix must be said, be it empty. */
  #prefixed(
    spec: PrefixedClaimSpec,
    path: readonly PathSegment[],
    result: 'string' | 'dyn' = 'string',
  ): ClaimSource | undefined {
    const { claim = '', prefix, expression = '' } = spec
    if (claim !== '' && expression !== '')
      this.report('error', path, 'has both claim and expression', 'keep one of them')
    else if (expression !== '') {
      if (prefix !== undefined)
        this.report('error', [...path, 'prefix'], 'goes with claim only', 'add the prefix in the expression')
      const program = this.#compile([...path, 'expression'], expression, result)
      return program === undefined ? undefined : { kind: 'expression', program }
    } else if (claim === '') this.report('error', path, 'needs a claim or an expression')
    else if (prefix === undefined)
      this.report('error', path, 'needs a prefix next to claim', 'write prefix: "" for none')
    else return { kind: 'claim', claim, prefix }
    return undefined
  }

  #optionalPrefixed(spec: PrefixedClaimSpec | undefined, path: readonly PathSegment[]): ClaimSource | undefined {
    return spec === undefined ? undefined : this.#prefixed(spec, path, 'dyn')
  }

  #uid(
    spec: { claim?: string | undefined; expression?: string | undefined } | undefined,
    path: readonly PathSegment[],
  ) {
    return spec === undefined
      ? undefined
      : this.#prefixed({ ...spec, ...(spec.claim !== undefined && { prefix: '' }) }, path)
  }

  #extra(entries: readonly { readonly key: string; readonly valueExpression: string }[], path: readonly PathSegment[]) {
    const seen = new Set<string>()
    return entries.flatMap(({ key, valueExpression }, index) => {
      const problem = seen.has(key) ? 'is used twice' : extraKeyProblem(key)
      seen.add(key)
      if (problem !== undefined) this.report('error', [...path, index, 'key'], problem)
      const program = this.#compile([...path, index, 'valueExpression'], valueExpression, 'dyn')
      return program === undefined ? [] : [{ key, program }]
    })
  }

  #claimRule(
    rule: NonNullable<JwtAuthenticatorSpec['claimValidationRules']>[number],
    path: readonly PathSegment[],
  ): ClaimRule | undefined {
    const { claim = '', requiredValue, expression = '', message } = rule
    if (claim !== '' && expression !== '')
      this.report('error', path, 'has both claim and expression', 'keep one of them')
    else if (expression !== '') {
      if (requiredValue !== undefined) this.report('error', [...path, 'requiredValue'], 'goes with claim only')
      const program = this.#compile([...path, 'expression'], expression, 'bool')
      return program === undefined ? undefined : { kind: 'expression', program, message: message ?? '' }
    } else if (claim === '') this.report('error', path, 'needs a claim or an expression')
    else if (message !== undefined) this.report('error', [...path, 'message'], 'goes with expression only')
    else return { kind: 'required', claim, value: requiredValue ?? '' }
    return undefined
  }

  /** A username from `email` is only as good as its verification: the API server insists, and so do we. */
  #checkEmailVerified(
    { claimMappings, claimValidationRules = [] }: JwtAuthenticatorSpec,
    path: readonly PathSegment[],
  ): void {
    const username = claimMappings.username.expression ?? ''
    if (!readsEmail(username)) return
    const others = [
      username,
      ...(claimMappings.extra ?? []).map(({ valueExpression }) => valueExpression),
      ...claimValidationRules.map(({ expression = '' }) => expression),
    ]
    if (others.some(readsEmailVerified)) return
    this.report(
      'error',
      [...path, 'username', 'expression'],
      'uses claims.email, but nothing uses claims.email_verified',
      "add a claimValidationRule such as '!has(claims.email_verified) || claims.email_verified == true'",
    )
  }
}

/** Where OpenID Connect Discovery 1.0, section 4, puts the document. */
export function discoveryUrlOf(issuer: string): string {
  return `${issuer.endsWith('/') ? issuer.slice(0, -1) : issuer}/.well-known/openid-configuration`
}

function isCertificateBundle(pem: string): boolean {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? []
  return blocks.length > 0 && blocks.every(isCertificate)
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== ''
  } catch {
    return false
  }
}

/** `domain/path`, lower-case, and not a domain that belongs to Kubernetes. */
function extraKeyProblem(key: string): string | undefined {
  const slash = key.indexOf('/')
  const domain = key.slice(0, Math.max(slash, 0))
  if (slash < 1 || slash === key.length - 1) return 'must be a domain and a path, such as example.com/team'
  if (key !== key.toLowerCase()) return 'must be lower-case'
  if (domain.length > 253 || !domain.split('.').every(label => /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(label)))
    return 'must begin with a domain name, such as example.com/team'
  if (!/^[a-z0-9\-._~%!$&'()*+,;=:@/]+$/.test(key.slice(slash + 1)))
    return 'has a path with characters that are not allowed'
  if (['k8s.io', 'kubernetes.io'].some(owned => domain === owned || domain.endsWith(`.${owned}`)))
    return 'must not use a domain of Kubernetes (k8s.io, kubernetes.io)'
  return undefined
}
