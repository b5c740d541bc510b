import type { CelEnvironment, CelProgram } from '../cel/environment.js'
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
import { markedExpression } from './explicit-names.js'
import { compileAt, type ExpressionResult, kubernetesClaimsEnvironment, userEnvironment } from './expressions.js'
import { extraKeyProblem } from './extra-key.js'
import type { ClaimRule, ClaimSource, IssuerConfiguration } from './issuer-configuration.js'
import { issuerProblems } from './issuer-problems.js'

export interface AuthenticationConfiguration {
  readonly document: SourceDocument
  readonly issuers: readonly IssuerConfiguration[]
}

export interface AuthenticationOptions {
  /** Accept http issuers on loopback addresses. Default false; for demos and tests. */
  readonly insecureLoopbackIssuers?: boolean
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
  if (anonymous?.enabled === false && (anonymous.conditions ?? []).length > 0)
    reader.report('error', ['anonymous', 'conditions'], 'go with enabled: true only', 'remove them')
  else if (anonymous?.enabled === true)
    reader.report('warning', ['anonymous'], 'admits nobody here', 'Server.spec.anonymous decides; remove the stanza')
  if (jwt.length === 0)
    reader.report('warning', ['jwt'], 'no issuer is configured, so no token will be accepted', 'add an entry to jwt')
  const issuers = jwt.flatMap((spec, index) => reader.issuer(spec, ['jwt', index]) ?? [])
  reader.unique(
    jwt.map(({ issuer }) => issuer.url),
    index => ['jwt', index, 'issuer', 'url'],
  )
  reader.unique(
    jwt.map(({ issuer }) => issuer.discoveryURL),
    index => ['jwt', index, 'issuer', 'discoveryURL'],
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

  /** Entries without the value ("" too) do not count. */
  unique(values: readonly (string | undefined)[], pathOf: (index: number) => readonly PathSegment[]): void {
    const seen = new Set<string>()
    for (const [index, value = ''] of values.entries()) {
      if (value === '') continue
      if (seen.has(value)) this.report('error', pathOf(index), 'is used by an earlier entry too')
      seen.add(value)
    }
  }

  issuer(spec: JwtAuthenticatorSpec, path: readonly PathSegment[]): IssuerConfiguration | undefined {
    for (const { severity, field, message, hint } of issuerProblems(spec.issuer, this.#options))
      this.report(severity, [...path, 'issuer', ...field], message, hint)
    const { claimMappings, claimValidationRules = [], userValidationRules = [] } = spec
    const at = [...path, 'claimMappings']
    const username = this.#prefixed(claimMappings.username, [...at, 'username'])
    const groups = this.#optionalPrefixed(claimMappings.groups, [...at, 'groups'])
    const uid = this.#uid(claimMappings.uid, [...at, 'uid'])
    const extra = this.#extra(claimMappings.extra ?? [], [...at, 'extra'])
    const claimRules = claimValidationRules.flatMap(
      (rule, index) => this.#claimRule(rule, [...path, 'claimValidationRules', index]) ?? [],
    )
    for (const field of ['claim', 'expression'] as const)
      this.unique(
        claimValidationRules.map(rule => rule[field]),
        index => [...path, 'claimValidationRules', index, field],
      )
    this.unique(
      userValidationRules.map(({ expression }) => expression),
      index => [...path, 'userValidationRules', index, 'expression'],
    )
    this.#checkEmailVerified(spec, at)
    const userRules = userValidationRules.flatMap(({ expression, message }, index) => {
      const at = [...path, 'userValidationRules', index, 'expression']
      const program = this.#compile(at, expression, 'condition', userEnvironment)
      return program === undefined ? [] : [{ program, message: message ?? '' }]
    })
    if (username === undefined) return undefined
    const { url, discoveryURL, certificateAuthority, audiences } = spec.issuer
    return {
      url,
      discoveryUrl: discoveryURL === '' ? undefined : discoveryURL,
      certificateAuthority: certificateAuthority === '' ? undefined : certificateAuthority,
      audiences,
      username,
      groups,
      uid,
      extra,
      claimRules,
      userRules,
    }
  }

  #compile(
    path: readonly PathSegment[],
    source: string,
    result: ExpressionResult,
    environment: CelEnvironment = kubernetesClaimsEnvironment,
  ) {
    return compileAt(this.#document, this.findings, environment, path, source, result)
  }

  /** Exactly one of claim and expression; with a claim the prefix must be said, be it empty. */
  #prefixed(
    spec: PrefixedClaimSpec,
    path: readonly PathSegment[],
    result: 'string' | 'texts' = 'string',
  ): ClaimSource | undefined {
    const { claim = '', prefix, expression = '' } = spec
    if (claim !== '' && expression !== '')
      this.report('error', path, 'has both claim and expression', 'keep one of them')
    else if (expression !== '') {
      if (prefix !== undefined)
        this.report('error', [...path, 'prefix'], 'goes with claim only', 'add the prefix in the expression')
      const program = this.#compile([...path, 'expression'], expression, result)
      return program === undefined ? undefined : { kind: 'expression', program, marked: this.#marked(expression) }
    } else if (claim === '') this.report('error', path, 'needs a claim or an expression')
    else if (prefix === undefined)
      this.report('error', path, 'needs a prefix next to claim', 'write prefix: "" for none')
    else return { kind: 'claim', claim, prefix }
    return undefined
  }

  #optionalPrefixed(spec: PrefixedClaimSpec | undefined, path: readonly PathSegment[]): ClaimSource | undefined {
    const { claim = '', expression = '', prefix } = spec ?? {}
    if (spec !== undefined && (claim !== '' || expression !== '')) return this.#prefixed(spec, path, 'texts')
    // The API server takes this for no groups.
    if (prefix !== undefined)
      this.report('warning', [...path, 'prefix'], 'does nothing without claim', 'name the claim that holds the groups')
    return undefined
  }

  /** The expression with its reserved names marked; undefined when it has none that could be a result. */
  #marked(expression: string): CelProgram | undefined {
    const source = markedExpression(expression)
    const compiled = source === undefined ? undefined : kubernetesClaimsEnvironment.compile(source)
    return compiled?.ok === true ? compiled.program : undefined
  }

  #uid(
    spec: { claim?: string | undefined; expression?: string | undefined } | undefined,
    path: readonly PathSegment[],
  ) {
    const { claim = '', expression = '' } = spec ?? {}
    if (claim === '' && expression === '') return undefined
    return this.#prefixed({ claim, expression, ...(claim !== '' && { prefix: '' }) }, path)
  }

  #extra(entries: readonly { readonly key: string; readonly valueExpression: string }[], path: readonly PathSegment[]) {
    const seen = new Set<string>()
    return entries.flatMap(({ key, valueExpression }, index) => {
      const problem = seen.has(key) ? 'is used twice' : extraKeyProblem(key)
      seen.add(key)
      if (problem !== undefined) this.report('error', [...path, index, 'key'], problem)
      const program = this.#compile([...path, index, 'valueExpression'], valueExpression, 'texts')
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
      if (requiredValue !== undefined && requiredValue !== '')
        this.report('error', [...path, 'requiredValue'], 'goes with claim only')
      const program = this.#compile([...path, 'expression'], expression, 'condition')
      return program === undefined ? undefined : { kind: 'expression', program, message: message ?? '' }
    } else if (claim === '') this.report('error', path, 'needs a claim or an expression')
    else if (message !== undefined && message !== '')
      this.report('error', [...path, 'message'], 'goes with expression only')
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
