import type { Random } from '../fuzz/random.js'
import { list, metadataOf, oddity, orOdd } from './generate.js'
import type { Json } from './mutate-manifest.js'
import {
  accountNames,
  badAccountNames,
  badLabelKeys,
  badLabelValues,
  badNames,
  badNamespaces,
  groupNames,
  groups,
  labelKeys,
  labelValues,
  names,
  namespaces,
  oddNames,
  plainNames,
  resources,
  urls,
  userNames,
  verbs,
} from './vocabulary.js'

const apiVersion = 'rbac.authorization.k8s.io/v1'
const group = 'rbac.authorization.k8s.io'
const kinds = ['Role', 'ClusterRole', 'RoleBinding', 'RoleBinding', 'ClusterRoleBinding']

/** One object, mostly one that an API server accepts unless `trust`; bindings refer to the objects before it. */
export function generateObject(random: Random, trust: boolean, made: number, others: readonly Json[]): Json {
  const bad = (good: readonly string[], others: readonly string[]) => orOdd(random, good, others)
  const name = random.chance(0.15) ? random.pick(oddNames) : bad(plainNames, badNames)
  const namespace = trust ? random.pick(namespaces) : bad(namespaces, badNamespaces)
  const kind = made === 0 ? 'ClusterRole' : random.pick(kinds)
  const namespaced = kind === 'Role' || kind === 'RoleBinding'
  const metadata: Json = { name: trust && name.includes('/') ? 'r' : name }
  if (namespaced !== random.chance(oddity)) metadata.namespace = namespace
  if (trust && namespaced) metadata.namespace = namespace
  if (trust && !namespaced) delete metadata.namespace
  if (kind === 'ClusterRole' && random.chance(0.5)) metadata.labels = generateLabels(random)
  if (random.chance(0.05)) Object.assign(metadata, generateBookkeeping(random))
  const head = { apiVersion, kind, metadata }
  if (kind === 'Role' || kind === 'ClusterRole') {
    const rules = list(random, 3, () => generateRule(random, trust, kind))
    if (kind === 'Role' || trust || !random.chance(0.15)) return { ...head, rules }
    const clusterRoleSelectors = list(random, 2, () => generateSelector(random))
    return { ...head, aggregationRule: { clusterRoleSelectors }, ...(random.chance(0.3) && { rules }) }
  }
  return {
    ...head,
    roleRef: generateRoleRef(random, trust, metadata, others),
    ...(!random.chance(0.02) && { subjects: list(random, 3, () => generateSubject(random, trust, kind)) }),
  }
}

function generateRule(random: Random, trust: boolean, kind: string): Json {
  const some = (from: readonly string[]) => list(random, 2, () => random.pick(from))
  const about = random.chance(kind === 'Role' && !trust ? 0.01 : 0.2)
  const rule: Json = { verbs: some(verbs) }
  const mixed = random.chance(trust ? 0.2 : oddity)
  if (about) rule.nonResourceURLs = some(urls)
  if (!about || mixed) {
    if (!random.chance(oddity)) rule.apiGroups = some(groups)
    if (!random.chance(oddity)) rule.resources = some(resources)
    if (random.chance(0.25)) rule.resourceNames = some(names)
  }
  if (trust && random.chance(0.1)) rule[random.pick(['verbs', 'apiGroups', 'resources', 'resourceNames'])] = []
  return rule
}

/** Mostly to a role that is there. */
function generateRoleRef(random: Random, trust: boolean, binding: Json, objects: readonly Json[]): Json {
  const roleRef: Json = { kind: 'ClusterRole', name: '' }
  const roles = objects.filter(object => isReachable(object, binding.namespace))
  if (roles.length > 0 && random.chance(0.8)) {
    const role = random.pick(roles)
    roleRef.kind = role.kind
    roleRef.name = metadataOf(role).name
  } else {
    const odd = trust && random.chance(0.3)
    const known = binding.namespace !== undefined || trust ? ['Role', 'ClusterRole'] : ['ClusterRole']
    roleRef.kind = odd
      ? random.pick(['Rolle', 'role', '', 'User"\n'])
      : orOdd(random, known, ['Role', 'clusterrole', ''])
    roleRef.name = random.chance(0.1)
      ? random.pick(oddNames)
      : orOdd(random, plainNames, trust ? ['', '.', 'gone'] : badNames)
  }
  if (random.chance(0.7)) roleRef.apiGroup = orOdd(random, [group, ''], ['rbac', 'rbac.authorization.k8s.io/v1'])
  return roleRef
}

