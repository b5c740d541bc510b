import { describe, expect, it } from 'vitest'
import { readDocuments } from '../documents/read-documents.js'
import { brief, server } from './catalog.fixture.js'
import { escalationOf } from './escalation.js'
import { compileToolCatalog } from './tool-catalog-document.js'

const applyWith = (escalation: string, verbs = 'create, patch') => {
  const { documents } = readDocuments(
    'c.yaml',
    `apiVersion: mcp-authz.dev/v1alpha1
kind: ToolCatalog
metadata: { name: c }
spec:
  kinds:
  - { apiVersion: rbac.authorization.k8s.io/v2, kind: SuperRole, resource: superroles }
  - { apiVersion: authorization.openshift.io/v1, kind: RoleBinding, resource: rolebindings }
  tools:
    apply:
      access: write
      operations: [{ verbs: [${verbs}], manifest: { argument: m }${escalation} }]
`,
  )
  const [document] = documents
  const tool = document && compileToolCatalog(document).value?.tools.get('apply')
  if (tool === undefined) throw new Error('does not compile')
  return (manifest: string) => {
    const resolved = tool.resolve(new Map([['m', manifest]]), server)
    return resolved.ok ? resolved.operations.map(brief) : resolved.reason
  }
}
const refuse = applyWith('')
const authorize = applyWith(', escalation: authorize')
const only = applyWith(', escalation: authorize', 'delete')

const rbac = 'apiVersion: rbac.authorization.k8s.io/v1'
const object = (kind: string, rest = '') => `${rbac}\nkind: ${kind}\nmetadata: { name: a }\n${rest}`
const secret = (type: string, annotations = '{}') =>
  `apiVersion: v1\nkind: Secret\ntype: ${type}\nmetadata: { name: a, annotations: ${annotations} }`
const account = '{ kubernetes.io/service-account.name: robot }'

describe('manifests that give power', () => {
  const refused = 'authorization.manifest_refused'
  it.each<[string, string, string | readonly string[]]>([
    [
      'a Role',
      object('Role'),
      ['create', 'patch', 'escalate'].map(verb => `${verb} rbac.authorization.k8s.io/roles home a`),
    ],
    [
      'a ClusterRole',
      object('ClusterRole'),
      ['create', 'patch', 'escalate'].map(verb => `${verb} rbac.authorization.k8s.io/clusterroles cluster a`),
    ],
    [
      'a RoleBinding to a Role',
      object('RoleBinding', 'roleRef: { kind: Role, name: r }'),
      [
        ...['create', 'patch'].map(verb => `${verb} rbac.authorization.k8s.io/rolebindings home a`),
        'bind rbac.authorization.k8s.io/roles home r',
      ],
    ],
    [
      'a RoleBinding to a ClusterRole',
      object('RoleBinding', 'roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:x" }'),
      [
        ...['create', 'patch'].map(verb => `${verb} rbac.authorization.k8s.io/rolebindings home a`),
        'bind rbac.authorization.k8s.io/clusterroles home system:x',
      ],
    ],
    [
      'a ClusterRoleBinding',
      object('ClusterRoleBinding', 'roleRef: { kind: ClusterRole, name: admin }'),
      [
        ...['create', 'patch'].map(verb => `${verb} rbac.authorization.k8s.io/clusterrolebindings cluster a`),
        'bind rbac.authorization.k8s.io/clusterroles cluster admin',
      ],
    ],
    ['a ClusterRoleBinding to a Role', object('ClusterRoleBinding', 'roleRef: { kind: Role, name: r }'), refused],
    ['a binding without roleRef', object('RoleBinding', 'subjects: []'), refused],
    ['a binding to nobody knows what', object('RoleBinding', 'roleRef: { kind: clusterrole, name: r }'), refused],
    ['a binding to another group', object('RoleBinding', 'roleRef: { apiGroup: x, kind: Role, name: r }'), refused],
    ['a binding to a path', object('RoleBinding', 'roleRef: { kind: Role, name: ../r }'), refused],
    ['a custom kind of the group', `${object('SuperRole').replace('/v1', '/v2')}`, refused],
    [
      'a binding by the name of OpenShift',
      object('RoleBinding', 'roleRef: { name: admin }').replace(rbac, 'apiVersion: authorization.openshift.io/v1'),
      refused,
    ],
    [
      'a token for a service account',
      secret('kubernetes.io/service-account-token', account),
      ['create /secrets home a', 'patch /secrets home a', 'create /serviceaccounts/token home robot'],
    ],
    [
      'a change of a secret that may be such a token',
      secret('""', account),
      ['create /secrets home a', 'patch /secrets home a', 'create /serviceaccounts/token home robot'],
    ],
    [
      'a change that does not repeat the type',
      secret('', account).replace('type: \n', ''),
      ['create /secrets home a', 'patch /secrets home a', 'create /serviceaccounts/token home robot'],
    ],
    [
      'a change of a token for joining the cluster',
      'apiVersion: v1\nkind: Secret\nmetadata: { name: bootstrap-token-abcdef, namespace: kube-system }',
      refused,
    ],
    ['a token for nobody', secret('kubernetes.io/service-account-token'), refused],
    ['a token for joining the cluster', secret('bootstrap.kubernetes.io/token'), refused],
    ...[
      ['admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration'],
      ['admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration'],
      ['admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicy'],
      ['apiregistration.k8s.io/v1', 'APIService'],
      ['certificates.k8s.io/v1', 'CertificateSigningRequest'],
    ].map(([apiVersion, kind]): [string, string, string] => [
      `a ${kind}`,
      `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: a }`,
      refused,
    ]),
  ])('%s', (_name, manifest, expected) => {
    expect(refuse(manifest)).toBe(refused)
    expect(authorize(manifest)).toEqual(expected)
  })

  it('are harmless to delete', () => {
    expect(only(object('ClusterRole'))).toEqual(['delete rbac.authorization.k8s.io/clusterroles cluster a'])
  })
  it('do not make others suspicious', () => {
    for (const apply of [refuse, authorize]) {
      expect(apply(secret('Opaque'))).toEqual(['create /secrets home a', 'patch /secrets home a'])
      expect(apply(secret('kubernetes.io/tls', account))).toEqual(['create /secrets home a', 'patch /secrets home a'])
    }
  })
})

describe('escalationOf', () => {
  it.each(['create', 'update', 'patch', '*', 'bind', 'escalate', 'approve', 'sign', 'impersonate'])(
    '%s in a guarded group',
    verb => {
      expect(escalationOf({ verb, group: 'rbac.authorization.k8s.io', subresource: '' })).toContain('more power')
      expect(escalationOf({ verb, group: '', subresource: 'token' })).toContain('tokens')
      expect(escalationOf({ verb, group: 'apps', subresource: '' })).toBeUndefined()
    },
  )
  it.each(['get', 'list', 'watch', 'delete', 'deletecollection'])('%s gives nothing', verb => {
    expect(escalationOf({ verb, group: 'rbac.authorization.k8s.io', subresource: '' })).toBeUndefined()
  })
})
