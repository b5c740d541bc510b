import type { PathSegment, SourceDocument } from '../../documents/source-document.js'
import { aggregateClusterRoles } from '../../rbac/aggregate-cluster-roles.js'
import { describeBinding } from '../../rbac/describe-binding.js'
import { itemPath, parseRbac } from '../../rbac/parse-rbac.js'
import { type CompiledRule, compileRule } from '../../rbac/policy-rule.js'
import type { ClusterRole, ClusterRoleBinding, PolicyRule, RoleBinding } from '../../rbac/rbac-objects.js'

type Add = (rule: string, document: SourceDocument, path: readonly PathSegment[]) => void

const kinds: ReadonlySet<string> = new Set(['Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding', 'List'])

/** Finds the binding and the rule behind what RBAC allowed. */
export class RbacCoverage {
  /** By what the authorizer says when a subject of it is allowed something. */
  readonly #bindings = new Map<string, { readonly key: string; readonly rules: () => readonly PolicyRule[] }>()
  readonly #rules = new Map<PolicyRule, { readonly key: string; readonly compiled: CompiledRule }>()

  /** @param add is told of every binding, and of every rule of a role */
  constructor(documents: readonly SourceDocument[], add: Add) {
    const roles = new Map<string, readonly PolicyRule[]>()
    const clusterRoles: ClusterRole[] = []
    const bindings: (RoleBinding | ClusterRoleBinding)[] = []
    for (const document of documents) {
      if (!kinds.has(document.kind)) continue
      for (const [index, object] of (parseRbac(document).value ?? []).entries()) {
        const path = itemPath(document, index)
        const namespace = 'namespace' in object ? object.namespace : ''
        const key = keyOf(object.kind, namespace, object.name)
        if (object.kind === 'RoleBinding' || object.kind === 'ClusterRoleBinding') {
          add(key, document, path)
          bindings.push(object)
          continue
        }
        for (const [at, rule] of object.rules.entries()) {
          const part = `${key} rules[${at}]`
          add(part, document, [...path, 'rules', at])
          this.#rules.set(rule, { key: part, compiled: compileRule(rule) })
        }
        if (object.kind === 'ClusterRole') clusterRoles.push(object)
        else roles.set(key, object.rules)
      }
    }
    const ofCluster = new Map(aggregateClusterRoles(clusterRoles))
    for (const binding of bindings) {
      const namespace = binding.kind === 'RoleBinding' ? binding.namespace : ''
      const { kind, name } = binding.roleRef
      const rules = () => (kind === 'Role' ? roles.get(keyOf(kind, namespace, name)) : ofCluster.get(name)) ?? []
      const key = keyOf(binding.kind, namespace, binding.name)
      for (const subject of binding.subjects)
        this.#bindings.set(`RBAC: allowed by ${describeBinding(binding, subject)}`, { key, rules })
    }
  }

  /** The binding, and the first rule of its role that allows. */
  allowedBy(reason: string, allows: (rule: CompiledRule) => boolean): readonly string[] {
    const binding = this.#bindings.get(reason)
    if (binding === undefined) return []
    for (const rule of binding.rules()) {
      const known = this.#rules.get(rule)
      if (known !== undefined && allows(known.compiled)) return [binding.key, known.key]
    }
    return [binding.key]
  }
}

function keyOf(kind: string, namespace: string, name: string): string {
  return namespace === '' ? `${kind}/${name}` : `${kind}/${namespace}/${name}`
}
