/** A request as the program in go/ reads it. */
export interface OracleRequest {
  readonly user: string
  readonly groups: readonly string[]
  readonly verb: string
  readonly group: string
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  /** Present: a request for a URL. */
  readonly path?: string
}

export interface Question {
  /** Manifests: plain JSON. */
  readonly objects: readonly unknown[]
  /** True: nothing is validated, so that objects reach the authorizer that no API server would store. */
  readonly trust: boolean
  readonly requests: readonly OracleRequest[]
}

export interface Answer {
  readonly allowed: boolean
  readonly reason: string
  /** What Authorize returned as an error; RBAC never does. */
  readonly error?: string
}

export interface Reply {
  /** Why each object would be refused; "" where it would not. */
  readonly refused: readonly string[]
  readonly answers: readonly Answer[]
  /** What a SelfSubjectRulesReview says to the user of the first request; undefined without requests. */
  readonly review?: Review
}

/** The rules as Go writes them: fields in upper case, and null for an empty list. */
export interface Review {
  readonly resource: readonly RuleInfo[] | null
  readonly nonResource: readonly RuleInfo[] | null
  readonly incomplete: boolean
  readonly error: string
}

export type RuleInfo = { readonly [Field in RuleField]?: readonly string[] | null }
export type RuleField = 'Verbs' | 'APIGroups' | 'Resources' | 'ResourceNames' | 'NonResourceURLs'
