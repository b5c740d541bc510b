import type { ClusterRole, LabelRequirement, LabelSelector, PolicyRule } from './rbac-objects.js'

/**
 * The rules of every ClusterRole by name, aggregation applied. In a cluster a controller does this
 * (pkg/controller/clusterroleaggregation): it replaces `rules` by those of the selected roles and runs again whenever one
 * of them changes. What it converges to is the rules of all ordinary roles that can be reached over selectors; walking
 * there is bounded by the number of roles, and a cycle of aggregated roles ends with nothing of its own.
 */
export function aggregateClusterRoles(roles: Iterable<ClusterRole>): ReadonlyMap<string, readonly PolicyRule[]> {
  const sorted = [...roles].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  const selected = new Map<ClusterRole, readonly ClusterRole[]>()
  for (const role of sorted) {
    const selectors = role.aggregation
    if (selectors === undefined) continue
    selected.set(
      role,
      sorted.filter(other => other !== role && selectors.some(selector => selects(selector, other.labels))),
    )
  }
  const rules = new Map<string, readonly PolicyRule[]>()
  for (const role of sorted) rules.set(role.name, selected.has(role) ? reachableRules(role, selected) : role.rules)
  return rules
}

function reachableRules(
  start: ClusterRole,
  selected: ReadonlyMap<ClusterRole, readonly ClusterRole[]>,
): readonly PolicyRule[] {
  const seen = new Set<ClusterRole>([start])
  const rules = new Map<string, PolicyRule>()
  // A Set is iterated in the order of insertion, members added on the way included.
  for (const role of seen) {
    const next = selected.get(role)
    if (next !== undefined) for (const other of next) seen.add(other)
    else for (const rule of role.rules) rules.set(JSON.stringify(rule), rule)
  }
  return [...rules.values()]
}

/** metav1.LabelSelector semantics: all requirements hold; NotIn and DoesNotExist hold for an absent label. */
export function selects(selector: LabelSelector, labels: ReadonlyMap<string, string>): boolean {
  for (const [key, value] of selector.matchLabels) if (labels.get(key) !== value) return false
  return selector.matchExpressions.every(requirement => holds(requirement, labels))
}

function holds({ key, operator, values }: LabelRequirement, labels: ReadonlyMap<string, string>): boolean {
  const value = labels.get(key)
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
  }
}
