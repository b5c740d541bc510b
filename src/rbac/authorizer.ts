import type { UserInfo } from '../identity/principal.js'
import type { AccessAttributes, UrlAttributes } from './operation.js'

export type AuthorizerReason = 'dependency.api_server' | 'dependency.timeout' | 'dependency.rbac_stale'

export type Access =
  | { readonly allowed: true; readonly reason: string }
  /** `reason` holds what the authorizer said; "" for a plain "no rule allows it". */
  | { readonly allowed: false; readonly reason: string }
  /** It could not be asked: the dependency's code replaces the verdict. */
  | { readonly allowed: false; readonly failed: AuthorizerReason; readonly reason: string }

/**
 * Answers "may this user do this?" as the API server would. Now if it knows, which warm requests depend on; else it promises.
 * Never throws and never rejects.
 */
export interface Authorizer {
  authorize(user: UserInfo, attributes: AccessAttributes): Access | Promise<Access>
  authorizeUrl(user: UserInfo, attributes: UrlAttributes): Access | Promise<Access>
}
