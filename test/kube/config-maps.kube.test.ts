import { afterAll, beforeAll, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { createApiServer } from '../../src/kube/create-api-server.js'
import { watchCollection } from '../../src/kube/watch-collection.js'
import { type ConfigMapEvents, createConfigMapEvents } from '../../src/policy/config-map-events.js'
import { configMapLimits, createConfigMapSource } from '../../src/policy/config-map-source.js'
import { type ConfigMapStatus, createConfigMapStatus } from '../../src/policy/config-map-status.js'
import { guardrail, server } from '../../src/policy/config-maps.fixture.js'
import { type LoadReport, PolicyStore } from '../../src/policy/policy-store.js'
import { eventually } from '../e2e/support/eventually.js'
import { memorySource, namesAsTokens } from '../support/policies.js'
import { describeKube, sharedApiServer } from './shared-api-server.js'
import type { ApiServerAccess } from './start-api-server.js'

const namespace = 'config-maps'
const configMaps = `/api/v1/namespaces/${namespace}/configmaps`
const label = { 'mcp-authz.dev/policy': 'true' }
/** What a ServiceAccount of mcp-authz may do with policies; as in deploy/kubernetes/rbac.yaml. */
const rights = `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: reads, namespace: ${namespace} }
rules:
- { apiGroups: [""], resources: [configmaps], verbs: [get, list, watch] }
- { apiGroups: [""], resources: [configmaps], resourceNames: [mcp-authz-status], verbs: [patch] }
- { apiGroups: [""], resources: [events], verbs: [create, patch] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: reads, namespace: ${namespace} }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: reads }
subjects: [{ kind: ServiceAccount, name: default, namespace: ${namespace} }]
---
apiVersion: v1
kind: ConfigMap
metadata: { name: mcp-authz-status, namespace: ${namespace} }
`
const Status = z.looseObject({ data: z.record(z.string(), z.string()).default({}) })
const ManagedFields = z.looseObject({
  metadata: z.looseObject({ managedFields: z.array(z.looseObject({ manager: z.string() })) }),
})
const Events = z.looseObject({
  items: z.array(
    z.looseObject({
      type: z.string(),
      reason: z.string(),
      message: z.string(),
      involvedObject: z.looseObject({ name: z.string(), fieldPath: z.string().optional() }),
    }),
  ),
})

describeKube('policies in ConfigMaps', () => {
  let api: ApiServerAccess
  let replica: Replica

  beforeAll(async () => {
    api = sharedApiServer()
    await api.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
    await api.apply(rights)
    replica = await startReplica(api, 'one')
  })
  afterAll(() => replica?.stop())

  const manifest = (name: string, data: Readonly<Record<string, string>>, labels: object = label) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, labels },
    data,
  })
  /** Does something, and waits until a load shows it. @returns milliseconds from before the request */
  const inForce = async (write: () => Promise<unknown>, shows: (report: LoadReport) => boolean): Promise<number> => {
    const began = performance.now()
    await write()
    await eventually('the change', () => replica.loads.some(({ at, report }) => at >= began && shows(report)), 5000)
    const seen = replica.loads.find(({ at, report }) => at >= began && shows(report))
    return (seen?.at ?? Number.POSITIVE_INFINITY) - began
  }
  const has = (state: string) => (report: LoadReport) => report.states.some(one => `${one.name} ${one.state}` === state)
  const events = async (name: string) => {
    const { body } = await api.admin.get(
      `/api/v1/namespaces/${namespace}/events?fieldSelector=involvedObject.name%3D${name}`,
    )
    return Events.parse(body).items.map(({ type, reason, message }) => ({ type, reason, message }))
  }
  const statusOf = async (name: string): Promise<unknown> => {
    const { data } = Status.parse((await api.admin.get(`${configMaps}/mcp-authz-status`)).body)
    return data[`${name}.yaml`] === undefined ? undefined : parse(data[`${name}.yaml`] ?? '')
  }

  it('are in force less than a second after each way of writing them', async () => {
    const took: Record<string, number> = {}
    const note = async (what: string, ms: Promise<number>) => {
      took[what] = Math.round(await ms)
    }
    const good = guardrail('way', 'true')
    await note(
      'add',
      inForce(() => api.admin.post(configMaps, manifest('way', { 'way.yaml': good })), has('way loaded')),
    )
    const { revision } = replica.store.report ?? {}
    const changed = manifest('way', { 'way.yaml': guardrail('way', '1 == 1') })
    await note(
      'change',
      inForce(
        () => api.admin.put(`${configMaps}/way`, changed),
        report => report.revision !== revision,
      ),
    )
    const broken = manifest('way', { 'way.yaml': guardrail('way', 'nobody.knows == 1') })
    await note(
      'break',
      inForce(() => api.admin.put(`${configMaps}/way`, broken), has('way kept-last-good')),
    )
    await note(
      'mend',
      inForce(() => api.admin.put(`${configMaps}/way`, changed), has('way loaded')),
    )
    const off = { metadata: { labels: { 'mcp-authz.dev/policy': null } } }
    const gone = (report: LoadReport) => !report.states.some(one => one.name === 'way')
    await note(
      'label off',
      inForce(() => api.admin.patch(`${configMaps}/way`, off), gone),
    )
    await note(
      'label on',
      inForce(() => api.admin.patch(`${configMaps}/way`, { metadata: { labels: label } }), has('way loaded')),
    )
    await note(
      'delete',
      inForce(() => api.admin.delete(`${configMaps}/way`), gone),
    )
    await note(
      'apply',
      inForce(() => api.apply(changed), has('way loaded')),
    )
    await api.admin.delete(`${configMaps}/way`)
    for (const [what, ms] of Object.entries(took)) expect(ms, what).toBeLessThan(1000)
  })

  it('may be renamed, adding before deleting', async () => {
    const text = guardrail('moved', 'true')
    await inForce(() => api.admin.post(configMaps, manifest('before', { 'a.yaml': text })), has('moved loaded'))
    const { revision } = replica.store.report ?? {}
    const began = performance.now()
    await inForce(() => api.admin.post(configMaps, manifest('after', { 'b.yaml': text })), has('moved overridden'))
    await inForce(
      () => api.admin.delete(`${configMaps}/before`),
      report => !has('moved overridden')(report),
    )
    const meanwhile = replica.loads.filter(({ at }) => at > began).map(({ report }) => report.revision)
    expect(new Set(meanwhile)).toEqual(new Set([revision]))
    expect(replica.store.report?.broken).toEqual([])
    await inForce(
      () => api.admin.delete(`${configMaps}/after`),
      report => !has('moved loaded')(report),
    )
  })

  it('may be immutable, under names with the hash of kustomize', async () => {
    const immutable = (name: string, expression: string) => ({
      ...manifest(name, { 'hashed.yaml': guardrail('hashed', expression) }),
      immutable: true,
    })
    await inForce(() => api.admin.post(configMaps, immutable('hashed-5g8tf29bkm', 'true')), has('hashed loaded'))
    const { revision } = replica.store.report ?? {}
    // Times of creation are in whole seconds.
    await new Promise(resolve => setTimeout(resolve, 1100))
    await inForce(
      () => api.admin.post(configMaps, immutable('hashed-2h2dm4ttb7', 'false')),
      report => report.revision !== revision,
    )
    expect(replica.store.report).toMatchObject({ broken: [], inForce: true })
    const next = replica.store.report?.revision
    await api.admin.delete(`${configMaps}/hashed-5g8tf29bkm`)
    await eventually('only one', () => replica.store.report?.findings.every(one => !one.message.includes('older')))
    expect(replica.store.report?.revision).toBe(next)
    await inForce(
      () => api.admin.delete(`${configMaps}/hashed-2h2dm4ttb7`),
      report => !has('hashed loaded')(report),
    )
  })

  it('have their errors said in Events, once, and that they were mended', async () => {
    const good = manifest('told', { 'told.yaml': guardrail('told', 'true') })
    await inForce(() => api.admin.post(configMaps, good), has('told loaded'))
    const bad = manifest('told', { 'told.yaml': guardrail('told', 'usr.username == "x"') })
    await inForce(() => api.admin.put(`${configMaps}/told`, bad), has('told kept-last-good'))
    const [invalid] = await eventually('an Event', async () => {
      const found = await events('told')
      return found.length > 0 && found
    })
    expect(invalid).toMatchObject({ type: 'Warning', reason: 'PolicyInvalid' })
    expect(invalid?.message).toMatch(
      /^told\.yaml, Guardrail\/told: line 7, column 18: spec\.validations\[0\]\.expression: .*usr/,
    )
    // Something else changes, and the error stays the same.
    await inForce(
      () => api.admin.patch(`${configMaps}/told`, { metadata: { annotations: { a: 'b' } } }),
      () => true,
    )
    await inForce(() => api.admin.put(`${configMaps}/told`, good), has('told loaded'))
    await eventually('another Event', async () => (await events('told')).length === 2)
    const { body } = await api.admin.get(`/api/v1/namespaces/${namespace}/events`)
    expect(Events.parse(body).items.find(one => one.reason === 'PolicyLoaded')).toMatchObject({
      type: 'Normal',
      message: 'all policies of this ConfigMap are in force',
      involvedObject: { name: 'told' },
    })
    expect(replica.events.lost).toBe(0)
    await api.admin.delete(`${configMaps}/told`)
  })

  it('have their state in the status ConfigMap, by replica', async () => {
    const other = await startReplica(api, 'two')
    await inForce(
      () => api.admin.post(configMaps, manifest('shown', { 'shown.yaml': guardrail('shown', 'nope') })),
      has('shown broken'),
    )
    for (const name of ['one', 'two']) {
      const status = await eventually('the status', async () => {
        const found = await statusOf(name)
        return JSON.stringify(found ?? '').includes('shown') && found
      })
      expect(status).toMatchObject({
        revision: replica.store.report?.revision,
        inForce: true,
        documents: { broken: 1 },
        states: [
          {
            document: 'Guardrail/shown',
            configMap: 'shown',
            key: 'shown.yaml',
            resourceVersion: expect.stringMatching(/^\d+$/),
            state: 'broken',
            errors: [expect.stringMatching(/^line 7, column 18: spec\.validations\[0\]\.expression: /)],
          },
        ],
      })
    }
    await inForce(
      () => api.admin.delete(`${configMaps}/shown`),
      report => !has('shown broken')(report),
    )
    await eventually('no more of it', async () => !JSON.stringify(await statusOf('two')).includes('shown'))

    await other.stop()
    expect(await statusOf('two')).toBeUndefined()
    const { body } = await api.admin.get(`${configMaps}/mcp-authz-status`)
    const managers = ManagedFields.parse(body).metadata.managedFields.map(({ manager }) => manager)
    expect(managers).toContain('mcp-authz-one')
    expect(managers).not.toContain('mcp-authz-two')
  })

  it('lose the state of replicas that are gone, whoever writes next', async () => {
    const time = new Date(Date.now() - 16 * 60_000).toISOString()
    const gone = { ...manifest('mcp-authz-status', { 'gone.yaml': `time: ${time}\n` }, {}) }
    const path = `${configMaps}/mcp-authz-status?fieldManager=mcp-authz-gone&force=true`
    expect((await api.admin.patch(path, gone, 'application/apply-patch+yaml')).status).toBe(200)
    const fresh = {
      ...manifest('mcp-authz-status', { 'fresh.yaml': `time: ${new Date().toISOString()}\n`, notes: 'ours' }, {}),
    }
    await api.admin.patch(`${configMaps}/mcp-authz-status`, { data: fresh.data })
    await api.admin.post(configMaps, manifest('nudge', { 'nudge.yaml': guardrail('nudge', 'true') }))
    await eventually('the end of it', async () => (await statusOf('gone')) === undefined)
    expect(await statusOf('fresh')).toBeDefined()
    await api.admin.delete(`${configMaps}/nudge`)
  })
})

