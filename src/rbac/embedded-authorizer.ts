import type { UserInfo } from '../identity/principal.js'
import { aggregateClusterRoles } from './aggregate-cluster-roles.js'
import type { Access, Authorizer } from './authorizer.js'
import { goQuote } from './go-quote.js'
import type { ResourceAttributes } from './operation.js'
import { type CompiledRule, compileRule } from './policy-rule.js'
import type { ClusterRoleBinding, PolicyRule, RbacObject, RoleBinding, RoleRef, Subject } from './rbac-objects.js'
import { rbacKey } from './rbac-objects.js'
import { subjectName } from './subject-name.js'

/** An {@link Authorizer} that holds everything it needs: its answers are never promises and never failures. */
export interface EmbeddedAuthorizer extends Authorizer {
  authorize(user: UserInfo, attributes: ResourceAttributes): Access
}

type Rules =
  | { readonly ok: true; readonly rules: readonly CompiledRule[] }
  | { readonly ok: false; readonly error: string }

interface Bound {
  readonly binding: RoleBinding | ClusterRoleBinding
  /** Place in the order of names: it makes reasons independent of the order of documents. */
  readonly order: number
  readonly rules: Rules
}

interface Entry {
  readonly bound: Bound
  readonly subject: number
  /** The answer when a rule of it allows: made once, because its text is quoted and joined from five names. */
  readonly allowed: Access
}

/** Bindings of one scope (the cluster, or one namespace) by the subjects that they name. */
interface Index {
  readonly users: Map<string, Entry[]>
  readonly groups: Map<string, Entry[]>
  /** What {@link entriesFor} found for users seen lately; the same object stands for the same token. */
  readonly known: WeakMap<UserInfo, readonly Entry[]>
}

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
  const unique = withoutContradictions(objects)
  const rulesOf = roleResolver(unique)
  const cluster = emptyIndex()
  const namespaces = new Map<string, Index>()

  const bindings = unique.filter(object => object.kind === 'ClusterRoleBinding' || object.kind === 'RoleBinding')
  bindings.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  for (const [order, binding] of bindings.entries()) {
    const namespace = binding.kind === 'RoleBinding' ? binding.namespace : ''
    const bound = { binding, order, rules: rulesOf(binding.roleRef, namespace) }
    if (binding.kind === 'ClusterRoleBinding') addTo(cluster, bound, '')
    else addTo(getOrInsert(namespaces, namespace, emptyIndex), bound, namespace)
  }

  return {
    authorize(user, attributes) {
      const errors: string[] = []
      const inCluster = ask(cluster, user, attributes, errors)
      if (inCluster !== undefined) return inCluster
      const local = attributes.namespace === '' ? undefined : namespaces.get(attributes.namespace)
      const inNamespace = local === undefined ? undefined : ask(local, user, attributes, errors)
      return inNamespace ?? { allowed: false, reason: aggregateErrors(errors) }
    },
  }
}

function ask(index: Index, user: UserInfo, attributes: ResourceAttributes, errors: string[]): Access | undefined {
  for (const { bound, allowed } of entriesFor(index, user)) {
    if (!bound.rules.ok) errors.push(bound.rules.error)
    else if (bound.rules.rules.some(rule => rule.allows(attributes))) return allowed
  }
  return undefined
}

/** The bindings that concern a user, by order, each with the first of its subjects that applies. */
function entriesFor(index: Index, user: UserInfo): readonly Entry[] {
  const known = index.known.get(user)
  if (known !== undefined) return known
  const entries = findEntries(index, user)
  index.known.set(user, entries)
  return entries
}

function findEntries(index: Index, user: UserInfo): readonly Entry[] {
  const found: Entry[] = [...(index.users.get(user.username) ?? [])]
  for (const group of user.groups) found.push(...(index.groups.get(group) ?? []))
  if (found.length < 2) return found
  found.sort((a, b) => a.bound.order - b.bound.order || a.subject - b.subject)
  return found.filter((entry, at) => entry.bound !== found[at - 1]?.bound)
}

function addTo(index: Index, bound: Bound, namespace: string): void {
  for (const [subject, who] of bound.binding.subjects.entries()) {
    const meant = subjectName(who, namespace)
    if (meant === undefined) continue
    const allowed: Access = { allowed: true, reason: `RBAC: allowed by ${describe(bound.binding, subject)}` }
    getOrInsert(index[meant.in], meant.name, () => []).push({ bound, subject, allowed })
  }
}

function roleResolver(objects: readonly RbacObject[]): (ref: RoleRef, namespace: string) => Rules {
  const roles = new Map<string, Rules>()
  const compile = (rules: readonly PolicyRule[]): Rules => ({ ok: true, rules: rules.map(compileRule) })
  for (const [name, rules] of aggregateClusterRoles(objects.filter(object => object.kind === 'ClusterRole')))
    roles.set(rbacKey('ClusterRole', '', name), compile(rules))
  for (const object of objects)
    if (object.kind === 'Role') roles.set(rbacKey('Role', object.namespace, object.name), compile(object.rules))

  return (ref, namespace) => {
    if (ref.kind !== 'Role' && ref.kind !== 'ClusterRole')
      return { ok: false, error: `unsupported role reference kind: ${goQuote(ref.kind)}` }
    const role = roles.get(rbacKey(ref.kind, ref.kind === 'Role' ? namespace : '', ref.name))
    const resource = `${ref.kind.toLowerCase()}.rbac.authorization.k8s.io`
    return role ?? { ok: false, error: `${resource} ${goQuote(ref.name)} not found` }
  }
}

function describe(binding: RoleBinding | ClusterRoleBinding, index: number): string {
  const namespace = binding.kind === 'RoleBinding' ? binding.namespace : ''
  const name = binding.kind === 'RoleBinding' ? `${binding.name}/${namespace}` : binding.name
  const role = `${binding.roleRef.kind} ${goQuote(binding.roleRef.name)}`
  return `${binding.kind} ${goQuote(name)} of ${role} to ${describeSubject(binding.subjects[index], namespace)}`
}

function describeSubject(subject: Subject | undefined, bindingNamespace: string): string {
  if (subject === undefined) return ''
  if (subject.kind !== 'ServiceAccount') return `${subject.kind} ${goQuote(subject.name)}`
  const namespace = subject.namespace === '' ? bindingNamespace : subject.namespace
  return `${subject.kind} ${goQuote(`${subject.name}/${namespace}`)}`
}

/** The text of k8s.io/apimachinery's Aggregate: one message as it is, several distinct ones in brackets. */
function aggregateErrors(errors: readonly string[]): string {
  const distinct = [...new Set(errors)]
  if (distinct.length === 0) return ''
  return distinct.length === 1 ? `RBAC: ${distinct.join('')}` : `RBAC: [${distinct.join(', ')}]`
}

function withoutContradictions(objects: readonly RbacObject[]): RbacObject[] {
  const count = new Map<string, number>()
  const keys = objects.map(object => rbacKey(object.kind, 'namespace' in object ? object.namespace : '', object.name))
  for (const key of keys) count.set(key, (count.get(key) ?? 0) + 1)
  return objects.filter((_, at) => count.get(keys[at] ?? '') === 1)
}

function emptyIndex(): Index {
  return { users: new Map(), groups: new Map(), known: new WeakMap() }
}

function getOrInsert<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const found = map.get(key)
  if (found !== undefined) return found
  const created = create()
  map.set(key, created)
  return created
}
