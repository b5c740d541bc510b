import { afterAll, beforeAll, expect, it } from 'vitest'
import { guardrail, setUpAsking, verdictOf } from '../../src/decision/authorizer-variable.fixture.js'
import type { Decision } from '../../src/decision/decision.js'
import type { ConnectedApiServer } from '../../src/kube/create-api-server.js'
import type { Authorizer } from '../../src/rbac/authorizer.js'
import { createEmbeddedAuthorizer } from '../../src/rbac/embedded-authorizer.js'
import { createSarAuthorizer, type SarAuthorizer } from '../../src/rbac/sar-authorizer.js'
import { eventually } from '../e2e/support/eventually.js'
import { loadManifest } from '../rbac-oracle/our-reply.js'
import { toolsCall } from '../support/inbound.js'
import { connect } from './sar-stand.js'
import { describeKube, sharedApiServer } from './shared-api-server.js'
import type { ApiServerAccess } from './start-api-server.js'

// Names are this test's own: others use the same API server.
const namespace = 'cel-authorizer'
const username = 'cel-alice'

const rbac = 'rbac.authorization.k8s.io'
const subjects = [{ apiGroup: rbac, kind: 'User', name: username }]
const clusterRole = {
  apiVersion: `${rbac}/v1`,
  kind: 'ClusterRole',
  metadata: { name: 'cel-urls' },
  rules: [{ nonResourceURLs: ['/cel/*'], verbs: ['get'] }],
}
const role = {
  apiVersion: `${rbac}/v1`,
  kind: 'Role',
  metadata: { name: 'cel', namespace },
  rules: [
    { apiGroups: [''], resources: ['configmaps'], verbs: ['create', 'patch', 'get'] },
    { apiGroups: ['apps'], resources: ['deployments'], verbs: ['delete'] },
    { apiGroups: ['apps'], resources: ['deployments/scale'], resourceNames: ['web'], verbs: ['update'] },
  ],
}
const bindings = [
  {
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: 'cel-urls' },
    roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'cel-urls' },
    subjects,
  },
  {
    apiVersion: `${rbac}/v1`,
    kind: 'RoleBinding',
    metadata: { name: 'cel', namespace },
    roleRef: { apiGroup: rbac, kind: 'Role', name: 'cel' },
    subjects: [...subjects, { kind: 'ServiceAccount', name: 'bot', namespace }],
  },
]
const objects = [clusterRole, role, ...bindings]

/** Each is one validation, here and in a ValidatingAdmissionPolicy of the API server. */
const rules = [
  `authorizer.group('apps').resource('deployments').namespace('${namespace}').check('delete').allowed()`,
  `!authorizer.group('apps').resource('deployments').namespace('${namespace}').check('delete').allowed()`,
  `authorizer.group('apps').resource('deployments').namespace('default').check('delete').allowed()`,
  `authorizer.group('apps').resource('deployments').check('delete').allowed()`,
  `authorizer.group('apps').resource('deployments').subresource('scale').namespace('${namespace}').name('web').check('update').allowed()`,
  `authorizer.group('apps').resource('deployments').subresource('scale').namespace('${namespace}').name('api').check('update').allowed()`,
  `authorizer.group('').resource('configmaps').namespace('${namespace}').labelSelector('app in (a),b>1').fieldSelector('metadata.name=x').check('get').allowed()`,
  "authorizer.path('/cel/x').check('get').allowed()",
  "authorizer.path('/cel/x').check('post').allowed() || authorizer.path('/cel').check('get').allowed()",
  `authorizer.serviceAccount('${namespace}', 'bot').group('').resource('configmaps').namespace('${namespace}').check('patch').allowed()`,
  `authorizer.serviceAccount('${namespace}', 'other').group('').resource('configmaps').namespace('${namespace}').check('patch').allowed()`,
  "authorizer.requestResource.check('patch').allowed()",
  "authorizer.requestResource.check('delete').allowed()",
  "authorizer.requestResource.namespace('default').check('patch').allowed()",
  `authorizer.group('').resource('pods').check('get').reason() == '' && authorizer.group('').resource('pods').check('get').error() == ''`,
  `authorizer.group('apps').resource('deployments').namespace('${namespace}').check('delete').allowed() ? authorizer.path('/cel/y').check('get').allowed() : false`,
]
const messages = rules.map((_, i) => `rule-${i}!`)

