import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { eventually } from '../e2e/support/eventually.js'
import { describeKube } from './shared-api-server.js'
import { startApiServer, type TestApiServer } from './start-api-server.js'

const folder = join(import.meta.dirname, '../../deploy/kubernetes')
const user = 'system:serviceaccount:mcp-authz:mcp-authz'
const groups = ['system:serviceaccounts', 'system:serviceaccounts:mcp-authz', 'system:authenticated']
const Kustomization = z.looseObject({ resources: z.array(z.string()) })
const Deployment = z.looseObject({ spec: z.looseObject({ template: z.looseObject({ spec: z.looseObject({}) }) }) })

describeKube('the manifests of deploy/kubernetes', () => {
  let api: TestApiServer
  let listed: readonly string[]
  beforeAll(async () => {
    api = await startApiServer()
    listed = Kustomization.parse(parse(await readFile(join(folder, 'kustomization.yaml'), 'utf8'))).resources
    for (const name of listed) await api.apply(join(folder, name))
  })
  afterAll(() => api?.stop())

  const may = async (resourceAttributes: Readonly<Record<string, string>>) =>
    (await api.review({ user, groups, resourceAttributes })).allowed

  it('are all named, or offered in comments', async () => {
    const text = await readFile(join(folder, 'kustomization.yaml'), 'utf8')
    const offered = [...text.matchAll(/^# - (\S+)$/gm)].map(([, name]) => name)
    const files = (await readdir(folder)).filter(name => name !== 'kustomization.yaml')
    expect([...listed, ...offered].sort()).toEqual(files.sort())
    for (const name of offered) await api.apply(join(folder, name ?? ''))
  })

  it('can be applied again', async () => {
    for (const name of listed) await api.apply(join(folder, name))
  })

  it('make a pod that the restricted standard admits', async () => {
    const deployment = Deployment.parse(parse(await readFile(join(folder, 'deployment.yaml'), 'utf8')))
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'one' }, spec: deployment.spec.template.spec }
    const path = '/api/v1/namespaces/mcp-authz/pods?dryRun=All&fieldValidation=Strict'
    const { status, message, headers } = await api.admin.post(path, pod)
    expect({ status, message, warning: headers.warning }).toEqual({ status: 201, message: '', warning: undefined })
    // The label of the namespace is what refuses others.
    const root = { ...pod, spec: { containers: [{ name: 'a', image: 'b' }] } }
    expect((await api.admin.post(path, root)).status).toBe(403)
  })

  it.each([
    ['ask about others', { verb: 'create', group: 'authorization.k8s.io', resource: 'subjectaccessreviews' }],
    ['ask about tokens', { verb: 'create', group: 'authentication.k8s.io', resource: 'tokenreviews' }],
    ['watch roles', { verb: 'watch', group: 'rbac.authorization.k8s.io', resource: 'clusterroles' }],
    ['watch policies', { verb: 'watch', resource: 'configmaps', namespace: 'mcp-authz' }],
    ['say what is wrong', { verb: 'create', resource: 'events', namespace: 'mcp-authz' }],
    ['write its status', { verb: 'patch', resource: 'configmaps', namespace: 'mcp-authz', name: 'mcp-authz-status' }],
  ])('let the service %s', async (_name, attributes) => expect(await may(attributes)).toBe(true))

  it.each([
    ['read secrets', { verb: 'get', resource: 'secrets', namespace: 'mcp-authz' }],
    ['read secrets elsewhere', { verb: 'list', resource: 'secrets' }],
    ['read other namespaces', { verb: 'list', resource: 'configmaps' }],
    ['make policies', { verb: 'create', resource: 'configmaps', namespace: 'mcp-authz' }],
    ['change policies', { verb: 'patch', resource: 'configmaps', namespace: 'mcp-authz', name: 'replica-cap' }],
    ['delete its status', { verb: 'delete', resource: 'configmaps', namespace: 'mcp-authz', name: 'mcp-authz-status' }],
    ['write roles', { verb: 'create', group: 'rbac.authorization.k8s.io', resource: 'clusterroles' }],
    ['bind roles', { verb: 'create', group: 'rbac.authorization.k8s.io', resource: 'clusterrolebindings' }],
    ['be others', { verb: 'impersonate', resource: 'users' }],
    ['make tokens', { verb: 'create', resource: 'serviceaccounts', subresource: 'token', namespace: 'mcp-authz' }],
    ['run pods', { verb: 'create', resource: 'pods', namespace: 'mcp-authz' }],
    ['update policies of its own', { verb: 'update', group: 'mcp-authz.dev', resource: 'policies' }],
  ])('do not let the service %s', async (_name, attributes) => expect(await may(attributes)).toBe(false))

  it('make `kubectl auth can-i` tell the truth: the types are there, and nothing can be made of them', async () => {
    for (const resource of ['servers', 'tools', 'prompts', 'resources', 'policies']) {
      const path = `/apis/mcp-authz.dev/v1alpha1/namespaces/mcp-authz/${resource}`
      // Right after its definition a type answers 429 for a moment.
      await eventually(resource, async () => ((await api.admin.get(path)).status === 200 ? true : undefined))
      const list = z.looseObject({ kind: z.string() }).parse((await api.admin.get(path)).body)
      const object = {
        apiVersion: 'mcp-authz.dev/v1alpha1',
        kind: list.kind.replace(/List$/, ''),
        metadata: { name: 'a' },
      }
      const { status, message } = await api.admin.post(path, object)
      expect({ status, message }).toEqual({
        status: 422,
        message: expect.stringContaining('nothing reads these objects'),
      })
    }
  })

  it('give viewers the lists and editors the tools, by aggregation', async () => {
    await api.apply(join(folder, 'roles-for-people.yaml'))
    for (const role of ['view', 'edit'])
      await api.apply({
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { name: `people-${role}`, namespace: 'mcp-authz' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
        subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: `${role}er` }],
      })
    const asks = async (who: string, verb: string) =>
      (
        await api.review({
          user: who,
          resourceAttributes: {
            ...{ verb, group: 'mcp-authz.dev', resource: 'servers', subresource: 'tools' },
            ...{ namespace: 'mcp-authz', name: 'github' },
          },
        })
      ).allowed
    await eventually('the aggregation', async () => ((await asks('editer', 'call')) ? true : undefined))
    expect(await asks('viewer', 'list')).toBe(true)
    expect(await asks('viewer', 'call')).toBe(false)
    expect(await asks('nobody', 'list')).toBe(false)
  })

  it('let the policy writers write policies, and the editors of the namespace not', async () => {
    await api.apply({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'security-team', namespace: 'mcp-authz' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'mcp-authz-policy-writer' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'sofia' }],
    })
    const [policy] = parseAllDocuments(await readFile(join(folder, 'sample-policy.yaml'), 'utf8'))
    const object = z.looseObject({ metadata: z.looseObject({}) }).parse(policy?.toJS())
    const path = '/api/v1/namespaces/mcp-authz/configmaps?dryRun=All'
    const named = (name: string) => ({ ...object, metadata: { ...object.metadata, name } })
    await eventually('the policy of admission', async () => {
      const { status } = await api.as('editer').post(path, named('by-editor'))
      return status === 403 ? true : undefined
    })
    expect(await api.as('sofia').post(path, named('by-sofia'))).toMatchObject({ status: 201 })
  })
})
