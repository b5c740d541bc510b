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

/** A part of a field or label selector, as a SubjectAccessReview writes it. */
export interface SelectorRequirement {
  readonly key: string
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'
  readonly values: readonly string[]
}

/** What an authorizer is asked about a resource. RBAC looks at no selector; other authorizers of a cluster may. */
export interface AccessAttributes extends ResourceAttributes {
  readonly fieldSelector?: readonly SelectorRequirement[]
  readonly labelSelector?: readonly SelectorRequirement[]
}

/** A request that is for no resource (`nonResourceAttributes` of a SubjectAccessReview). */
export interface UrlAttributes {
  /** An HTTP method in lower case. */
  readonly verb: string
  readonly path: string
}

/** One Kubernetes action that a call amounts to. */
export interface Operation extends ResourceAttributes {
  readonly version: string
  readonly clusterScoped: boolean
  /** The manifest that the operation would write, if there is one. */
  readonly object: JsonValue | undefined
}
