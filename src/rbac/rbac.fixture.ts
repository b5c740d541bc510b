import fc from 'fast-check'
import type { UserInfo } from '../identity/principal.js'
import type { ResourceAttributes } from './operation.js'
import type { ClusterRole, ClusterRoleBinding, PolicyRule, RbacObject, RoleBinding, Subject } from './rbac-objects.js'

export const user = (username: string, ...groups: string[]): UserInfo => ({
  username,
  uid: '',
  groups,
  extra: new Map(),
})
export const rule = (parts: Partial<PolicyRule>): PolicyRule => ({
  verbs: parts.verbs ?? [],
  apiGroups: parts.apiGroups ?? [],
  resources: parts.resources ?? [],
  resourceNames: parts.resourceNames ?? [],
  nonResourceURLs: parts.nonResourceURLs ?? [],
})
export const ask = (parts: Partial<ResourceAttributes>): ResourceAttributes => ({
  verb: 'get',
  group: '',
  resource: 'pods',
  subresource: '',
  namespace: '',
  name: '',
  ...parts,
})
export const subject = (kind: string, name: string, namespace = ''): Subject => ({ kind, name, namespace })
export const clusterRole = (
  name: string,
  rules: readonly PolicyRule[],
  labels: Record<string, string> = {},
): ClusterRole => ({
  kind: 'ClusterRole',
  name,
  labels: new Map(Object.entries(labels)),
  rules,
  aggregation: undefined,
})
export const getPods = rule({ verbs: ['get'], apiGroups: [''], resources: ['pods'] })

export const clusterBinding = (name: string, role: string, ...subjects: readonly Subject[]): ClusterRoleBinding => ({
  kind: 'ClusterRoleBinding',
  name,
  roleRef: { kind: 'ClusterRole', name: role },
  subjects,
})
export const roleBinding = (
  name: string,
  namespace: string,
  roleRef: RoleBinding['roleRef'],
  ...subjects: readonly Subject[]
): RoleBinding => ({ kind: 'RoleBinding', name, namespace, roleRef, subjects })

// Small pools, so that things often fit; every rule also gives some URL.
const some = (...values: string[]) => fc.constantFrom(...values)
const list = (...values: string[]) => fc.uniqueArray(some(...values), { minLength: 1, maxLength: 4 })
const orNone = <T>(items: fc.Arbitrary<T[]>) => fc.oneof({ weight: 9, arbitrary: items }, fc.constant<T[]>([]))
const anyRule = fc.record({
  verbs: orNone(list('get', 'list', '*')),
  apiGroups: orNone(list('', 'apps', '*')),
  resources: orNone(list('pods', 'pods/log', 'pods/*', '*', '*/log', 'nodes')),
  resourceNames: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, list('a', '', '*')),
  nonResourceURLs: orNone(list('/a', '/a/*', '*')),
})
const rules = fc.array(anyRule, { minLength: 1, maxLength: 2 })
const anySubject = fc.record({
  kind: some('User', 'Group', 'ServiceAccount', 'Robot'),
  name: some('u', 'v'),
  namespace: some('', 'n', 'm'),
})
const subjects = fc.array(anySubject, { minLength: 1, maxLength: 4 })
const roleName = some('r', 's', 't')
const labels = fc.uniqueArray(some('x', 'y', 'z'), { maxLength: 2 }).map(keys => new Map(keys.map(key => [key, '1'])))
const selector = labels.map(matchLabels => ({ matchLabels, matchExpressions: [] }))
const anyObject: fc.Arbitrary<RbacObject> = fc.oneof(
  fc.record({ kind: fc.constant('Role' as const), name: roleName, namespace: some('n', 'm'), rules }),
  fc.record({
    kind: fc.constant('ClusterRole' as const),
    name: roleName,
    labels,
    rules,
    aggregation: fc.option(fc.array(selector, { minLength: 1, maxLength: 2 }), { nil: undefined, freq: 1 }),
  }),
  fc.record({
    kind: fc.constant('RoleBinding' as const),
    name: some('b', 'c', 'd'),
    namespace: some('n', 'm'),
    roleRef: fc.record({ kind: some('Role', 'Role', 'ClusterRole', 'ClusterRole', 'Other'), name: roleName }),
    subjects,
  }),
  fc.record({
    kind: fc.constant('ClusterRoleBinding' as const),
    name: some('b', 'c', 'd'),
    roleRef: fc.record({ kind: fc.constant('ClusterRole'), name: roleName }),
    subjects,
  }),
)
const key = (object: RbacObject) => `${object.kind} ${'namespace' in object ? object.namespace : ''} ${object.name}`
export const anyObjects = fc.uniqueArray(anyObject, { selector: key, minLength: 4, maxLength: 16, size: 'max' })
export const anyUser = fc.record({
  username: some('u', 'v', 'system:serviceaccount:n:u', 'system:serviceaccount:m:v'),
  uid: fc.constant(''),
  groups: fc.array(some('u', 'v', 'h'), { maxLength: 3 }),
  extra: fc.constant(new Map<string, readonly string[]>()),
})
export const anyRequest = fc.record({
  verb: some('get', 'list', '*'),
  group: some('', 'apps'),
  resource: some('pods', 'nodes', 'pods/log'),
  subresource: some('', 'log', '*'),
  namespace: some('', 'n', 'm', 'o'),
  name: some('', 'a', 'b'),
})
