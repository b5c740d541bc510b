import { describe, expect, it } from 'vitest'
import { isJsonObject, type JsonObject } from '../protocol/json-value.js'
import { parseStrictJson } from '../protocol/strict-json.js'
import { readStoredRbac } from './read-stored-rbac.js'

function stored(object: object): JsonObject {
  const parsed = parseStrictJson(Buffer.from(JSON.stringify(object)))
  if (!parsed.ok || !isJsonObject(parsed.value)) throw new Error('no object')
  return parsed.value
}

const metadata = { name: 'n', namespace: 'ns', resourceVersion: '1', uid: 'u', someday: true }
const emptyRule = { verbs: [], apiGroups: [], resources: [], resourceNames: [], nonResourceURLs: [] }

describe('readStoredRbac', () => {
  it('reads what authorization needs, and passes over the rest', () => {
    const rules = [{ verbs: ['get', null], apiGroups: [''], resources: ['pods'], someday: 1 }, { verbs: null }]
    expect(readStoredRbac('Role', stored({ metadata, rules, someday: {} }))).toEqual({
      ok: true,
      object: {
        kind: 'Role',
        name: 'n',
        namespace: 'ns',
        rules: [{ ...emptyRule, verbs: ['get', ''], apiGroups: [''], resources: ['pods'] }, emptyRule],
      },
    })
  })

  it('takes a ClusterRole by its stored rules, aggregated or not', () => {
    const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] }
    const labels = { 'rbac.example.com/aggregate-to-view': 'true' }
    expect(
      readStoredRbac('ClusterRole', stored({ metadata: { name: 'n', labels }, rules: null, aggregationRule })),
    ).toEqual({
      ok: true,
      object: {
        kind: 'ClusterRole',
        name: 'n',
        labels: new Map(Object.entries(labels)),
        rules: [],
        aggregation: undefined,
      },
    })
  })

  it('reads bindings, a namespace only of ServiceAccounts', () => {
    const subjects = [
      { kind: 'User', name: 'alice', namespace: 'x', apiGroup: 'rbac.authorization.k8s.io' },
      { kind: 'ServiceAccount', name: 'bot', namespace: 'x' },
    ]
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' }
    expect(readStoredRbac('RoleBinding', stored({ metadata, subjects, roleRef }))).toEqual({
      ok: true,
      object: {
        kind: 'RoleBinding',
        name: 'n',
        namespace: 'ns',
        roleRef: { kind: 'Role', name: 'r' },
        subjects: [
          { kind: 'User', name: 'alice', namespace: '' },
          { kind: 'ServiceAccount', name: 'bot', namespace: 'x' },
        ],
      },
    })
    expect(readStoredRbac('ClusterRoleBinding', stored({ metadata: { name: 'n' }, roleRef }))).toMatchObject({
      ok: true,
      object: { subjects: [] },
    })
  })

  it.each([
    ['no metadata', 'Role', {}],
    ['no name', 'Role', { metadata: { namespace: 'ns' } }],
    ['no namespace', 'RoleBinding', { metadata: { name: 'n' }, roleRef: {} }],
    ['no roleRef', 'ClusterRoleBinding', { metadata }],
    ['rules that are no list', 'Role', { metadata, rules: {} }],
    ['a rule that is no object', 'Role', { metadata, rules: ['*'] }],
    ['verbs as text', 'ClusterRole', { metadata, rules: [{ verbs: '*' }] }],
    ['a number among names', 'ClusterRole', { metadata, rules: [{ resourceNames: [1] }] }],
    ['a subject that is null', 'RoleBinding', { metadata, roleRef: {}, subjects: [null] }],
    ['a subject without a name as text', 'RoleBinding', { metadata, roleRef: {}, subjects: [{ name: 1 }] }],
    ['labels that are no map', 'ClusterRole', { metadata: { ...metadata, labels: [] } }],
  ] as const)('leaves out an object with %s', (_, kind, object) =>
    expect(readStoredRbac(kind, stored(object)).ok).toBe(false),
  )
})
