import type { UserInfo } from '../identity/principal.js'
import { atOnce, forEachSliced, type Sliced } from '../sliced.js'
import { aggregateErrors } from './aggregate-errors.js'
import type { Access, Authorizer } from './authorizer.js'
import { type BindingIndex, createBindingIndex, entriesFor, type Scope } from './binding-index.js'
import type { AccessAttributes, ResourceAttributes, UrlAttributes } from './operation.js'
import type { CompiledRule, PossibleAttributes } from './policy-rule.js'
import type { RbacObject } from './rbac-objects.js'
import { rbacKey } from './rbac-objects.js'
import { createRoleResolver } from './role-rules.js'
import { type WhatCan, whatCan } from './what-can.js'
import { type WhoCan, whoCan } from './who-can.js'

/** An {@link Authorizer} that holds everything it needs: its answers are never promises and never failures. */
export interface EmbeddedAuthorizer extends Authorizer {
  authorize(user: UserInfo, attributes: AccessAttributes): Access
  /** Only ClusterRoleBindings give URLs: such a request has no namespace. */
  authorizeUrl(user: UserInfo, attributes: UrlAttributes): Access
  /**
   * Whether {@link authorize} would allow the request for some value of what is not known of it yet: with no namespace,
   * "in any namespace?". Cost: the user's own bindings.
   */
  mayAllow(user: UserInfo, attributes: PossibleAttributes): boolean
  /** Whether {@link authorize} would allow the request in at least one namespace. */
  canInAnyNamespace(user: UserInfo, attributes: Omit<ResourceAttributes, 'namespace'>): boolean
  /**
   * Where {@link authorize} would allow the request, for some value of what else is not known of it: in all namespaces and
   * without one, or in these (in order).
   */
  namespacesWhere(user: UserInfo, attributes: Omit<PossibleAttributes, 'namespace'>): 'all' | readonly string[]
  /** Who may do this? Looks at every binding. @param limit of subjects, default 1,000 */
  whoCan(attributes: ResourceAttributes | UrlAttributes, limit?: number): WhoCan
  /** What may a user do? @param namespace default "": the rules that hold everywhere. @param limit of rules, default 10,000 */
  whatCan(user: UserInfo, namespace?: string, limit?: number): WhatCan
}

const mostSubjects = 1_000
const mostRules = 10_000

/**
 * Evaluates RBAC objects like the RBAC authorizer of kube-apiserver (plugin/pkg/auth/authorizer/rbac/rbac.go): first the
 * ClusterRoleBindings, then, if the request has a namespace, the RoleBindings of exactly that namespace; the first rule
 * that matches allows. Reasons are the API server's own texts. The cost grows with the bindings that concern the user, not
 * with all of them.
 *
 * `system:masters` means nothing here: in the API server another authorizer handles it before RBAC is asked. No token can
 * carry it anyway, because names that begin with `system:` are refused at authentication.
 *
 * Two objects of the same kind, namespace and name contradict each other: neither counts (loading reports them).
 */
export function createEmbeddedAuthorizer(objects: readonly RbacObject[]): EmbeddedAuthorizer {
  return atOnce(buildEmbeddedAuthorizer(objects))
}

/** {@link createEmbeddedAuthorizer} in slices, for objects that are many and change while requests are answered. */
export function* buildEmbeddedAuthorizer(objects: readonly RbacObject[]): Sliced<EmbeddedAuthorizer> {
  const unique = yield* withoutContradictions(objects)
  const index = yield* createBindingIndex(unique, yield* createRoleResolver(unique))
  const { cluster, namespaces, anyNamespace } = index

  return {
    authorize(user, attributes) {
      const { namespace } = attributes
      const inCluster = firstToAllow(cluster, user, attributes)
      if (inCluster !== undefined) return inCluster
      const local = namespace === '' ? undefined : namespaces.get(namespace)
      return (local && firstToAllow(local, user, attributes)) ?? denied(local ? [cluster, local] : [cluster], user)
    },
    authorizeUrl(user, { verb, path }) {
      for (const { bound, allowed } of entriesFor(cluster, user))
        if (bound.rules.ok && bound.rules.rules.some(rule => rule.allowsUrl(verb, path))) return allowed
      return denied([cluster], user)
    },
    mayAllow: (user, attributes) => mayAllow(index, user, attributes),
    canInAnyNamespace: (user, attributes) => mayAllow(index, user, { ...attributes, namespace: undefined }),
    namespacesWhere(user, attributes) {
      if (mayAllow(index, user, { ...attributes, namespace: '' })) return 'all'
      const allows = (rule: CompiledRule) => rule.mayAllow({ ...attributes, namespace: undefined })
      const found = entriesFor(anyNamespace, user).filter(
        ({ bound }) => bound.rules.ok && bound.rules.rules.some(allows),
      )
      return [...new Set(found.map(({ bound }) => bound.namespace))].sort()
    },
    whoCan: (asked, limit = mostSubjects) =>
      'path' in asked
        ? whoCan(index, '', limit, rule => rule.allowsUrl(asked.verb, asked.path))
        : whoCan(index, asked.namespace, limit, rule => rule.allows(asked)),
    whatCan: (user, namespace = '', limit = mostRules) => whatCan(index, user, namespace, limit),
  }
}

function firstToAllow(scope: Scope, user: UserInfo, attributes: ResourceAttributes): Access | undefined {
  for (const { bound, allowed } of entriesFor(scope, user)) {
    if (!bound.rules.ok) continue
    for (const rule of bound.rules.rules) if (rule.allows(attributes)) return allowed
  }
  return undefined
}

const nothing: Access = { allowed: false, reason: '' }

/** A denial says which bindings of the user are broken, and nothing when none is. */
function denied(scopes: readonly Scope[], user: UserInfo): Access {
  const errors: string[] = []
  for (const scope of scopes)
    for (const { bound } of entriesFor(scope, user)) if (!bound.rules.ok) errors.push(bound.rules.error)
  return errors.length === 0 ? nothing : { allowed: false, reason: `RBAC: ${aggregateErrors(errors)}` }
}

function mayAllow(
  { cluster, namespaces, anyNamespace }: BindingIndex,
  user: UserInfo,
  asked: PossibleAttributes,
): boolean {
  const local = asked.namespace === undefined ? anyNamespace : namespaces.get(asked.namespace)
  const allows = (rule: CompiledRule) => rule.mayAllow(asked)
  for (const scope of local === undefined || asked.namespace === '' ? [cluster] : [cluster, local])
    for (const { bound } of entriesFor(scope, user)) if (bound.rules.ok && bound.rules.rules.some(allows)) return true
  return false
}

function* withoutContradictions(objects: readonly RbacObject[]): Sliced<RbacObject[]> {
  const first = new Map<string, RbacObject>()
  const contradicted = new Set<RbacObject>()
  yield* forEachSliced(objects, object => {
    const key = rbacKey(object.kind, 'namespace' in object ? object.namespace : '', object.name)
    const other = first.get(key)
    if (other === undefined) first.set(key, object)
    else contradicted.add(other).add(object)
  })
  return contradicted.size === 0 ? [...objects] : objects.filter(object => !contradicted.has(object))
}