const admission = [
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: 'cel-authorizer' },
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: {
        resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }],
      },
      validations: [...rules, 'false'].map((expression, i) => ({ expression, message: messages[i] ?? 'it holds' })),
    },
  },
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name: 'cel-authorizer' },
    spec: {
      policyName: 'cel-authorizer',
      validationActions: ['Warn'],
      matchResources: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } },
    },
  },
]

const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace }, data: { a: 'b' } }
const call = toolsCall('resources_create_or_update', { resource: JSON.stringify(configMap) })
const spec = { catalog: 'kubernetes-mcp-server', require: ['operations'], kubernetes: { cluster: 'local' } }

const ours = (authorizer: Authorizer, mode = 'Warn') =>
  setUpAsking({
    server: spec,
    documents: [
      guardrail('rules', [], {
        mode,
        validations: rules.map((expression, i) => ({ expression, message: messages[i] })),
      }),
    ],
    authorizers: { local: authorizer },
    username,
    grant: false,
  })

/** The rules that do not hold. */
const brokenIn = (text: string) => messages.filter(message => text.includes(message))

describeKube('authorizer in expressions', () => {
  let api: ApiServerAccess
  let connected: ConnectedApiServer
  let sar: SarAuthorizer
  let theirs: readonly string[]

  beforeAll(async () => {
    api = sharedApiServer()
    await api.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
    for (const object of [...objects, ...admission]) await api.apply(object)
    connected = await connect(api, 'cel-authz')
    sar = createSarAuthorizer({ api: connected, rbacOnly: false, watch: undefined })
    const client = api.as({ user: username })
    await eventually('the policy to hold', async () => {
      const { status, headers } = await client.post(`/api/v1/namespaces/${namespace}/configmaps?dryRun=All`, configMap)
      const warning = String(headers.warning ?? '')
      theirs = brokenIn(warning)
      return status === 201 && warning.includes('it holds')
    })
    await client.close()
  })
  afterAll(async () => {
    await connected?.close()
    for (const object of [...admission, ...objects]) await api.admin.delete(await api.admin.pathOf(object))
  })

  it('gives what the same expressions give in a ValidatingAdmissionPolicy', async () => {
    const { decide } = ours(sar)
    const cold = decide(call)
    expect(cold).toBeInstanceOf(Promise)
    const decision = await cold
    expect(verdictOf(decision)).toBe('allow')
    expect(brokenIn(decision.warnings.join())).toEqual(theirs)
    expect(theirs.length).toBeGreaterThan(4)
    expect(theirs.length).toBeLessThan(rules.length - 4)
  })

  it('gives the same once the answers are known, without waiting', async () => {
    const { decide } = ours(sar)
    await decide(call)
    const asked = sar.stats().asked
    const warm = decide(call)
    expect(warm).not.toBeInstanceOf(Promise)
    expect(brokenIn((await warm).warnings.join())).toEqual(theirs)
    expect(sar.stats().asked).toBe(asked)
  })

  it('gives the same from the same objects in files', async () => {
    const embedded = createEmbeddedAuthorizer(objects.flatMap(object => loadManifest(object).objects))
    const decision = await ours(embedded).decide(call)
    expect(brokenIn(decision.warnings.join())).toEqual(theirs)
  })

  it('asks questions that do not hang on one another at the same time', async () => {
    const fresh = createSarAuthorizer({ api: connected, rbacOnly: false, watch: undefined })
    const { decide, steps } = ours(fresh)
    await decide(call)
    const questions = steps.filter(({ rule }) => rule === 'authorizer')
    expect(new Set(questions.map(({ detail }) => detail)).size).toBe(questions.length)
    // The operations of the call are asked about too.
    expect(fresh.stats().asked).toBeLessThanOrEqual(questions.length + 2)
  })

  it('denies with 503 when the API server may not be asked', async () => {
    const stranger = await connect(api, 'cel-stranger', { role: 'view' })
    try {
      const authorizer = createSarAuthorizer({ api: stranger, rbacOnly: false, watch: undefined })
      const alone = setUpAsking({
        documents: [guardrail('g', [rules[1] ?? ''])],
        authorizers: { local: authorizer },
        username,
      })
      const decision: Decision = await alone.decide(toolsCall('read'))
      expect(verdictOf(decision)).toBe('dependency.api_server')
      expect(decision.answer).toMatchObject({ status: 503 })
    } finally {
      await stranger.close()
    }
  })
})
