import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../e2e/support/eventually.js'
import { describeKube, sharedApiServer } from './shared-api-server.js'
import { type ApiServerAccess, startApiServer, type TestApiServer } from './start-api-server.js'

const namespace = (name: string) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })

describeKube('the shared API server', () => {
  let api: ApiServerAccess
  beforeAll(async () => {
    api = sharedApiServer()
    await api.apply(namespace('bed'))
  })

  it('is the real one', async () => {
    expect((await api.admin.get('/version')).body).toMatchObject({ gitVersion: 'v1.36.3' })
  })

  it('knows users by token, by impersonation and as ServiceAccounts, and nobody else', async () => {
    const whoAmI = async (caller: Parameters<typeof api.as>[0]) => {
      const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }
      return api.as(caller).post('/apis/authentication.k8s.io/v1/selfsubjectreviews', review)
    }
    const is = (username: string, ...groups: string[]) => ({
      status: 201,
      body: { status: { userInfo: { username, groups } } },
    })
    expect(await whoAmI({ token: api.tokens.carol ?? '' })).toMatchObject(is('carol', 'people', 'system:authenticated'))
    expect(await whoAmI({ user: 'zoe', groups: ['staff'] })).toMatchObject(is('zoe', 'staff', 'system:authenticated'))
    const token = await api.serviceAccountToken('bed', 'default')
    const groups = ['system:serviceaccounts', 'system:serviceaccounts:bed', 'system:authenticated']
    expect(await whoAmI({ token })).toMatchObject(is('system:serviceaccount:bed:default', ...groups))
    expect((await whoAmI({ token: 'guessed' })).status).toBe(401)
  })

  it('gives no token for the API server when it is asked for another audience', async () => {
    const token = await api.serviceAccountToken('bed', 'default', { audiences: ['https://mcp.example.com/mcp'] })
    expect((await api.as({ token }).get('/api')).status).toBe(401)
  })

  it('authorizes by RBAC', async () => {
    const pods = '/api/v1/namespaces/bed/pods'
    expect((await api.as('bed-reader').get(pods)).message).toContain('User "bed-reader" cannot list resource "pods"')
    await api.apply(`
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: reader, namespace: bed }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: User, name: bed-reader }]
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view }
`)
    await eventually('the binding', async () =>
      (await api.as('bed-reader').get(pods)).status === 200 ? true : undefined,
    )
    const resourceAttributes = { verb: 'list', resource: 'pods', namespace: 'bed' }
    expect(await api.review({ user: 'bed-reader', resourceAttributes })).toEqual({
      allowed: true,
      reason: 'RBAC: allowed by RoleBinding "reader/bed" of ClusterRole "view" to User "bed-reader"',
    })
  })

  it('runs the controllers: aggregated rules, ServiceAccounts of namespaces', async () => {
    await api.apply(`
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: bed-tools, labels: { rbac.authorization.k8s.io/aggregate-to-view: "true" } }
rules: [{ apiGroups: [bed.example.com], resources: [tools], verbs: [call] }]
`)
    const view = async () => (await api.admin.get('/apis/rbac.authorization.k8s.io/v1/clusterroles/view')).body
    await eventually('the rule in view', async () =>
      JSON.stringify(await view()).includes('bed.example.com') ? true : undefined,
    )
    expect((await api.admin.get('/api/v1/namespaces/bed/serviceaccounts/default')).status).toBe(200)
  })

  it('has live ValidatingAdmissionPolicies', async () => {
    await api.apply(`
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: { name: bed-only-small }
spec:
  matchConstraints:
    namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: bed } }
    resourceRules: [{ apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps] }]
  validations: [{ expression: "size(object.data) < 2", message: one key is enough }]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: { name: bed-only-small }
spec: { policyName: bed-only-small, validationActions: [Deny] }
`)
    const create = () =>
      api.admin.post('/api/v1/namespaces/bed/configmaps?dryRun=All', {
        ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'large' } },
        data: { a: '1', b: '2' },
      })
    const refused = await eventually('the policy', async () => {
      const answer = await create()
      return answer.status === 422 ? answer : undefined
    })
    expect(refused.message).toContain('one key is enough')
  })

  it('serves the types of a CustomResourceDefinition that was just applied', async () => {
    await api.apply(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: beds.bed.example.com }
spec:
  group: bed.example.com
  names: { kind: Bed, plural: beds }
  scope: Namespaced
  versions:
  - { name: v1, served: true, storage: true, schema: { openAPIV3Schema: { type: object, properties: { size: { type: integer } } } } }
---
apiVersion: bed.example.com/v1
kind: Bed
metadata: { name: first, namespace: bed }
size: 2
`)
    expect((await api.admin.get('/apis/bed.example.com/v1/namespaces/bed/beds/first')).body).toMatchObject({ size: 2 })
    const wrong = {
      apiVersion: 'bed.example.com/v1',
      kind: 'Bed',
      metadata: { name: 'wrong', namespace: 'bed' },
      size: 'L',
    }
    await expect(api.apply(wrong)).rejects.toThrow('Bed wrong: ')
  })

  it('writes down who did what, and as whom', async () => {
    await api.as('bed-writer').get('/api/v1/namespaces/bed/secrets/a')
    const token = api.tokens.bob ?? ''
    await api.as({ token }).get('/api/v1/namespaces/bed/secrets/b')
    const events = await eventually('both events', async () => {
      const found = (await api.audit()).filter(
        ({ namespace, resource }) => namespace === 'bed' && resource === 'secrets',
      )
      return found.length === 2 ? found : undefined
    })
    expect(events).toMatchObject([
      { verb: 'get', name: 'a', user: 'admin', impersonatedUser: 'bed-writer', status: 403 },
      { verb: 'get', name: 'b', user: 'bob', impersonatedUser: undefined, status: 403 },
    ])
  })
})

describeKube('an API server of a test’s own', () => {
  let api: TestApiServer
  beforeAll(async () => {
    api = await startApiServer({ users: { dora: ['staff'] }, audit: false })
  })
  afterAll(() => api?.stop())

  it('keeps what it was told when it is killed', async () => {
    await api.apply(namespace('kept'))
    await api.kill()
    await expect(api.admin.get('/api/v1/namespaces/kept')).rejects.toThrow('ECONNREFUSED')
    await api.restart()
    expect((await api.admin.get('/api/v1/namespaces/kept')).status).toBe(200)
  })

  it('says nothing while it is paused, and answers afterwards', async () => {
    await api.pause()
    let answered = false
    const answer = api.admin.get('/version').then(({ status }) => {
      answered = true
      return status
    })
    await new Promise(resolve => setTimeout(resolve, 300))
    expect(answered).toBe(false)
    api.resume()
    expect(await answer).toBe(200)
  })

  describe('by kubeconfig', () => {
    it('is reached with or without credentials', async () => {
      expect(await readFile(await api.kubeconfig({ user: 'dora' }), 'utf8')).toContain(`token: ${api.tokens.dora}`)
      expect(await readFile(await api.kubeconfig(), 'utf8')).not.toContain('token')
      await expect(api.kubeconfig({ user: 'nobody' })).rejects.toThrow('without this user')
    })
  })
})
