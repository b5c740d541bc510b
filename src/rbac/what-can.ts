import type { UserInfo } from '../identity/principal.js'
import { aggregateErrors } from './aggregate-errors.js'
import { type BindingIndex, entriesFor } from './binding-index.js'

export interface ResourceRule {
  readonly verbs: readonly string[]
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly resourceNames: readonly string[]
  /** The binding that gives it, in the API server's words. */
  readonly by: string
}

export interface NonResourceRule {
  readonly verbs: readonly string[]
  readonly nonResourceURLs: readonly string[]
  readonly by: string
}

/** The status of a SelfSubjectRulesReview (authorization.k8s.io/v1), with the origin of every rule. */
export interface WhatCan {
  readonly resourceRules: readonly ResourceRule[]
  readonly nonResourceRules: readonly NonResourceRule[]
  /** True where there are more rules than the limit. RBAC itself never says it: broken bindings stand in the error. */
  readonly incomplete: boolean
  /** What is wrong with bindings of the user, such as missing roles; "" for nothing. */
  readonly evaluationError: string
}

/**
 * The rules of a user in a namespace ("" for those that hold everywhere), in the API server's order: those of the cluster
 * first. nonResourceRules of RoleBindings are listed as there, although no request for a URL has a namespace.
 */
export function whatCan(index: BindingIndex, user: UserInfo, namespace: string, limit: number): WhatCan {
  const resourceRules: ResourceRule[] = []
  const nonResourceRules: NonResourceRule[] = []
  const errors: string[] = []
  let incomplete = false
  const local = namespace === '' ? undefined : index.namespaces.get(namespace)
  for (const scope of local === undefined ? [index.cluster] : [index.cluster, local]) {
    for (const { bound, source: by } of entriesFor(scope, user)) {
      if (!bound.rules.ok) {
        errors.push(bound.rules.error)
        continue
      }
      for (const { rule } of bound.rules.rules) {
        const { verbs, apiGroups, resources, resourceNames, nonResourceURLs } = rule
        if (resourceRules.length + nonResourceRules.length >= limit) incomplete = true
        if (incomplete) break
        if (resources.length > 0) resourceRules.push({ verbs, apiGroups, resources, resourceNames, by })
        if (nonResourceURLs.length > 0) nonResourceRules.push({ verbs, nonResourceURLs, by })
      }
    }
  }
  return { resourceRules, nonResourceRules, incomplete, evaluationError: aggregateErrors(errors) }
}
