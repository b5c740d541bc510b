import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { ApiServer } from '../../src/kube/api-server.js'
import type { ConnectedApiServer } from '../../src/kube/create-api-server.js'
import { createDiscovery, type Discovery } from '../../src/kube/discovery.js'
import { kindsOfCluster } from '../../src/rbac/kind-resolver.js'
import { createKinds } from '../../src/rbac/kinds.js'
import { eventually } from '../e2e/support/eventually.js'
import { connect } from './sar-stand.js'
import { describeKube, sharedApiServer } from './shared-api-server.js'
import type { ApiServerAccess } from './start-api-server.js'

const definition = (group: string, scope: 'Namespaced' | 'Cluster') => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `orders.${group}` },
  spec: {
    group,
    scope,
    names: { plural: 'orders', singular: 'order', kind: 'Order' },
    versions: [
      {
        ...{ name: 'v1', served: true, storage: true },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
        },
      },
    ],
  },
})

describeKube('discovery on a real API server', () => {
  let server: ApiServerAccess
  let api: ConnectedApiServer
  const running: Discovery[] = []

  beforeAll(async () => {
    server = sharedApiServer()
    api = await connect(server, 'explorer', { role: 'cluster-admin' })
  })
  afterEach(async () => {
    for (const one of running.splice(0)) one.stop()
    for (const group of ['watched.example.com', 'asked.example.com'])
      await server.admin.delete(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/orders.${group}`)
  })
  afterAll(() => api?.close())

  async function started(through: ApiServer = api, watchDefinitions = true): Promise<Discovery> {
    const discovery = createDiscovery({ api: through, watchDefinitions, timings: { missMs: 500 } })
    running.push(discovery)
    discovery.start()
    await eventually('discovery', () => discovery.freshness().synced)
    return discovery
  }

  it('serves every kind of the built-in table as the table says', async () => {
    const discovery = await started()
    const table = createKinds()
    const there = kindsOfCluster(table, discovery)
    const builtIn = discovery.resources().filter(({ group }) => !group.includes('.') || group.endsWith('.k8s.io'))
    expect(builtIn.length).toBeGreaterThan(60)
    for (const { group, version, kind } of builtIn) {
      const apiVersion = group === '' ? version : `${group}/${version}`
      expect(table.find(apiVersion, kind)).toMatchObject({ ok: true })
      expect(there.find(apiVersion, kind)).toEqual(table.find(apiVersion, kind))
    }
  })

  it('knows the same by either form of discovery', async () => {
    const old: ApiServer = {
      ...{ cluster: api.cluster, follow: request => api.follow(request), close() {} },
      request: request => api.request({ ...request, accept: 'application/json' }),
    }
    const plain = (discovery: Discovery) =>
      discovery
        .resources()
        .map(one =>
          JSON.stringify({ ...one, verbs: [...one.verbs].sort(), subresources: [...one.subresources].sort() }),
        )
        .sort()
    expect(plain(await started(old, false))).toEqual(plain(await started(api, false)))
  })

  it.each([
    ['because it watches definitions', 'watched.example.com', true],
    ['because somebody asked for it', 'asked.example.com', false],
  ])('finds a new kind %s, and loses it', async (_, group, watchDefinitions) => {
    const discovery = await started(api, watchDefinitions)
    const apiVersion = `${group}/v1`
    const kinds = kindsOfCluster(createKinds(), discovery)
    if (!watchDefinitions) expect(kinds.find(apiVersion, 'Order').ok).toBe(false)
    const known = () => discovery.resources().some(one => one.group === group)
    await server.admin.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition(group, 'Cluster'))
    await eventually('the new kind', () => known() || (!watchDefinitions && kinds.find(apiVersion, 'Order').ok), 10_000)
    expect(kinds.find(apiVersion, 'Order')).toEqual({
      ok: true,
      kind: {
        ...{ apiVersion, kind: 'Order', group, version: 'v1', resource: 'orders' },
        ...{ namespaced: false, scale: true, custom: true },
      },
    })
    if (!watchDefinitions) return
    await server.admin.delete(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/orders.${group}`)
    await eventually('the end of the kind', () => !known(), 10_000)
  })
})
