import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import type { ApiAnswer, KubeClient as ApiClient } from '../../src/demo/kube-client.js'
import { eventually } from '../e2e/support/eventually.js'
import { describeKube, sharedApiServer } from './shared-api-server.js'
import type { ApiServerAccess } from './start-api-server.js'

const file = join(import.meta.dirname, '../../deploy/kubernetes/validating-admission-policy.yaml')
const namespace = 'admission'
const configMaps = `/api/v1/namespaces/${namespace}/configmaps`
/** Both may write ConfigMaps; one of them policies as well. */
const people = ['editor', 'writer'].map(
  name => `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: ${name}, namespace: ${namespace} }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: User, name: ${name} }]
`,
)
const right = `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: policies, namespace: ${namespace} }
rules: [{ apiGroups: [mcp-authz.dev], resources: [policies], verbs: [update] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: policies, namespace: ${namespace} }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: policies }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: User, name: writer }]
`

const label = { 'mcp-authz.dev/policy': 'true' }
const text = 'apiVersion: mcp-authz.dev/v1alpha1\nkind: Guardrail\n'
const configMap = (name: string, more: object = {}, labels: object = label) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace, labels },
  data: { 'one.yaml': text },
  ...more,
})

describeKube('the ValidatingAdmissionPolicy for policies in ConfigMaps', () => {
  let api: ApiServerAccess
  let editor: ApiClient
  let writer: ApiClient
  const opened: ApiClient[] = []

  beforeAll(async () => {
    api = sharedApiServer()
    editor = api.as('editor')
    writer = api.as('writer')
    opened.push(editor, writer)
    await api.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
    for (const one of [...people, right]) await api.apply(one)
    await api.apply(file)
    await eventually('the policy to hold', async () => {
      const { status } = await editor.post(`${configMaps}?dryRun=All`, configMap('probe'))
      return status === 403
    })
    await eventually(
      'the writer',
      async () => (await writer.post(`${configMaps}?dryRun=All`, configMap('a'))).status === 201,
    )
  })
  afterAll(async () => {
    for (const document of parseAllDocuments(await readFile(file, 'utf8')))
      await api.admin.delete(await api.admin.pathOf(document.toJS()))
    await Promise.all(opened.map(client => client.close()))
  })

  const refused = ({ status, message }: ApiAnswer, code: number, words: string) => {
    expect({ status, message }).toMatchObject({ status: code, message: expect.stringContaining(words) })
  }
  const noRight = 'you need the right to update policies.mcp-authz.dev in the namespace admission'

  it('asks those who write, change or delete policies for the right to', async () => {
    refused(await editor.post(configMaps, configMap('held')), 403, noRight)
    expect((await writer.post(configMaps, configMap('held'))).status).toBe(201)
    refused(await editor.put(`${configMaps}/held`, configMap('held', { data: { 'two.yaml': text } })), 403, noRight)
    refused(await editor.patch(`${configMaps}/held`, { metadata: { annotations: { a: 'b' } } }), 403, noRight)
    refused(await editor.delete(`${configMaps}/held`), 403, noRight)
    refused(await editor.delete(configMaps), 403, noRight)
    expect((await writer.patch(`${configMaps}/held`, { metadata: { annotations: { a: 'b' } } })).status).toBe(200)
    expect((await writer.delete(`${configMaps}/held`)).status).toBe(200)
  })

  it('asks the same of those who put the label on or take it off', async () => {
    const off = { metadata: { labels: { 'mcp-authz.dev/policy': null } } }
    expect((await editor.post(configMaps, configMap('label', {}, {}))).status).toBe(201)
    refused(await editor.patch(`${configMaps}/label`, { metadata: { labels: label } }), 403, noRight)
    expect((await writer.patch(`${configMaps}/label`, { metadata: { labels: label } })).status).toBe(200)
    refused(await editor.patch(`${configMaps}/label`, off), 403, noRight)
    refused(await editor.put(`${configMaps}/label`, configMap('label', {}, {})), 403, noRight)
    expect((await writer.patch(`${configMaps}/label`, off)).status).toBe(200)
    expect((await editor.delete(`${configMaps}/label`)).status).toBe(200)
  })

  it('leaves every other ConfigMap alone', async () => {
    const other = configMap('other', { data: { 'any.txt': 'thing' } }, { 'mcp-authz.dev/policy': 'false' })
    expect((await editor.post(configMaps, other)).status).toBe(201)
    expect((await editor.patch(`${configMaps}/other`, { data: { more: 'things' } })).status).toBe(200)
    expect((await editor.delete(`${configMaps}/other`)).status).toBe(200)
  })

  const broken: readonly (readonly [string, object, number, string])[] = [
    ['a key of another ending', { data: { 'one.yaml': text, readme: text } }, 422, 'rename or remove: readme'],
    ['binaryData', { binaryData: { 'two.yaml': 'AA==' } }, 422, 'binaryData is not read'],
    ['nothing', { data: {} }, 422, 'holds no policies'],
    ['no data', { data: undefined }, 422, 'holds no policies'],
    ['too much', { data: { 'one.yaml': text + '#'.repeat(512 * 1024) } }, 413, 'larger than'],
    [
      'something else',
      { data: { 'one.yaml': text, 'two.yaml': 'kind: Pod\napiVersion: v1\n' } },
      422,
      'no document with apiVersion: mcp-authz.dev/v1alpha1 in: two.yaml',
    ],
  ]
  it.each(broken)('refuses %s, of anybody', async (_, more, code, words) => {
    refused(await writer.post(configMaps, configMap('broken', more)), code, words)
    expect((await api.admin.post(configMaps, configMap('broken', more))).status).toBeGreaterThan(400)
  })

  it('takes several keys of policies with other documents in between', async () => {
    const data = {
      'a.yaml': `# the first\n---\n${text}---\n${text}`,
      'b.yml': '{"apiVersion":"mcp-authz.dev/v1alpha1"}',
    }
    expect((await writer.post(configMaps, configMap('several', { data, immutable: true }))).status).toBe(201)
    expect((await writer.delete(`${configMaps}/several`)).status).toBe(200)
  })

  it('lets the controllers of the cluster empty a namespace', async () => {
    expect((await writer.post(configMaps, configMap('left'))).status).toBe(201)
    const controller = api.as({
      user: 'system:serviceaccount:kube-system:namespace-controller',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
    })
    opened.push(controller)
    refused(await controller.patch(`${configMaps}/left`, { data: { 'a.yaml': text } }), 403, 'cannot patch')
    expect((await controller.delete(configMaps)).status).toBe(200)
    expect((await api.admin.get(`${configMaps}/left`)).status).toBe(404)
  })
})
