import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { createApiServer } from '../../src/kube/create-api-server.js'
import { InvocationRetention } from '../../src/telemetry/record-sinks/invocation-retention.js'
import { KubernetesRecords } from '../../src/telemetry/record-sinks/kubernetes-records.js'
import type { StoreFailure } from '../../src/telemetry/record-sinks/object-store.js'
import { eventually } from '../e2e/support/eventually.js'
import { describeKube } from './shared-api-server.js'
import { startApiServer, type TestApiServer } from './start-api-server.js'
import { type RunningService, startService } from './support/running-service.js'

const folder = join(import.meta.dirname, '../../deploy/kubernetes')
const namespace = 'mcp-authz'
const invocations = `/apis/mcp-authz.dev/v1alpha1/namespaces/${namespace}/mcptoolinvocations`
const events = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`

const Events = z.object({
  items: z.array(
    z.looseObject({
      metadata: z.looseObject({ name: z.string() }),
      reason: z.string(),
      type: z.string(),
      note: z.string(),
      action: z.string(),
      reportingController: z.string(),
      regarding: z.looseObject({ kind: z.string(), name: z.string() }),
      series: z.looseObject({ count: z.number() }).optional(),
    }),
  ),
})
const Invocations = z.object({
  items: z.array(
    z.looseObject({
      metadata: z.looseObject({ name: z.string(), creationTimestamp: z.string() }),
      spec: z.looseObject({ decision: z.string(), user: z.string(), tool: z.string(), reason: z.string().optional() }),
    }),
  ),
})

const head = 'apiVersion: mcp-authz.dev/v1alpha1'
const policies = `${head}
kind: Grant
metadata: { name: everything }
spec: { match: { servers: [kubernetes], subjects: [{ kind: Group, name: "system:authenticated" }] } }
---
${head}
kind: Guardrail
metadata: { name: replica-cap }
spec:
  match: { servers: [kubernetes] }
  validations: [{ expression: "replicas.all(n, n <= 5)", reason: ReplicaCap }]
