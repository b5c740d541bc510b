import { readFile, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { eventually } from '../e2e/support/eventually.js'
import { describeKube } from './shared-api-server.js'
import { startApiServer, type TestApiServer } from './start-api-server.js'
import type { Asked } from './support/ask-as-gateway.js'
import { type BreakableLine, startBreakableLine } from './support/breakable-line.js'
import { type RunningService, startService } from './support/running-service.js'

const namespace = 'policies'
const configMaps = `/api/v1/namespaces/${namespace}/configmaps`
const labels = { 'mcp-authz.dev/policy': 'true' }

/** As in deploy/kubernetes. */
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
- { apiGroups: [""], resources: [configmaps], resourceNames: [mcp-authz-status], verbs: [patch] }
- { apiGroups: [""], resources: [events], verbs: [create] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: mcp-authz, namespace: ${namespace} }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: mcp-authz }
subjects: [{ kind: ServiceAccount, name: mcp-authz, namespace: ${namespace} }]
---
apiVersion: v1
kind: ConfigMap
metadata: { name: mcp-authz-status, namespace: ${namespace} }
`

const head = 'apiVersion: mcp-authz.dev/v1alpha1'
/** In the directory: everybody may do everything, if no Guardrail says otherwise. */
const everything = `${head}
kind: Grant
metadata: { name: everything }
spec: { match: { servers: [kubernetes], subjects: [{ kind: Group, name: "system:authenticated" }] } }
`
const cap = (expression: string) => `${head}
kind: Guardrail
metadata: { name: replica-cap }
spec:
  match: { servers: [kubernetes] }
  validations: [{ expression: ${JSON.stringify(expression)} }]
