/** One rule of a role (rbac.authorization.k8s.io/v1, PolicyRule). An absent list is an empty one. */
export interface PolicyRule {
  readonly verbs: readonly string[]
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  /** Empty: any name. */
  readonly resourceNames: readonly string[]
  readonly nonResourceURLs: readonly string[]
}

export const labelOperators = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const

export interface LabelRequirement {
  readonly key: string
  readonly operator: (typeof labelOperators)[number]
  readonly values: readonly string[]
}

/** metav1.LabelSelector. Without any requirement it selects everything. */
export interface LabelSelector {
  readonly matchLabels: ReadonlyMap<string, string>
  readonly matchExpressions: readonly LabelRequirement[]
}

export interface Subject {
  /** User, Group or ServiceAccount; any other kind matches nobody. */
  readonly kind: string
  readonly name: string
  /** ServiceAccounts only; "" means the namespace of the RoleBinding. */
  readonly namespace: string
}

export interface RoleRef {
  readonly kind: string
  readonly name: string
}

export interface Role {
  readonly kind: 'Role'
  readonly name: string
  readonly namespace: string
  readonly rules: readonly PolicyRule[]
}

export interface ClusterRole {
  readonly kind: 'ClusterRole'
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  readonly rules: readonly PolicyRule[]
  /** Present: the rules are those of the selected ClusterRoles, and `rules` counts for nothing. */
  readonly aggregation: readonly LabelSelector[] | undefined
}

export interface RoleBinding {
  readonly kind: 'RoleBinding'
  readonly name: string
  readonly namespace: string
  readonly roleRef: RoleRef
  readonly subjects: readonly Subject[]
}

export interface ClusterRoleBinding {
  readonly kind: 'ClusterRoleBinding'
  readonly name: string
  readonly roleRef: RoleRef
  readonly subjects: readonly Subject[]
}

export type RbacObject = Role | ClusterRole | RoleBinding | ClusterRoleBinding

/** What makes an object the same object: kind, namespace and name. NUL is in none of them. */
export function rbacKey(kind: string, namespace: string, name: string): string {
  return `${kind}\0${namespace}\0${name}`
}
