import type { UserInfo } from '../identity/principal.js'
import type { ResourceAttributes } from './operation.js'

export type AuthorizerReason = 'dependency.api_server' | 'dependency.timeout' | 'dependency.rbac_stale'

export type Access =
  | { readonly allowed: true; readonly reason: string }
  /** `reason` holds what the authorizer said; "" for a plain "no rule allows it". */
  | { readonly allowed: false; readonly reason: string }
  /** It could not be asked: the dependency's code replaces the verdict. */
  | { readonly allowed: false; readonly failed: AuthorizerReason; readonly reason: string }

/** Answers "may this user do this?" with the semantics of Kubernetes RBAC. Never throws and never rejects. */
export interface Authorizer {
  authorize(user: UserInfo, attributes: ResourceAttributes): Access | Promise<Access>
}
