import { isJsonObject, type JsonObject } from '../protocol/json-value.js'
import type { KnownKind } from './kinds.js'
import { isPathSegmentName } from './kubernetes-names.js'
import type { Operation } from './operation.js'

const rbacGroup = 'rbac.authorization.k8s.io'

/** Groups in which writing gives power, which the API server guards by more than the verb on the object. */
const guardedGroups: ReadonlySet<string> = new Set([
  rbacGroup,
  'admissionregistration.k8s.io',
  'apiregistration.k8s.io',
  'certificates.k8s.io',
  // Of OpenShift: its Roles and RoleBindings are those of Kubernetes under another name.
  'authorization.openshift.io',
])

/** Every other verb counts as writing, those of no request (`bind`, `approve`, `*`) among them. */
const harmless: ReadonlySet<string> = new Set(['get', 'list', 'watch', 'delete', 'deletecollection'])

/**
 * Why an object chosen by the caller may not be written whatever RBAC says; undefined if it may. A server that acts under
 * its own account escapes the API server's checks on the *user* (`bind`, `escalate`, `approve`, `sign`), which a
 * SubjectAccessReview for the verb does not repeat. Deleting has no such checks: there RBAC on the verb is all.
 */
export function escalationOf(operation: {
  readonly verb: string
  readonly group: string
  readonly subresource: string
}): string | undefined {
  if (harmless.has(operation.verb)) return undefined
  if (operation.subresource === 'token') return 'tokens are not issued through tools'
  if (!guardedGroups.has(operation.group)) return undefined
  return `objects of the group ${operation.group} are not written through tools, because they can give more power than the caller has`
}

export interface WrittenObject {
  readonly kind: KnownKind
  readonly namespace: string
  readonly name: string
  readonly object: JsonObject
  readonly verbs: readonly string[]
  /** `refuse`: what gives power is not written. `authorize`: it is, for who may also do what it amounts to. */
  readonly escalation: 'refuse' | 'authorize'
}

export type ObjectEscalation =
  /** What must be allowed beside the verbs on the object itself; usually nothing. */
  { readonly ok: true; readonly operations: readonly Operation[] } | { readonly ok: false; readonly message: string }

const nothing: ObjectEscalation = { ok: true, operations: [] }

/**
 * What writing an object amounts to beside the verb. With `authorize`, a role needs `escalate` on it and a binding `bind`
 * on its role, always: the API server also lets those through who hold every permission of the role, which takes a rule
 * resolver for each of several authorizers. What configures the API server itself, a CSR (whose requester would be the
 * server's own account), and tokens for joining the cluster are refused all the same.
 */
export function objectEscalation(written: WrittenObject): ObjectEscalation {
  const { kind, verbs, escalation } = written
  if (verbs.every(verb => harmless.has(verb))) return nothing
  if (kind.group === '' && kind.kind === 'Secret') return secretEscalation(written)
  if (escalation === 'authorize' && kind.group === rbacGroup && !kind.custom) return rbacEscalation(written)
  const message = verbs.map(verb => escalationOf({ verb, group: kind.group, subresource: '' })).find(text => text)
  return message === undefined ? nothing : { ok: false, message }
}

/**
 * A secret of these types is filled with a token, or is one (kubernetes.io, Secret types). A patch of one that is there
 * already need not repeat its type, so what else tells them counts too: the annotation, and the name of a bootstrap token.
 */
function secretEscalation({ object, namespace, name, escalation }: WrittenObject): ObjectEscalation {
  const type = object.get('type')
  const untyped = type === undefined || type === null || type === ''
  const joins = untyped && namespace === 'kube-system' && name.startsWith('bootstrap-token-')
  if (joins || type === 'bootstrap.kubernetes.io/token')
    return { ok: false, message: 'tokens are not issued through tools' }
  const metadata = object.get('metadata')
  const annotations = isJsonObject(metadata) ? metadata.get('annotations') : undefined
  const account = isJsonObject(annotations) ? annotations.get('kubernetes.io/service-account.name') : undefined
  const filled = untyped && account !== undefined
  if (!filled && type !== 'kubernetes.io/service-account-token') return nothing
  if (escalation === 'refuse') return { ok: false, message: 'tokens are not issued through tools' }
  if (typeof account !== 'string' || !isPathSegmentName(account))
    return { ok: false, message: 'a token for a service account must name the account in its annotation' }
  const target = { group: '', version: 'v1', resource: 'serviceaccounts', subresource: 'token', clusterScoped: false }
  return { ok: true, operations: [{ ...target, verb: 'create', namespace, name: account, object: undefined }] }
}

function rbacEscalation({ kind, object, namespace, name }: WrittenObject): ObjectEscalation {
  // In the namespace of what is written, also for the ClusterRole that a RoleBinding binds: so it can be allowed to bind
  // that role there and nowhere else (pkg/registry/rbac, BindingAuthorized).
  const role = (verb: string, resource: 'roles' | 'clusterroles', roleName: string): ObjectEscalation => ({
    ok: true,
    operations: [
      {
        ...{ verb, group: rbacGroup, version: 'v1', resource, subresource: '', namespace, name: roleName },
        ...{ clusterScoped: namespace === '', object: undefined },
      },
    ],
  })
  if (kind.kind === 'Role') return role('escalate', 'roles', name)
  if (kind.kind === 'ClusterRole') return role('escalate', 'clusterroles', name)
  const roleRef = object.get('roleRef')
  const field = (one: string) => (isJsonObject(roleRef) ? roleRef.get(one) : undefined)
  const [apiGroup, refKind, refName] = [field('apiGroup'), field('kind'), field('name')]
  const known = refKind === 'ClusterRole' || (refKind === 'Role' && kind.kind === 'RoleBinding')
  const grouped = apiGroup === undefined || apiGroup === rbacGroup
  if (!known || !grouped || typeof refName !== 'string' || !isPathSegmentName(refName))
    return { ok: false, message: 'a binding must say in roleRef which role it binds' }
  return role('bind', refKind === 'ClusterRole' ? 'clusterroles' : 'roles', refName)
}
