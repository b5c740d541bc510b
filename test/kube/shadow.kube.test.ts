import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../e2e/support/eventually.js'
import { describeKube, sharedApiServer } from './shared-api-server.js'
import { type RunningService, startService } from './support/running-service.js'

const namespace = 'shadow-policies'
const configMaps = `/api/v1/namespaces/${namespace}/configmaps`

/** No more than policies in force take, but for the status, which the shadow has none of. */
const rights = `
apiVersion: v1
kind: Namespace
metadata: { name: ${namespace} }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: mcp-authz, namespace: ${namespace} }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: mcp-authz, namespace: ${namespace} }
rules:
- { apiGroups: [""], resources: [configmaps], verbs: [list, watch] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: mcp-authz, namespace: ${namespace} }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: mcp-authz }
subjects: [{ kind: ServiceAccount, name: mcp-authz, namespace: ${namespace} }]
`

/** Everybody may do everything, if no Guardrail says otherwise. */
const everything = `apiVersion: mcp-authz.dev/v1alpha1
kind: Grant
metadata: { name: everything }
spec: { match: { servers: [kubernetes], subjects: [{ kind: Group, name: "system:authenticated" }] } }
`
const cap = `apiVersion: mcp-authz.dev/v1alpha1
kind: Guardrail
metadata: { name: replica-cap }
spec:
  match: { servers: [kubernetes] }
  validations: [{ expression: "replicas.all(n, n <= 5)" }]
`

describeKube('ConfigMaps in the shadow', () => {
  let running: RunningService
  beforeAll(async () => {
    const api = sharedApiServer()
    await api.apply(rights)
    const kubeconfig = await api.kubeconfig({ token: await api.serviceAccountToken(namespace, 'mcp-authz') })
    running = await startService({
      config: {
        sources: [{ configMaps: { namespace, status: '', events: false } }],
        shadow: { sources: [{ configMaps: { namespace } }] },
        clusters: { local: { authorizer: 'files', kubeconfig } },
      },
      policies: everything,
      server: { require: ['grants'] },
    })
    await eventually('readiness', async () => (await running.readiness()).status === 200, 20_000)
  })
  afterAll(() => running?.stop())

  const scale = () =>
    running.call('alice', 'resources_scale', {
      ...{ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web', scale: 9 },
    })
  const metric = async (series: string) => {
    const lines = (await running.metrics()).split('\n')
    return Number(lines.find(line => line.startsWith(`mcp_authz_shadow_${series} `))?.split(' ')[1] ?? 0)
  }
  const tightened = () => metric('decisions_total{server="kubernetes",result="tightened"}')

  it('are compared, and enforced when their label is changed, without a restart', async () => {
    const { admin } = sharedApiServer()
    const metadata = { name: 'cap', namespace, labels: { 'mcp-authz.dev/policy': 'shadow' } }
    const written = await admin.post(configMaps, {
      ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'cap.yaml': cap } },
    })
    expect(written.status).toBe(201)
    await eventually('the shadow', async () => (await metric('documents')) === 1)
    expect(await scale()).toMatchObject({ allowed: true })
    await eventually('the difference', async () => (await tightened()) === 1)
    expect((await running.readiness()).reasons).toEqual([])

    const patched = await admin.patch(`${configMaps}/cap`, {
      metadata: { labels: { 'mcp-authz.dev/policy': 'true' } },
    })
    expect(patched.status).toBe(200)
    await eventually('the policy in force', async () => !(await scale()).allowed)
    expect(await scale()).toMatchObject({ allowed: false, reason: 'guardrail.violated' })
    await eventually('the end of the shadow', async () => (await metric('documents')) === 0)
    const before = await tightened()
    const same = () => metric('decisions_total{server="kubernetes",result="same"}')
    const had = await same()
    await scale()
    await eventually('the comparison', async () => (await same()) > had)
    expect(await tightened()).toBe(before)
    await admin.delete(`${configMaps}/cap`)
  })
})