`
const manifest = (text: string, name = 'cap') => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, labels } },
  data: { 'cap.yaml': text },
})
const Status = z.looseObject({ data: z.record(z.string(), z.string()) })

const scale = (running: RunningService, replicas: number) =>
  running.call('alice', 'resources_scale', {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web', scale: replicas },
  })
const ready = (running: RunningService) =>
  eventually('readiness', async () => (await running.readiness()).status === 200, 20_000)

/** Up to how many replicas alice may have, of those that the policies of this test tell apart. */
async function mostReplicas(running: RunningService): Promise<number> {
  let most = 0
  for (const replicas of [5, 10, 100]) if ((await scale(running, replicas)).allowed) most = replicas
  return most
}

describeKube('a service with policies in ConfigMaps', () => {
  let api: TestApiServer
  let line: BreakableLine
  let running: RunningService
  beforeAll(async () => {
    api = await startApiServer()
    await api.apply(rights)
    line = await startBreakableLine(api.port)
    const kubeconfig = await api.kubeconfig({ token: await api.serviceAccountToken(namespace, 'mcp-authz') })
    const direct = await readFile(kubeconfig, 'utf8')
    await writeFile(kubeconfig, direct.replaceAll(`:${api.port}`, `:${line.port}`))
    running = await startService({
      config: {
        sources: [{ configMaps: { namespace } }],
        clusters: { local: { authorizer: 'files', kubeconfig } },
      },
      policies: everything,
      server: { require: ['grants'] },
    })
    await ready(running)
  })
  afterAll(async () => {
    await running?.stop()
    await line?.stop()
    await api?.stop()
  })

  /** Does something, and waits for what comes of it. @returns milliseconds from before it was asked for */
  const inForce = async (write: () => Promise<{ status: number }>, comes: () => Promise<boolean>): Promise<number> => {
    const began = performance.now()
    expect((await write()).status).toBeLessThan(300)
    await eventually('the change', comes)
    return performance.now() - began
  }
  const allows = (replicas: number) => async () => (await mostReplicas(running)) === replicas
  const says = (words: string) => async () => (await running.readiness()).reasons.join('\n').includes(words)
  const isWell = async () => (await running.readiness()).reasons.length === 0

  it('decides by them less than a second after each way of writing them', async () => {
    const put = (text: string) => () => api.admin.put(`${configMaps}/cap`, manifest(text))
    expect(await mostReplicas(running)).toBe(100)
    const took = {
      add: await inForce(() => api.admin.post(configMaps, manifest(cap('replicas.all(n, n <= 5)'))), allows(5)),
      change: await inForce(put(cap('replicas.all(n, n <= 10)')), allows(10)),
      break: await inForce(put(cap('replicas.all(n, n <= most)')), says('Guardrail/replica-cap does not compile')),
    }
    // The version before it is in force, for as long as it takes to mend it.
    expect(await mostReplicas(running)).toBe(10)
    const later = {
      tear: await inForce(put(`${head}\nkind: [Guardrail\n`), says('cap.yaml does not compile')),
      mend: await inForce(put(cap('replicas.all(n, n <= 5)')), allows(5)),
      delete: await inForce(() => api.admin.delete(`${configMaps}/cap`), allows(100)),
    }
    expect(await isWell()).toBe(true)
    for (const [what, ms] of Object.entries({ ...took, ...later })) expect(ms, what).toBeLessThan(1000)
  })

  it('says in the status which version it decides by', async () => {
    const { body } = await api.admin.post(configMaps, manifest(cap('replicas.all(n, n <= 5)')))
    const { metadata } = z.looseObject({ metadata: z.looseObject({ resourceVersion: z.string() }) }).parse(body)
    await eventually('the status', async () => {
      const { data } = Status.parse((await api.admin.get(`${configMaps}/mcp-authz-status`)).body)
      const states = Object.values(data).flatMap(
        text => z.looseObject({ states: z.array(z.unknown()) }).parse(parse(text)).states,
      )
      return JSON.stringify(states).includes(`"resourceVersion":"${metadata.resourceVersion}","state":"loaded"`)
    })
    expect(await mostReplicas(running)).toBe(5)
  })

  it('goes on as it was while the API server is dead, and after its restart', async () => {
    const answers: { readonly five: Asked; readonly ten: Asked }[] = []
    let over = false
    const load = (async () => {
      while (!over) {
        answers.push({ five: await scale(running, 5), ten: await scale(running, 10) })
        await sleep(20)
      }
    })()
    await api.kill()
    await eventually('the outage to be noticed', says('cluster local: '))
    await sleep(500)
    expect((await running.readiness()).status).toBe(200)
    await api.restart()
    await eventually('the end of the outage', isWell, 20_000)
    over = true
    await load
    expect(answers.length).toBeGreaterThan(20)
    for (const { five, ten } of answers) {
      expect(five).toMatchObject({ allowed: true })
      expect(ten).toMatchObject({ allowed: false, reason: 'guardrail.violated' })
    }
    // The next try to watch may be up to three seconds away.
    const set = (most: number) => () =>
      api.admin.put(`${configMaps}/cap`, manifest(cap(`replicas.all(n, n <= ${most})`)))
    await inForce(set(10), allows(10))
    expect(await inForce(set(5), allows(5))).toBeLessThan(1000)
  })

  it.each([
    ['deleted', () => api.admin.delete(`${configMaps}/cap`), 100],
    [
      'freed of its label',
      () => api.admin.patch(`${configMaps}/cap`, { metadata: { labels: { 'mcp-authz.dev/policy': null } } }),
      100,
    ],
    ['changed', () => api.admin.put(`${configMaps}/cap`, manifest(cap('replicas.all(n, n <= 5)'))), 5],
  ] as const)('learns afterwards what was %s while it heard nothing', async (_, write, afterwards) => {
    await api.admin.delete(`${configMaps}/cap`)
    await eventually('nothing', allows(100))
    await api.admin.post(configMaps, manifest(cap('replicas.all(n, n <= 10)')))
    await eventually('the policy', allows(10))
    line.cut()
    expect((await write()).status).toBe(200)
    await eventually('the outage to be noticed', says('cluster local: '))
    expect(await mostReplicas(running)).toBe(10)
    line.mend()
    await eventually('the change', allows(afterwards), 20_000)
  })
})

describeKube('a service that cannot list the ConfigMaps at its start', () => {
  let api: TestApiServer
  afterAll(() => api?.stop())

  it.each([
    ['refuse', 'policy.not_loaded'],
    ['serve', 'policy.error'],
  ] as const)('denies everything and is not ready until it can (%s)', async (brokenPolicies, reason) => {
    api ??= await startApiServer()
    await api.apply(rights)
    const kubeconfig = await api.kubeconfig({ token: await api.serviceAccountToken(namespace, 'mcp-authz') })
    await api.apply(manifest(cap('replicas.all(n, n <= 5)')))
    await api.kill()
    const running = await startService({
      config: {
        sources: [{ configMaps: { namespace } }],
        clusters: { local: { authorizer: 'files', kubeconfig } },
        startup: { brokenPolicies },
      },
      policies: everything,
      server: { require: ['grants'] },
    })
    try {
      expect(await scale(running, 5)).toMatchObject({ allowed: false, reason })
      const { status, reasons } = await running.readiness()
      expect(status).toBe(503)
      expect(reasons.join('\n')).toContain(`ConfigMaps of ${namespace} not listed yet`)
      await api.restart()
      await ready(running)
      await eventually('the policy', async () => (await mostReplicas(running)) === 5)
    } finally {
      await running.stop()
    }
  })
})
