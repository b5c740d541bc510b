import type { FieldRequirement } from './field-selector.js'
import type { LabelRequirement } from './label-selector.js'

/** Who is asked about: the one whose request is judged, or a ServiceAccount that the expression names instead. */
export type AuthorizationUser = 'caller' | ServiceAccountUser

/** As a token of that ServiceAccount would make it, but for `system:authenticated`, which Kubernetes leaves out here too. */
export interface ServiceAccountUser {
  readonly name: string
  readonly groups: readonly string[]
}

export interface PathRequest {
  readonly kind: 'path'
  readonly user: AuthorizationUser
  readonly path: string
  /** An HTTP method in lower case, as the expression writes it. */
  readonly verb: string
}

/** The API version is always `*`. */
export interface ResourceRequest {
  readonly kind: 'resource'
  readonly user: AuthorizationUser
  readonly verb: string
  readonly group: string
  readonly resource: string
  readonly subresource: string
  /** Empty: in all namespaces, or the resource has none. */
  readonly namespace: string
  readonly name: string
  /** undefined: none was given, or one that does not parse (then the check is about more objects, never fewer). */
  readonly fieldSelector: readonly FieldRequirement[] | undefined
  readonly labelSelector: readonly LabelRequirement[] | undefined
}

export type AuthorizationRequest = PathRequest | ResourceRequest

export interface AuthorizationDecision {
  /** No opinion is `false`. */
  readonly allowed: boolean
  readonly reason: string
  /** That the authorizer could not tell. The expression goes on; it may ask with `errored()`. */
  readonly error: string | undefined
}

/**
 * What answers checks. Evaluation is synchronous: for what a host does not know yet it says `pending`, which suspends the
 * evaluation; its outcome names the requests. Once they are answered the expression is evaluated again, from the beginning.
 */
export interface AuthorizerHost {
  /** Must not throw, and must give the same answer to the same request until the last evaluation that needs it. */
  check(request: AuthorizationRequest): AuthorizationDecision | 'pending'
}

/** A text for a request that no other request has: to remember answers by. */
export function authorizationKey(request: AuthorizationRequest): string {
  return JSON.stringify(request)
}
