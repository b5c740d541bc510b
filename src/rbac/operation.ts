import type { JsonValue } from '../protocol/json-value.js'

/** Attributes of a Kubernetes authorization request (SubjectAccessReview, `resourceAttributes`). */
export interface ResourceAttributes {
  readonly verb: string
  /** API group, "" is core. */
  readonly group: string
  readonly resource: string
  /** "" for none. */
  readonly subresource: string
  /** "" for cluster scope or all namespaces. */
  readonly namespace: string
  /** "" for none (list, create). */
  readonly name: string
}

/** One Kubernetes action that a call amounts to. */
export interface Operation extends ResourceAttributes {
  readonly version: string
  readonly clusterScoped: boolean
  /** The manifest that the operation would write, if there is one. */
  readonly object: JsonValue | undefined
}
