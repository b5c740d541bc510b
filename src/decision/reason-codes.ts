import type { IdentityReason, KeysReason } from '../identity/reasons.js'
import type { ProtocolReason } from '../protocol/reasons.js'
import type { AuthorizerReason } from '../rbac/authorizer.js'
import type { CatalogReason } from '../rbac/tool-catalog.js'

/** The stages, in the order in which they decide; `dependency` and `internal` replace any of them. */
export type Stage =
  | 'framing'
  | 'server'
  | 'identity'
  | 'message'
  | 'method'
  | 'session'
  | 'authorization'
  | 'guardrail'
  | 'policy'
  | 'dependency'
  | 'internal'

export type ServerReason = 'server.unknown' | 'server.path'

export type AuthorizationReason =
  | 'authorization.tool_unknown'
  | 'authorization.tool_refused'
  | 'authorization.no_operation'
  | 'authorization.rbac'
  | 'authorization.virtual'
  | 'authorization.grant'
  | 'authorization.scope'
  | 'authorization.connect'

/** Why the server behind cannot get the credentials that its document asks for. */
export type UpstreamReason =
  | 'authorization.upstream_audience'
  | 'authorization.upstream_identity'
  | 'authorization.exchange_refused'
  | 'dependency.token_exchange'
  | 'dependency.signing'

export type GuardrailReason = 'guardrail.violated' | 'guardrail.error'

export type OtherReason = 'policy.error' | 'policy.not_loaded' | 'dependency.overloaded' | 'internal.error'

/** Every reason that a decision can carry: `stage.detail`, stable, documented in docs/reason-codes.md, never reused. */
export type ReasonCode =
  | ProtocolReason
  | ServerReason
  | IdentityReason
  | KeysReason
  | AuthorizerReason
  | CatalogReason
  | AuthorizationReason
  | UpstreamReason
  | GuardrailReason
  | OtherReason

export function stageOf(reason: ReasonCode): Stage {
  return reason.slice(0, reason.indexOf('.')) as Stage
}
