import { describe, expect, it } from 'vitest'
import { readDocuments } from '../documents/read-documents.js'
import { danglingRoleRefs } from './dangling-role-refs.js'
import { createEmbeddedAuthorizer } from './embedded-authorizer.js'
import { parseRbac } from './parse-rbac.js'

const read = (text: string) => {
  const { documents, findings } = readDocuments('rbac.yaml', text)
  expect(findings).toEqual([])
  return documents.map(document => ({ document, ...parseRbac(document) }))
}
const head = (kind: string, metadata: string) =>
  `apiVersion: rbac.authorization.k8s.io/v1\nkind: ${kind}\nmetadata: ${metadata}\n`
const good = `${head('ClusterRole', '{ name: "Tools:Reader@x y", uid: 1-2, labels: { a: b } }')}rules:
- { apiGroups: [mcp-authz.dev], resources: [tools], resourceNames: [k.pods_list], verbs: ["call me maybe"] }
- { nonResourceURLs: [/healthz], verbs: [get] }
---
${head('Role', '{ name: r, namespace: dev }')}rules: null
---
${head('RoleBinding', '{ name: b, namespace: dev }')}roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "Tools:Reader@x y" }
subjects:
- { kind: User, name: alice, apiGroup: rbac.authorization.k8s.io }
- { kind: ServiceAccount, name: bot }
---
${head('ClusterRoleBinding', '{ name: b }')}roleRef: { kind: ClusterRole, name: gone }
subjects: [{ kind: ServiceAccount, name: bot, namespace: dev }, { kind: Group, name: "system:authenticated" }]
---
apiVersion: v1
kind: List
items:
- { apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: { name: agg }, aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: b } }] } }
- { apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: { name: c, namespace: dev }, roleRef: { kind: Role, name: r2 }, subjects: [{ kind: User, name: u }] }
`

