import type { UserInfo } from '../identity/principal.js'
import { forEachSliced, type Sliced, sortSliced } from '../sliced.js'
import { compareNames } from './compare-names.js'
import { describeBinding } from './describe-binding.js'
import type { ClusterRoleBinding, RbacObject, RoleBinding } from './rbac-objects.js'
import type { ResolveRole, RoleRules } from './role-rules.js'
import { subjectName } from './subject-name.js'

/** A binding with what it gives. */
export interface Bound {
  readonly binding: RoleBinding | ClusterRoleBinding
  /** "" for a ClusterRoleBinding. */
  readonly namespace: string
  /** Place in the order of names. */
  readonly order: number
  readonly rules: RoleRules
}

/**
 * A binding as it concerns one subject. Its texts are quoted and joined from five names: they are made when they are first
 * asked for, and once, because most entries of a large cluster never answer anything between two changes of RBAC.
 */
export class Entry {
  readonly bound: Bound
  /** Index of the subject in the binding. */
  readonly subject: number
  #source: string | undefined
  #allowed: { readonly allowed: true; readonly reason: string } | undefined

  constructor(bound: Bound, subject: number) {
    this.bound = bound
    this.subject = subject
  }

  /** The binding in the API server's words. */
  get source(): string {
    const { binding } = this.bound
    const who = binding.subjects[this.subject]
    this.#source ??= who === undefined ? '' : describeBinding(binding, who)
    return this.#source
  }

  /** The answer when a rule of it allows. */
  get allowed(): { readonly allowed: true; readonly reason: string } {
    this.#allowed ??= { allowed: true, reason: `RBAC: allowed by ${this.source}` }
    return this.#allowed
  }
}

/** Bindings of one scope by the subjects that they name: the cost of a question is that of the user's own bindings. */
export interface Scope {
  /** All of them, by name. */
  readonly bindings: Bound[]
  /** By user name; a service account is the user `system:serviceaccount:<namespace>:<name>`. */
  readonly users: Map<string, Entry[]>
  readonly groups: Map<string, Entry[]>
  /** What {@link entriesFor} found for users seen lately; the same object stands for the same token. */
  readonly known: WeakMap<UserInfo, readonly Entry[]>
}

export interface BindingIndex {
  /** The ClusterRoleBindings. */
  readonly cluster: Scope
  /** The RoleBindings of one namespace. */
  readonly namespaces: ReadonlyMap<string, Scope>
  /** The RoleBindings of all namespaces. */
  readonly anyNamespace: Scope
}

/**
 * Indexes all bindings by subject. An API server iterates bindings in the order of a Go map, so that which of several
 * reasons it gives is chance; ours is one of those: bindings are asked in the order of their names.
 */
export function* createBindingIndex(objects: readonly RbacObject[], resolve: ResolveRole): Sliced<BindingIndex> {
  const cluster = emptyScope()
  const anyNamespace = emptyScope()
  const namespaces = new Map<string, Scope>()
  const bindings = objects.filter(object => object.kind === 'ClusterRoleBinding' || object.kind === 'RoleBinding')
  const sorted = yield* sortSliced(bindings, byName)
  yield* forEachSliced(sorted, (binding, order) => {
    const namespace = namespaceOf(binding)
    const bound = { binding, namespace, order, rules: resolve(binding.roleRef, namespace) }
    if (binding.kind === 'ClusterRoleBinding') add(bound, [cluster])
    else add(bound, [getOrInsert(namespaces, namespace, emptyScope), anyNamespace])
  })
  return { cluster, namespaces, anyNamespace }
}

/** The bindings that concern a user, by name, each with the first of its subjects that applies. */
export function entriesFor(scope: Scope, user: UserInfo): readonly Entry[] {
  const known = scope.known.get(user)
  if (known !== undefined) return known
  const entries = findEntries(scope, user)
  scope.known.set(user, entries)
  return entries
}

function findEntries(scope: Scope, user: UserInfo): readonly Entry[] {
  const found: Entry[] = [...(scope.users.get(user.username) ?? [])]
  for (const group of user.groups) for (const entry of scope.groups.get(group) ?? []) found.push(entry)
  if (found.length < 2) return found
  found.sort((a, b) => a.bound.order - b.bound.order || a.subject - b.subject)
  return found.filter((entry, at) => entry.bound !== found[at - 1]?.bound)
}

function add(bound: Bound, scopes: readonly Scope[]): void {
  for (const scope of scopes) scope.bindings.push(bound)
  for (const [subject, who] of bound.binding.subjects.entries()) {
    const meant = subjectName(who, bound.namespace)
    if (meant === undefined) continue
    const entry = new Entry(bound, subject)
    for (const scope of scopes) getOrInsert(scope[meant.in], meant.name, () => []).push(entry)
  }
}

function byName(a: RoleBinding | ClusterRoleBinding, b: RoleBinding | ClusterRoleBinding): number {
  return compareNames(a.name, b.name) || compareNames(namespaceOf(a), namespaceOf(b))
}

function namespaceOf(binding: RoleBinding | ClusterRoleBinding): string {
  return binding.kind === 'RoleBinding' ? binding.namespace : ''
}

function emptyScope(): Scope {
  return { bindings: [], users: new Map(), groups: new Map(), known: new WeakMap() }
}

function getOrInsert<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const found = map.get(key)
  if (found !== undefined) return found
  const created = create()
  map.set(key, created)
  return created
}
