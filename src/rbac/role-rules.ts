import { forEachSliced, type Sliced } from '../sliced.js'
import { aggregateClusterRoles } from './aggregate-cluster-roles.js'
import { goQuote } from './go-quote.js'
import { type CompiledRule, compileRule } from './policy-rule.js'
import { type PolicyRule, type RbacObject, type RoleRef, rbacKey } from './rbac-objects.js'

/** What a binding gives, or why it gives nothing, in the API server's words. */
export type RoleRules =
  | { readonly ok: true; readonly rules: readonly CompiledRule[] }
  | { readonly ok: false; readonly error: string }

/** Finds the rules that a binding refers to; `namespace` is the binding's, "" for a ClusterRoleBinding. */
export type ResolveRole = (ref: RoleRef, namespace: string) => RoleRules

// Aggregated roles share the rules of others, and all of them outlive most changes: each is compiled once.
const compiled = new WeakMap<PolicyRule, CompiledRule>()

function compileOnce(rule: PolicyRule): CompiledRule {
  const known = compiled.get(rule)
  if (known !== undefined) return known
  const one = compileRule(rule)
  compiled.set(rule, one)
  return one
}

/**
 * Resolves references to roles (pkg/registry/rbac/validation/rule.go, GetRoleReferenceRules), aggregation applied. A Role
 * is looked for in the binding's own namespace; apiGroup is not looked at.
 */
export function* createRoleResolver(objects: readonly RbacObject[]): Sliced<ResolveRole> {
  const roles = new Map<string, RoleRules>()
  const compile = (rules: readonly PolicyRule[]): RoleRules => ({ ok: true, rules: rules.map(compileOnce) })
  const ofCluster = aggregateClusterRoles(objects.filter(object => object.kind === 'ClusterRole'))
  yield* forEachSliced(ofCluster, ([name, rules]) => roles.set(rbacKey('ClusterRole', '', name), compile(rules)))
  yield* forEachSliced(objects, object => {
    if (object.kind === 'Role') roles.set(rbacKey('Role', object.namespace, object.name), compile(object.rules))
  })

  return (ref, namespace) => {
    if (ref.kind !== 'Role' && ref.kind !== 'ClusterRole')
      return { ok: false, error: `unsupported role reference kind: ${goQuote(ref.kind)}` }
    const role = roles.get(rbacKey(ref.kind, ref.kind === 'Role' ? namespace : '', ref.name))
    const resource = `${ref.kind.toLowerCase()}.rbac.authorization.k8s.io`
    return role ?? { ok: false, error: `${resource} ${goQuote(ref.name)} not found` }
  }
}