describe('parseRbac', () => {
  it('reads what an API server takes, and the authorizer understands it', () => {
    const parsed = read(good)
    expect(parsed.flatMap(({ findings }) => findings)).toEqual([])
    const objects = parsed.flatMap(({ value }) => value ?? [])
    expect(objects).toHaveLength(6)
    const authorizer = createEmbeddedAuthorizer(objects)
    const alice = { username: 'alice', uid: '', groups: [], extra: new Map() }
    const what = {
      verb: 'call me maybe',
      group: 'mcp-authz.dev',
      resource: 'tools',
      subresource: '',
      namespace: 'dev',
      name: 'k.pods_list',
    }
    expect(authorizer.authorize(alice, what).allowed).toBe(true)
    expect(authorizer.authorize(alice, { ...what, name: 'k.pods_delete' }).allowed).toBe(false)
  })

  it('warns of bindings whose role is not there, also inside of a List', () => {
    const loaded = read(good).map(({ document, value }) => ({ document, objects: value ?? [] }))
    expect(danglingRoleRefs(loaded).map(({ severity, path, location }) => [severity, path, location.document])).toEqual(
      [
        ['warning', 'roleRef.name', 4],
        ['warning', 'items[1].roleRef.name', 5],
      ],
    )
  })

  const rule = (fields: string) => `${head('ClusterRole', '{ name: a }')}rules:\n- ${fields}\n`
  const clusterBinding = (fields: string) => `${head('ClusterRoleBinding', '{ name: a }')}${fields}\n`
  it.each([
    ['no verbs', rule('{ apiGroups: [""], resources: [pods], verbs: [] }'), 'rules[0].verbs'],
    ['no groups', rule('{ resources: [pods], verbs: [get] }'), 'rules[0].apiGroups'],
    ['no resources', rule('{ apiGroups: [""], verbs: [get] }'), 'rules[0].resources'],
    ['both sorts', rule('{ nonResourceURLs: [/x], resources: [pods], verbs: [get] }'), 'rules[0].nonResourceURLs'],
    [
      'a field of no rule',
      rule('{ apiGroups: [""], resource: [pods], resources: [pods], verbs: [get] }'),
      'rules[0].resource',
    ],
    [
      'URLs in a Role',
      `${head('Role', '{ name: a, namespace: n }')}rules: [{ nonResourceURLs: [/x], verbs: [get] }]`,
      'rules[0].nonResourceURLs',
    ],
    ['a Role without namespace', head('Role', '{ name: a }'), 'metadata.namespace'],
    ['a ClusterRole with one', head('ClusterRole', '{ name: a, namespace: n }'), 'metadata.namespace'],
    ['a name with a slash', head('ClusterRole', '{ name: a/b }'), 'metadata.name'],
    ['a name of dots', head('ClusterRole', '{ name: ".." }'), 'metadata.name'],
    ['a namespace that is none', head('Role', '{ name: a, namespace: ../b }'), 'metadata.namespace'],
    ['a ClusterRoleBinding to a Role', clusterBinding('roleRef: { kind: Role, name: r }'), 'roleRef.kind'],
    [
      'another group in roleRef',
      clusterBinding('roleRef: { kind: ClusterRole, name: r, apiGroup: x.io }'),
      'roleRef.apiGroup',
    ],
    ['no roleRef', clusterBinding('subjects: [{ kind: User, name: u }]'), 'roleRef'],
    [
      'a subject of another kind',
      clusterBinding('roleRef: { kind: ClusterRole, name: r }\nsubjects: [{ kind: Robot, name: u }]'),
      'subjects[0].kind',
    ],
    [
      'an account without namespace',
      clusterBinding('roleRef: { kind: ClusterRole, name: r }\nsubjects: [{ kind: ServiceAccount, name: u }]'),
      'subjects[0].namespace',
    ],
    [
      'a group of an account',
      clusterBinding(
        'roleRef: { kind: ClusterRole, name: r }\nsubjects: [{ kind: ServiceAccount, name: u, namespace: n, apiGroup: rbac.authorization.k8s.io }]',
      ),
      'subjects[0].apiGroup',
    ],
    [
      'no selectors',
      `${head('ClusterRole', '{ name: a }')}aggregationRule: { clusterRoleSelectors: [] }`,
      'aggregationRule.clusterRoleSelectors',
    ],
    [
      'In without values',
      `${head('ClusterRole', '{ name: a }')}aggregationRule: { clusterRoleSelectors: [{ matchExpressions: [{ key: k, operator: In }] }] }`,
      'aggregationRule.clusterRoleSelectors[0].matchExpressions[0].values',
    ],
    [
      'an old version',
      'apiVersion: rbac.authorization.k8s.io/v1beta1\nkind: Role\nmetadata: { name: a, namespace: n }',
      'apiVersion',
    ],
    [
      'a List of something else',
      'apiVersion: v1\nkind: List\nitems: [{ apiVersion: v1, kind: Secret, metadata: { name: a } }]',
      'items[0].kind',
    ],
  ])('refuses %s', (_name, text, path) => {
    const [parsed, ...others] = read(text)
    expect(others).toEqual([])
    expect(parsed?.value).toBeUndefined()
    const errors = parsed?.findings.filter(({ severity }) => severity === 'error') ?? []
    expect(errors.map(finding => finding.path)).toContain(path)
    expect(errors.every(({ location }) => location.line >= 1)).toBe(true)
  })

  it.each([
    [
      'a wildcard that is none',
      rule('{ apiGroups: [""], resources: [pods/*], verbs: [get] }'),
      'rules[0].resources[0]',
    ],
    [
      'rules that aggregation replaces',
      `${rule('{ apiGroups: [""], resources: [pods], verbs: [get] }')}aggregationRule: { clusterRoleSelectors: [{}] }`,
      'rules',
    ],
    ['a binding to nobody', clusterBinding('roleRef: { kind: ClusterRole, name: r }'), 'subjects'],
  ])('warns of %s', (_name, text, path) => {
    const [parsed] = read(text)
    expect(parsed?.value).toHaveLength(1)
    expect(parsed?.findings.map(finding => [finding.severity, finding.path])).toEqual([['warning', path]])
  })
})
