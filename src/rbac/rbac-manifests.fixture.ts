/** A manifest and the paths at which an API server (1.36, fieldValidation=Strict) finds it wrong; none: it accepts it. */
export interface ManifestCase {
  readonly name: string
  readonly manifest: unknown
  readonly refused: readonly string[]
}

const apiVersion = 'rbac.authorization.k8s.io/v1'
const group = 'rbac.authorization.k8s.io'
const pods = { apiGroups: [''], resources: ['pods'], verbs: ['get'] }
const given = (name: string, manifest: unknown, ...refused: readonly string[]): ManifestCase => ({
  name,
  manifest,
  refused,
})
const clusterRole = (name: string, fields: object, ...refused: readonly string[]) =>
  given(name, { apiVersion, kind: 'ClusterRole', metadata: { name: 'r' }, ...fields }, ...refused)
const rule = (name: string, fields: object, ...refused: readonly string[]) =>
  clusterRole(name, { rules: [fields] }, ...refused)
const roleRule = (name: string, fields: object, ...refused: readonly string[]) =>
  given(name, { apiVersion, kind: 'Role', metadata: { name: 'r', namespace: 'dev' }, rules: [fields] }, ...refused)
const metadata = (name: string, fields: object, ...refused: readonly string[]) =>
  clusterRole(name, { metadata: { name: 'r', ...fields } }, ...refused)
const roleMetadata = (name: string, fields: object, ...refused: readonly string[]) =>
  given(name, { apiVersion, kind: 'Role', metadata: fields }, ...refused)
const binding = (name: string, fields: object, ...refused: readonly string[]) => {
  const kind = 'RoleBinding'
  const roleRef = { apiGroup: group, kind: 'Role', name: 'r' }
  return given(name, { apiVersion, kind, metadata: { name: 'b', namespace: 'dev' }, roleRef, ...fields }, ...refused)
}
const clusterBinding = (name: string, fields: object, ...refused: readonly string[]) => {
  const roleRef = { apiGroup: group, kind: 'ClusterRole', name: 'r' }
  return given(
    name,
    { apiVersion, kind: 'ClusterRoleBinding', metadata: { name: 'b' }, roleRef, ...fields },
    ...refused,
  )
}
const subject = (name: string, fields: object, ...refused: readonly string[]) =>
  binding(name, { subjects: [fields] }, ...refused)
const clusterSubject = (name: string, fields: object, ...refused: readonly string[]) =>
  clusterBinding(name, { subjects: [fields] }, ...refused)
const selector = (name: string, fields: object, ...refused: readonly string[]) =>
  clusterRole(name, { aggregationRule: { clusterRoleSelectors: [fields] } }, ...refused)
const inSelector = 'aggregationRule.clusterRoleSelectors[0]'
const expression = `${inSelector}.matchExpressions[0]`