describeKube('the status of policies in ConfigMaps', () => {
  it('is made where that is allowed, and says what to do where it is not', async () => {
    const access = sharedApiServer()
    const place = 'config-maps-new'
    await access.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: place } })
    const collection = {
      objects: new Map(),
      generation: 0,
      freshness: () => ({ synced: true, staleForMs: 0, problem: '' }),
    }
    const source = createConfigMapSource({ name: 'policies', namespace: place, collection })
    const store = new PolicyStore({
      sources: [memorySource({ 'server.yaml': server }), source],
      compile: {},
      assemble: { clusters: ['local'], authenticator: () => ({ value: namesAsTokens({}), findings: [] }) },
    })
    const write = async (user: string) => {
      const connection = { kind: 'kubeconfig', file: await access.kubeconfig({ user }), context: undefined } as const
      const api = createApiServer({ cluster: 'local', connection, timeoutMs: 5000, maxInFlight: 8 })
      const failures: string[] = []
      const onFailure = (message: string) => failures.push(message)
      const status = createConfigMapStatus({ api, source, replica: 'one', name: 'status', onFailure })
      status.loaded(store.load())
      const path = `/api/v1/namespaces/${place}/configmaps/status`
      await eventually('an attempt', async () => failures.length > 0 || (await access.admin.get(path)).status === 200)
      await status.stop()
      api.close()
      return failures
    }
    const [failure] = await write('alice')
    expect(failure).toContain('create the ConfigMap status, empty, and let the ServiceAccount patch it')
    expect(await write('admin')).toEqual([])
  })
})