/** Whether a binding of a namespace (undefined: of none) can refer to an object as its role. */
export function isReachable(object: Json, namespace: unknown): boolean {
  if (typeof metadataOf(object).name !== 'string') return false
  return object.kind === 'ClusterRole' || (object.kind === 'Role' && metadataOf(object).namespace === namespace)
}

function generateSubject(random: Random, trust: boolean, binding: string): Json {
  const kind = trust && random.chance(0.1) ? random.pick(['Robot', 'user', '']) : random.pick(subjectKinds)
  const subject: Json = { kind: orOdd(random, [kind], ['user', 'Serviceaccount', '']), name: '' }
  if (kind === 'ServiceAccount') {
    subject.name = orOdd(random, accountNames, badAccountNames)
    if (random.chance(binding === 'RoleBinding' || trust ? 0.5 : 0.98))
      subject.namespace = orOdd(random, ['dev', 'prod'], ['', 'Dev', 'a/b', '*'])
    if (random.chance(0.1)) subject.apiGroup = orOdd(random, [''], [group])
    return subject
  }
  subject.name = orOdd(random, kind === 'User' ? userNames : groupNames, ['', 'n'.repeat(300)])
  if (random.chance(0.5)) subject.apiGroup = orOdd(random, [group, ''], ['rbac', 'v1'])
  if (random.chance(0.03)) subject.namespace = 'dev'
  return subject
}

const subjectKinds = ['User', 'User', 'Group', 'ServiceAccount']

function generateLabels(random: Random): Json {
  const labels: Json = {}
  for (const _ of list(random, 2, () => 0))
    labels[orOdd(random, labelKeys, badLabelKeys)] = orOdd(random, labelValues, badLabelValues)
  return labels
}

function generateSelector(random: Random): Json {
  const selector: Json = {}
  if (random.chance(0.6)) selector.matchLabels = generateLabels(random)
  if (random.chance(0.4))
    selector.matchExpressions = list(random, 2, () => {
      const operator = orOdd(random, ['In', 'NotIn', 'Exists', 'DoesNotExist'], ['in', '', 'Gt'])
      const valued = (operator === 'In' || operator === 'NotIn') !== random.chance(oddity)
      return {
        key: orOdd(random, labelKeys, badLabelKeys),
        operator,
        ...(valued && { values: list(random, 2, () => orOdd(random, labelValues, badLabelValues)) }),
      }
    })
  return selector
}

/** Fields that an exported object carries. */
function generateBookkeeping(random: Random): Json {
  const owner = { apiVersion: 'v1', kind: random.pick(['Pod', 'Event']), name: 'p', uid: '1', controller: true }
  return random.pick<Json>([
    {
      uid: '1-2',
      resourceVersion: '7',
      generation: random.pick([1, 0, -1]),
      creationTimestamp: '2026-11-21T00:00:00Z',
    },
    { annotations: { [random.pick([...labelKeys, 'UP.example/X', 'a b'])]: random.pick(['any thing\n', '']) } },
    { annotations: { a: 'x'.repeat(random.pick([262_143, 262_144])) } },
    { finalizers: random.pick([['example.com/f'], ['orphan', 'foregroundDeletion'], ['a b'], ['orphan']]) },
    { ownerReferences: random.pick([[owner], [owner, { ...owner, kind: 'Node' }], [{ ...owner, uid: '' }]]) },
    { generateName: random.pick(['x-', '..', 'a/']) },
    { managedFields: [{ manager: 'kubectl', operation: 'Update', fieldsType: 'FieldsV1', fieldsV1: { 'f:a': {} } }] },
    { selfLink: '', deletionGracePeriodSeconds: 0 },
  ])
}
