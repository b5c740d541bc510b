import { compareNames } from './compare-names.js'
import type { ClusterRole, LabelRequirement, LabelSelector, PolicyRule } from './rbac-objects.js'

/**
 * The rules of every ClusterRole by name, aggregation applied. In a cluster a controller does this
 * (pkg/controller/clusterroleaggregation): it replaces `rules` by those of the selected roles and runs again whenever one
 * of them changes. What it converges to, from nothing, is the rules of all ordinary roles that can be reached over
 * selectors; a cycle of aggregated roles ends with nothing of its own.
 */
export function aggregateClusterRoles(roles: Iterable<ClusterRole>): ReadonlyMap<string, readonly PolicyRule[]> {
  const all = [...roles]
  if (all.every(({ aggregation }) => aggregation === undefined))
    return new Map(all.map(({ name, rules }) => [name, rules]))
  const sorted = all.sort((a, b) => compareNames(a.name, b.name))
  const reached = reachable(sorted)
  const known = new Map<PolicyRule, string>()
  const identify = (rule: PolicyRule): string => {
    const text = known.get(rule) ?? JSON.stringify(rule)
    known.set(rule, text)
    return text
  }
  const rules = new Map<string, readonly PolicyRule[]>()
  for (const [at, role] of sorted.entries()) {
    const row = reached.get(at)
    if (row === undefined) {
      rules.set(role.name, role.rules)
      continue
    }
    const distinct = new Map<string, PolicyRule>()
    for (const [other, { aggregation, rules: given }] of sorted.entries())
      if (aggregation === undefined && has(row, other)) for (const rule of given) distinct.set(identify(rule), rule)
    rules.set(role.name, [...distinct.values()])
  }
  return rules
}

/**
 * For each aggregated role, by place, the set of places that can be reached from it: Warshall's transitive closure. Sets
 * are rows of bits, so that a thousand roles that select each other are a matter of milliseconds.
 */
function reachable(roles: readonly ClusterRole[]): ReadonlyMap<number, Uint32Array> {
  const rows = new Map<number, Uint32Array>()
  for (const [at, { aggregation }] of roles.entries()) {
    if (aggregation === undefined) continue
    const row = new Uint32Array(Math.ceil(roles.length / 32))
    for (const [other, { labels }] of roles.entries())
      if (other !== at && aggregation.some(selector => selects(selector, labels))) add(row, other)
    rows.set(at, row)
  }
  for (const [via, further] of rows)
    for (const [from, row] of rows) if (from !== via && has(row, via)) addAll(row, further)
  return rows
}

function has(row: Uint32Array, place: number): boolean {
  return (((row[place >>> 5] ?? 0) >>> (place & 31)) & 1) === 1
}

function add(row: Uint32Array, place: number): void {
  row[place >>> 5] = (row[place >>> 5] ?? 0) | (1 << (place & 31))
}

function addAll(row: Uint32Array, others: Uint32Array): void {
  for (let word = 0; word < row.length; word++) row[word] = (row[word] ?? 0) | (others[word] ?? 0)
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