interface Replica {
  readonly store: PolicyStore
  readonly loads: readonly { readonly at: number; readonly report: LoadReport }[]
  readonly events: ConfigMapEvents
  readonly status: ConfigMapStatus
  stop(): Promise<void>
}

/** The parts that the service puts together, as the ServiceAccount of the namespace. */
async function startReplica(access: ApiServerAccess, name: string): Promise<Replica> {
  const token = await access.serviceAccountToken(namespace, 'default')
  const connection = { kind: 'kubeconfig', file: await access.kubeconfig({ token }), context: undefined } as const
  const api = createApiServer({ cluster: 'local', connection, timeoutMs: 5000, maxInFlight: 8 })
  const loads: { at: number; report: LoadReport }[] = []
  const failures: string[] = []
  const collection = watchCollection({
    api,
    path: configMaps,
    labelSelector: 'mcp-authz.dev/policy=true',
    maxObjects: configMapLimits.objects,
    maxBytes: configMapLimits.bytes,
    onChange: () => store.changed(),
  })
  const source = createConfigMapSource({ name: 'policies', namespace, collection, except: ['mcp-authz-status'] })
  const about = { api, source, replica: name, onFailure: (message: string) => failures.push(message) }
  const events = createConfigMapEvents(about)
  const status = createConfigMapStatus({ ...about, name: 'mcp-authz-status' })
  const store: PolicyStore = new PolicyStore({
    sources: [memorySource({ 'server.yaml': server }), source],
    compile: {},
    assemble: { clusters: ['local'], authenticator: () => ({ value: namesAsTokens({}), findings: [] }) },
    onLoaded(report) {
      loads.push({ at: performance.now(), report })
      events.loaded(report)
      status.loaded(report)
    },
  })
  collection.start()
  await eventually('the first list', () => collection.freshness().synced)
  expect(store.load().inForce).toBe(true)
  store.watch()
  return {
    ...{ store, loads, events, status },
    async stop() {
      store.stop()
      collection.stop()
      events.stop()
      await status.stop()
      api.close()
      expect(failures).toEqual([])
    },
  }
}