`

const scale = (running: RunningService, user: string, replicas: number) =>
  running.call(user, 'resources_scale', {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'very-secret-name', scale: replicas },
  })

describeKube('decisions told to a cluster, with the rights of deploy/kubernetes', () => {
  let api: TestApiServer
  let kubeconfig: string
  const stops: (() => Promise<unknown>)[] = []
  const listEvents = async () => Events.parse((await api.admin.get(events)).body).items
  const listInvocations = async () => Invocations.parse((await api.admin.get(invocations)).body).items

  beforeAll(async () => {
    api = await startApiServer()
    for (const name of ['namespace.yaml', 'crds.yaml', 'service-account.yaml', 'decision-records.yaml'])
      await api.apply(join(folder, name))
    kubeconfig = await api.kubeconfig({ token: await api.serviceAccountToken(namespace, 'mcp-authz') })
    // Right after its definition a type answers 404 or 429 for a moment.
    await eventually('the type', async () => ((await api.admin.get(invocations)).status === 200 ? true : undefined))
  })
  afterAll(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
    await api?.stop()
  })

  const clusters = () => ({ local: { authorizer: 'files', kubeconfig } })
  async function start(kubernetes: object): Promise<RunningService> {
    const running = await startService({
      config: { clusters: clusters(), decisionLog: { kubernetes: { namespace, ...kubernetes } } },
      policies,
      server: { require: ['grants'] },
    })
    stops.push(() => running.stop())
    await eventually('readiness', async () => (await running.readiness()).status === 200, 20_000)
    return running
  }

  const record = (id: number, over: object = {}) =>
    JSON.stringify({
      version: 'mcp-authz.dev/decision/v1',
      decision_id: `00000000-0000-4000-8000-${String(id).padStart(12, '0')}`,
      timestamp: '2026-11-21T12:00:00.123Z',
      mode: 'enforce',
      decision: 'deny',
      reason: 'guardrail.violated',
      server: 'kubernetes',
      subject: { kind: 'user', user: 'zoe', groups: ['a'], issuer: 'https://idp.example.com' },
      mcp: { method: 'tools/call', kind: 'request', era: 'legacy', target: { kind: 'tool', name: 'x' } },
      ...over,
    })
  const open = (over: Partial<ConstructorParameters<typeof KubernetesRecords>[0]> = {}) => {
    const store = createApiServer({
      cluster: 'local',
      connection: { kind: 'kubeconfig', file: kubeconfig, context: undefined },
      timeoutMs: 5000,
      maxInFlight: 8,
    })
    const failures: StoreFailure[] = []
    const records = new KubernetesRecords({
      ...{ store, namespace, replica: 'pod-1', events: 'all', invocations: 'all' },
      ...{ retentionMs: 3_600_000, maxObjects: 1000, flushMs: 5000 },
      onFailure: failure => failures.push(failure),
      ...over,
    })
    stops.push(async () => store.close())
    return { records, failures, store }
  }

  it('makes one Event of many denials of one kind, and an object of each call', async () => {
    const running = await start({ invocations: 'all' })
    for (let i = 0; i < 4; i++) expect((await scale(running, 'alice', 50)).allowed).toBe(false)
    expect((await scale(running, 'bob', 50)).allowed).toBe(false)
    expect((await scale(running, 'alice', 3)).allowed).toBe(true)
    const objects = await eventually('six objects', async () => {
      const found = await listInvocations()
      return found.length === 6 ? found : undefined
    })
    const denied = objects.filter(({ spec }) => spec.decision === 'Deny')
    expect(denied.map(({ spec }) => spec.user).sort()).toEqual(['alice', 'alice', 'alice', 'alice', 'bob'])
    expect(denied[0]?.spec).toMatchObject({
      server: 'kubernetes',
      tool: 'resources_scale',
      reason: 'guardrail.violated',
      policy: 'Guardrail/replica-cap',
      policyReason: 'ReplicaCap',
      argsDigest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      decisionId: denied[0]?.metadata.name,
    })
    expect(objects.filter(({ spec }) => spec.decision === 'Allow').map(({ spec }) => spec.user)).toEqual(['alice'])
    // The end tells what was counted since.
    await running.stop()
    const told = await listEvents()
    expect(told.map(({ reason, note }) => `${reason} ${note.split(' ')[0]}`).sort()).toEqual([
      'Denied alice',
      'Denied bob',
    ])
    const [alice] = told.filter(({ note }) => note.startsWith('alice'))
    expect(alice).toMatchObject({
      type: 'Warning',
      action: 'tools/call',
      reportingController: 'mcp-authz.dev/mcp-authz',
      regarding: { apiVersion: 'mcp-authz.dev/v1alpha1', kind: 'Server', namespace, name: 'kubernetes' },
      note: expect.stringMatching(
        /^alice was denied the tool resources_scale of kubernetes: guardrail\.violated by Guardrail\/replica-cap \(ReplicaCap\)\. Decision [-0-9a-f]{36}$/,
      ),
    })
    expect(alice?.series?.count).toBe(4)
    // As kubectl asks for them, by the older API.
    const selector = encodeURIComponent('reportingComponent=mcp-authz.dev/mcp-authz,involvedObject.name=kubernetes')
    const older = await api.admin.get(`/api/v1/namespaces/${namespace}/events?fieldSelector=${selector}`)
    expect(z.object({ items: z.array(z.unknown()) }).parse(older.body).items).toHaveLength(2)
    const chosen = await api.admin.get(
      `${invocations}?fieldSelector=${encodeURIComponent('spec.user=bob,spec.decision=Deny')}`,
    )
    expect(Invocations.parse(chosen.body).items.map(({ spec }) => spec.user)).toEqual(['bob'])
    // No argument is anywhere.
    expect(JSON.stringify([told, objects])).not.toContain('very-secret-name')
  })

  it('keeps what was decided as it is, and refuses fields that it does not know', async () => {
    const [object] = await listInvocations()
    if (object === undefined) throw new Error('no object')
    const path = `${invocations}/${object.metadata.name}`
    const changed = { ...object, spec: { ...object.spec, decision: 'Allow', user: 'mallory' } }
    expect(await api.admin.put(path, changed)).toMatchObject({
      status: 422,
      message: expect.stringContaining('what was decided does not change'),
    })
    const table = await open().store.request({
      method: 'GET',
      path: invocations,
      accept: 'application/json;as=Table;g=meta.k8s.io;v=v1',
    })
    expect(table).toMatchObject({ ok: true })
    const columns = table.ok && table.body instanceof Map ? table.body.get('columnDefinitions') : undefined
    const names = Array.isArray(columns) ? columns.map(one => (one instanceof Map ? one.get('name') : undefined)) : []
    expect(names).toEqual(['Name', 'User', 'Agent', 'Server', 'Tool', 'Decision', 'Reason', 'Policy', 'Time'])
    const strange = { ...object, metadata: { namespace, name: 'strange' }, spec: { ...object.spec, arguments: {} } }
    expect((await api.admin.post(`${invocations}?fieldValidation=Strict`, strange)).status).toBe(400)
  })

  it('gives the service these rights and no others', async () => {
    const user = `system:serviceaccount:${namespace}:mcp-authz`
    const may = async (group: string, resource: string, verb: string) =>
      (await api.review({ user, resourceAttributes: { group, resource, verb, namespace } })).allowed
    const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection']
    const allowed = async (group: string, resource: string) => {
      const answers = await Promise.all(verbs.map(async verb => ((await may(group, resource, verb)) ? [verb] : [])))
      return answers.flat()
    }
    expect(await allowed('events.k8s.io', 'events')).toEqual(['create', 'patch'])
    expect(await allowed('mcp-authz.dev', 'mcptoolinvocations')).toEqual(['list', 'create', 'delete'])
  })

  describe('the sink by itself', () => {
    it('writes what is hostile as well, in one line and within the limits', async () => {
      const { records, failures } = open()
      const long = 'é\u202e\n'.repeat(400)
      const subject = { kind: 'user', user: long, groups: Array(100).fill(long), issuer: long }
      const target = { kind: 'tool', name: `${long}\u0000` }
      const mcp = { method: 'tools/call', kind: 'request', era: 'legacy', target }
      records.write(record(1, { subject, mcp, policy: long, policy_reason: long, reason: long, server: 'not a name!' }))
      records.write(record(2, { server: undefined, subject: undefined, mcp: undefined }))
      await records.close()
      expect(failures).toEqual([])
      const told = await listEvents()
      const [one] = told.filter(({ regarding }) => regarding.name === 'not a name!')
      expect(Buffer.byteLength(one?.note ?? '')).toBeLessThanOrEqual(1024)
      expect(one?.note).not.toMatch(/[\n\u202e]/)
      expect(told.find(({ regarding }) => regarding.kind === 'Namespace')?.note).toMatch(/^Somebody unknown was denied/)
      expect(records.samples).toEqual([
        { sink: 'events', exported: 2, dropped: 0, failed: 0 },
        { sink: 'invocations', exported: 1, dropped: 0, failed: 0 },
      ])
    })

    it('writes the same decision once', async () => {
      for (let i = 0; i < 2; i++) {
        const { records, failures } = open()
        records.write(record(3))
        await records.close()
        expect(failures).toEqual([])
      }
      expect(
        (await listInvocations()).filter(({ spec }) => spec.decisionId === JSON.parse(record(3)).decision_id),
      ).toHaveLength(1)
    })

    it('removes the oldest beyond the limit, and what is too old, and nothing of others', async () => {
      const { records, store } = open({ events: 'none' })
      for (let i = 10; i < 22; i++) records.write(record(i))
      await records.close()
      const mine = await listInvocations()
      const [{ spec } = { spec: {} }] = mine
      const foreign = { apiVersion: 'mcp-authz.dev/v1alpha1', kind: 'MCPToolInvocation' }
      expect((await api.admin.post(invocations, { ...foreign, metadata: { name: 'foreign' }, spec })).status).toBe(201)
      const failures: StoreFailure[] = []
      const retain = async (maxObjects: number, now: number, left: number) => {
        const retention = new InvocationRetention({
          ...{ store, namespace, maxObjects, retentionMs: 3_600_000, firstLookMs: 10, now: () => now },
          onFailure: failure => failures.push(failure),
        })
        await eventually(`${left} left`, async () => ((await listInvocations()).length === left ? true : undefined))
        retention.stop()
      }
      expect(mine.length).toBeGreaterThan(5)
      await retain(5, Date.now(), 6)
      await retain(5, Date.now() + 3_700_000, 1)
      expect((await listInvocations()).map(({ metadata }) => metadata.name)).toEqual(['foreign'])
      expect(failures).toEqual([])
    })

    it('outlives an API server that is away, and delays nobody', async () => {
      const { records, failures } = open({ flushMs: 1000 })
      await api.pause()
      const began = performance.now()
      for (let i = 100; i < 1100; i++) records.write(record(i, { subject: { user: `user-${i % 50}` } }))
      expect(performance.now() - began).toBeLessThan(500)
      await sleep(200)
      api.resume()
      await eventually('the objects', async () => ((await listInvocations()).length > 50 ? true : undefined), 30_000)
      await records.close()
      const [told, objects] = records.samples
      expect(told).toMatchObject({ exported: expect.any(Number), dropped: 0, failed: 0 })
      // At its pace: what did not fit is counted.
      expect((objects?.exported ?? 0) + (objects?.dropped ?? 0)).toBe(1000)
      expect(failures).toEqual([])
    })

    it('says what it may not do, with what to do, and goes on', async () => {
      const { records, failures } = open({ namespace: 'default' })
      records.write(record(5))
      await records.close()
      expect(failures.map(({ status }) => status)).toContain(403)
      expect(records.samples).toEqual([
        { sink: 'events', exported: 0, dropped: 0, failed: 1 },
        { sink: 'invocations', exported: 0, dropped: 0, failed: 1 },
      ])
    })
  })

  it('has a manifest in which every document is of a kind that is known', async () => {
    const documents = parseAllDocuments(await readFile(join(folder, 'decision-records.yaml'), 'utf8'))
    expect(documents.map(one => one.get('kind'))).toEqual(['CustomResourceDefinition', 'Role', 'RoleBinding', 'Role'])
  })
})