export const manifestCases: readonly ManifestCase[] = [
  rule('a rule about resources', pods),
  rule('any words as verbs, groups, resources and names', {
    verbs: ['call me maybe', ''],
    apiGroups: ['not a group!'],
    resources: ['a/b/c', ''],
    resourceNames: ['x/y', '*', ''],
  }),
  rule('no verbs', { ...pods, verbs: [] }, 'rules[0].verbs'),
  rule('verbs that are null', { ...pods, verbs: null }, 'rules[0].verbs'),
  rule('null among verbs: the empty text', { ...pods, verbs: [null] }),
  rule('no groups', { ...pods, apiGroups: [] }, 'rules[0].apiGroups'),
  rule('no resources', { ...pods, resources: [] }, 'rules[0].resources'),
  rule('names alone', { verbs: ['get'], resourceNames: ['a'] }, 'rules[0].apiGroups', 'rules[0].resources'),
  rule('an empty rule', {}, 'rules[0].verbs', 'rules[0].apiGroups', 'rules[0].resources'),
  clusterRole('a rule that is null', { rules: [null] }, 'rules[0].verbs', 'rules[0].apiGroups', 'rules[0].resources'),
  clusterRole('no rules', {}),
  clusterRole('rules that are null', { rules: null }),
  rule('a rule about URLs', { verbs: ['get'], nonResourceURLs: ['/x', 'not a path', '*'] }),
  rule('URLs without verbs', { nonResourceURLs: ['/x'] }, 'rules[0].verbs'),
  rule('URLs and groups', { verbs: ['get'], nonResourceURLs: ['/x'], apiGroups: [''] }, 'rules[0].nonResourceURLs'),
  rule('URLs and resources', { verbs: ['get'], nonResourceURLs: ['/'], resources: ['a'] }, 'rules[0].nonResourceURLs'),
  rule('URLs and names', { verbs: ['get'], nonResourceURLs: ['/x'], resourceNames: ['a'] }, 'rules[0].nonResourceURLs'),
  rule('URLs and empty lists', { verbs: ['get'], nonResourceURLs: ['/x'], apiGroups: [], resources: null }),
  roleRule('the same in a Role', pods),
  roleRule('URLs in a Role', { verbs: ['get'], nonResourceURLs: ['/x'] }, 'rules[0].nonResourceURLs'),
  rule('another field', { ...pods, resource: ['pods'] }, 'rules[0].resource'),
  rule('a field in other case', { ...pods, resourcenames: ['a'] }, 'rules[0].resourcenames'),
  rule('text for a list', { ...pods, verbs: 'get' }, 'rules[0].verbs'),
  rule('a number for text', { ...pods, verbs: [1] }, 'rules[0].verbs[0]'),
  clusterRole('another field of the object', { spec: {} }, 'spec'),
  clusterRole('fields of a binding', { subjects: [] }, 'subjects'),

  metadata('a name with colon, at and space', { name: 'Tools:Reader@x y' }),
  metadata('a name of three dots', { name: '...' }),
  metadata('a long name', { name: 'n'.repeat(300) }),
  metadata('control characters in a name', { name: 'a\u0001\n' }),
  metadata('a name with a slash', { name: 'a/b' }, 'metadata.name'),
  metadata('a name with a percent sign', { name: 'a%2fb' }, 'metadata.name'),
  metadata('the name .', { name: '.' }, 'metadata.name'),
  metadata('the name ..', { name: '..' }, 'metadata.name'),
  metadata('an empty name', { name: '' }, 'metadata.name'),
  metadata('a name that is null', { name: null }, 'metadata.name'),
  metadata('a namespace where none can be', { namespace: 'dev' }, 'metadata.namespace'),
  metadata('an empty namespace there', { namespace: '' }),
  metadata('what an export carries', {
    uid: '1',
    resourceVersion: '2',
    generation: 1,
    creationTimestamp: '2026-11-21T00:00:00Z',
    managedFields: [{ manager: 'kubectl', operation: 'Update', fieldsType: 'FieldsV1', fieldsV1: {} }],
  }),
  metadata('another field', { clusterName: 'x' }, 'metadata.clusterName'),
  metadata('a negative generation', { generation: -1 }, 'metadata.generation'),
  metadata('labels', { labels: { 'example.com/a': '', b: 'A.b_c-1' } }),
  metadata('a label with an odd key', { labels: { 'a b': 'x' } }, 'metadata.labels["a b"]'),
  metadata('a label with an odd value', { labels: { a: 'x y' } }, 'metadata.labels.a'),
  metadata('a label of null', { labels: { a: null } }),
  metadata('an annotation of any text', { annotations: { 'Example.com/A': 'x y\n' } }),
  metadata('an annotation with an odd key', { annotations: { 'a b': '' } }, 'metadata.annotations["a b"]'),
  metadata('annotations of 256 KiB', { annotations: { a: 'x'.repeat(262_143) } }),
  metadata('annotations of more', { annotations: { a: 'x'.repeat(262_144) } }, 'metadata.annotations'),
  metadata('finalizers', { finalizers: ['example.com/x', 'orphan'] }),
  metadata('a finalizer without domain', { finalizers: ['x'] }, 'metadata.finalizers[0]'),
  metadata('two that exclude each other', { finalizers: ['orphan', 'foregroundDeletion'] }, 'metadata.finalizers'),
  metadata('an owner', { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'a', uid: '1' }] }),
  metadata(
    'an owner without uid',
    { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'a' }] },
    'metadata.ownerReferences[0].uid',
  ),
  given('no metadata', { apiVersion, kind: 'ClusterRole' }, 'metadata.name'),
  roleMetadata('a Role with namespace', { name: 'r', namespace: 'dev' }),
  roleMetadata('a Role without', { name: 'r' }, 'metadata.namespace'),
  roleMetadata('a namespace in upper case', { name: 'r', namespace: 'Dev' }, 'metadata.namespace'),
  roleMetadata('a namespace with a dot', { name: 'r', namespace: 'a.b' }, 'metadata.namespace'),
  roleMetadata('a namespace of 63', { name: 'r', namespace: 'n'.repeat(63) }),
  roleMetadata('a namespace of 64', { name: 'r', namespace: 'n'.repeat(64) }, 'metadata.namespace'),

  binding('a RoleBinding to a Role', {}),
  binding('a RoleBinding to a ClusterRole', { roleRef: { kind: 'ClusterRole', name: 'r' } }),
  binding('its group may be empty', { roleRef: { apiGroup: '', kind: 'Role', name: 'r' } }),
  binding('but not another', { roleRef: { apiGroup: 'x.io', kind: 'Role', name: 'r' } }, 'roleRef.apiGroup'),
  binding('another kind', { roleRef: { kind: 'role', name: 'r' } }, 'roleRef.kind'),
  binding('no name', { roleRef: { kind: 'Role' } }, 'roleRef.name'),
  binding('a name that is none', { roleRef: { kind: 'Role', name: 'a/b' } }, 'roleRef.name'),
  binding('another field', { roleRef: { kind: 'Role', name: 'r', namespace: 'dev' } }, 'roleRef.namespace'),
  clusterBinding('a ClusterRoleBinding to a ClusterRole', {}),
  clusterBinding('a ClusterRoleBinding to a Role', { roleRef: { kind: 'Role', name: 'r' } }, 'roleRef.kind'),
  clusterBinding('subjects that are null', { subjects: null }),

  subject('a user', { kind: 'User', name: 'any thing/%', apiGroup: group }),
  subject('a user without group', { kind: 'User', name: 'u' }),
  subject('a user of another group', { kind: 'User', name: 'u', apiGroup: 'v1' }, 'subjects[0].apiGroup'),
  subject('a user without name', { kind: 'User' }, 'subjects[0].name'),
  subject('a user with namespace', { kind: 'User', name: 'u', namespace: 'dev' }),
  subject('a group', { kind: 'Group', name: 'system:masters' }),
  subject('a group of another group', { kind: 'Group', name: 'g', apiGroup: 'x' }, 'subjects[0].apiGroup'),
  subject('another kind', { kind: 'Robot', name: 'u' }, 'subjects[0].kind'),
  binding('a subject that is null', { subjects: [null] }, 'subjects[0].name', 'subjects[0].kind'),
  subject('another field', { kind: 'User', name: 'u', uid: '1' }, 'subjects[0].uid'),
  subject('an account without namespace', { kind: 'ServiceAccount', name: 'bot' }),
  subject('an account with one', { kind: 'ServiceAccount', name: 'a.b-c', namespace: 'Any/thing' }),
  subject('an account in upper case', { kind: 'ServiceAccount', name: 'Bot' }, 'subjects[0].name'),
  subject('an account of 253', { kind: 'ServiceAccount', name: 'n'.repeat(253) }),
  subject('an account of 254', { kind: 'ServiceAccount', name: 'n'.repeat(254) }, 'subjects[0].name'),
  subject('an account with a group', { kind: 'ServiceAccount', name: 'b', apiGroup: group }, 'subjects[0].apiGroup'),
  subject('an account with the empty group', { kind: 'ServiceAccount', name: 'b', apiGroup: '' }),
  clusterSubject('an account, cluster-wide', { kind: 'ServiceAccount', name: 'b', namespace: 'dev' }),
  clusterSubject('the same without namespace', { kind: 'ServiceAccount', name: 'b' }, 'subjects[0].namespace'),

  selector('a selector of everything', {}),
  selector('a selector', {
    matchLabels: { a: 'b' },
    matchExpressions: [
      { key: 'x.io/a', operator: 'In', values: ['', 'b'] },
      { key: 'a', operator: 'Exists' },
    ],
  }),
  clusterRole(
    'no selectors',
    { aggregationRule: { clusterRoleSelectors: [] } },
    'aggregationRule.clusterRoleSelectors',
  ),
  clusterRole('an empty aggregationRule', { aggregationRule: {} }, 'aggregationRule.clusterRoleSelectors'),
  clusterRole('an aggregationRule that is null', { aggregationRule: null }),
  selector('a label that cannot be', { matchLabels: { a: 'b c' } }, `${inSelector}.matchLabels.a`),
  selector('In without values', { matchExpressions: [{ key: 'a', operator: 'In' }] }, `${expression}.values`),
  selector(
    'NotIn without',
    { matchExpressions: [{ key: 'a', operator: 'NotIn', values: [] }] },
    `${expression}.values`,
  ),
  selector(
    'Exists with',
    { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['b'] }] },
    `${expression}.values`,
  ),
  selector('another operator', { matchExpressions: [{ key: 'a', operator: 'in' }] }, `${expression}.operator`),
  selector('no key', { matchExpressions: [{ operator: 'Exists' }] }, `${expression}.key`),
  selector(
    'a value that cannot be',
    { matchExpressions: [{ key: 'a', operator: 'In', values: ['b', 'c d'] }] },
    `${expression}.values[1]`,
  ),
]
