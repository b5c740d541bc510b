import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ApiFailure, ApiRequest, ApiServer } from './api-server.js'
import { createDiscovery, type Discovery, type DiscoveryEvent, type DiscoveryOptions } from './discovery.js'
import { FakeCollection, json, unavailable } from './fake-collection.fixture.js'

interface Served {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly resource: string
  readonly namespaced?: boolean
  readonly scale?: boolean
}

const pods: Served = { group: '', version: 'v1', kind: 'Pod', resource: 'pods', namespaced: true }
const deployments: Served = {
  ...{ group: 'apps', version: 'v1', kind: 'Deployment', resource: 'deployments', namespaced: true, scale: true },
}
const orders: Served = { group: 'shop.example.com', version: 'v1', kind: 'Order', resource: 'orders' }

/** An API server of either generation. */
class FakeDiscovery implements ApiServer {
  readonly cluster = 'local'
  served: readonly Served[] = [pods, deployments]
  old = false
  down: ApiFailure | undefined
  readonly brokenGroups = new Set<string>()
  readonly asked: string[] = []
  readonly definitions = new FakeCollection()

  async request(request: ApiRequest) {
    if (request.path.includes('customresourcedefinitions')) return this.definitions.request(request)
    this.asked.push(request.path)
    await new Promise(resolve => setTimeout(resolve, 1))
    if (this.down !== undefined) return this.down
    const aggregated = !this.old && request.accept?.includes('as=APIGroupDiscoveryList')
    const body = aggregated ? this.#aggregated(request.path) : this.#separate(request.path)
    if (body === undefined) return { ...unavailable, status: 503 }
    return { ok: true as const, status: 200, body: json(body) }
  }

  follow(request: Parameters<ApiServer['follow']>[0]) {
    return this.definitions.follow(request)
  }

  close(): void {}

  #aggregated(path: string): object {
    const groups = [...new Set(this.served.map(({ group }) => group))].filter(
      group => (group === '') === (path === '/api'),
    )
    const items = groups.map(name => {
      const versions = [...new Set(this.#of(name).map(({ version }) => version))].map(version => ({
        version,
        freshness: this.brokenGroups.has(name) ? 'Stale' : 'Current',
        resources: this.brokenGroups.has(name)
          ? []
          : this.#of(name)
              .filter(one => one.version === version)
              .map(aggregatedResource),
      }))
      return { metadata: name === '' ? {} : { name }, versions }
    })
    return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', items }
  }

  #separate(path: string): object | undefined {
    if (path === '/api') return { kind: 'APIVersions', versions: ['v1'] }
    if (path === '/apis') {
      const named = this.served.filter(({ group }) => group !== '')
      const groups = named.map(({ group, version }) => ({
        name: group,
        versions: [{ groupVersion: `${group}/${version}`, version }],
      }))
      return { kind: 'APIGroupList', apiVersion: 'v1', groups }
    }
    const [, , ...rest] = path.split('/')
    const [group = '', version] = rest.length === 1 ? ['', ...rest] : rest
    if (this.brokenGroups.has(group)) return undefined
    const resources = this.#of(group).flatMap(({ kind, resource, namespaced = false, scale }) => [
      { name: resource, singularName: '', namespaced, kind, verbs: ['get', 'list'] },
      ...(scale
        ? [
            {
              name: `${resource}/scale`,
              group: 'autoscaling',
              version: 'v1',
              namespaced,
              kind: 'Scale',
              verbs: ['get'],
            },
          ]
        : []),
    ])
    return { kind: 'APIResourceList', groupVersion: group === '' ? version : `${group}/${version}`, resources }
  }

  #of(name: string): readonly Served[] {
    return this.served.filter(({ group }) => group === name)
  }
}

function aggregatedResource({ kind, resource, namespaced, scale, group, version }: Served): object {
  return {
    resource,
    responseKind: { group, version, kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource,
    verbs: ['get', 'list'],
    ...(scale ? { subresources: [{ subresource: 'scale', responseKind: { kind: 'Scale' }, verbs: ['get'] }] } : {}),
  }
}

let api: FakeDiscovery
let discovery: Discovery | undefined
let events: DiscoveryEvent[]
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

beforeEach(() => {
  vi.useFakeTimers()
  api = new FakeDiscovery()
  events = []
})
afterEach(() => {
  discovery?.stop()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

async function started(options: Partial<DiscoveryOptions> = {}): Promise<Discovery> {
  discovery = createDiscovery({ api, random: () => 0.5, onEvent: event => void events.push(event), ...options })
  discovery.start()
  await pass(50)
  return discovery
}

const found = ({ group, version, kind, resource, namespaced = false, scale }: Served) => ({
  type: 'found',
  resource: {
    group,
    version,
    kind,
    resource,
    namespaced,
    verbs: ['get', 'list'],
    subresources: scale ? ['scale'] : [],
  },
})

describe('createDiscovery', () => {
  it.each([
    ['in one answer', false, 2],
    ['in the old form', true, 4],
  ])('knows what is served, told %s', async (_, old, requests) => {
    api.old = old
    const known = await started({ watchDefinitions: false })
    expect(known.resolve('v1', 'Pod')).toEqual(found(pods))
    expect(known.resolve('apps/v1', 'Deployment')).toEqual(found(deployments))
    expect(known.resolve('apps/v1', 'Scale')).toEqual({ type: 'unknown' })
    expect(known.resolve('v1', 'pod')).toEqual({ type: 'unknown' })
    expect(known.resolve('/v1', 'Pod')).toEqual({ type: 'unknown' })
    expect(known.resources()).toHaveLength(2)
    expect(known.freshness()).toMatchObject({ synced: true, problem: '' })
    expect(api.asked).toHaveLength(requests)
  })

  it('says unavailable before it knows anything, and goes on trying', async () => {
    api.down = unavailable
    const known = await started({ watchDefinitions: false })
    expect(known.resolve('v1', 'Pod')).toEqual({ type: 'unavailable' })
    expect(known.freshness()).toMatchObject({ synced: false, staleForMs: Number.POSITIVE_INFINITY })
    expect(known.freshness().problem).toBe(
      'cannot discover what the API server serves: GET /api: unavailable: connect ECONNREFUSED',
    )
    await pass(600_000)
    expect(api.asked.length).toBeLessThan(40)
    api.down = undefined
    await pass(31_000)
    expect(known.resolve('v1', 'Pod')).toEqual(found(pods))
  })

  it('looks again for a kind that it does not know, but seldom', async () => {
    const known = await started({ watchDefinitions: false })
    const before = api.asked.length
    api.served = [...api.served, orders]
    for (let at = 0; at < 1_000; at++) expect(known.resolve('shop.example.com/v1', 'Order').type).toBe('unknown')
    await pass(10_000)
    expect(known.resolve('shop.example.com/v1', 'Order')).toEqual(found(orders))
    for (let second = 0; second < 100; second++) {
      known.resolve('v1', 'Nothing')
      await pass(1_000)
    }
    expect(api.asked.length - before).toBeLessThanOrEqual(2 * 11)
  })

  it('sees a new definition soon, also if it is served a little later, and a changed one', async () => {
    const known = await started()
    api.definitions.set('orders.shop.example.com', '')
    await pass(200)
    api.served = [...api.served, orders]
    await pass(2_100)
    expect(known.resolve('shop.example.com/v1', 'Order')).toEqual(found(orders))
    api.served = [pods, deployments, { ...orders, namespaced: true }]
    api.definitions.set('orders.shop.example.com', '2')
    await pass(2_100)
    expect(known.resolve('shop.example.com/v1', 'Order')).toEqual(found({ ...orders, namespaced: true }))
    expect(api.definitions.watches[0]).toContain('/apis/apiextensions.k8s.io/v1/customresourcedefinitions?')
  })

  it('does without the definitions where it may not watch them', async () => {
    api.definitions.down = { ok: false, reason: 'refused', status: 403, message: 'forbidden' }
    const known = await started()
    await pass(60_000)
    expect(api.definitions.lists).toHaveLength(1)
    expect(events.filter(({ type }) => type === 'definitions_unwatched')).toHaveLength(1)
    expect(known.freshness()).toMatchObject({ synced: true, problem: '' })
  })

  it('watches definitions once that is allowed', async () => {
    api.definitions.down = { ok: false, reason: 'refused', status: 403, message: 'forbidden' }
    started()
    await pass(60_000)
    expect(api.definitions.watches).toEqual([])
    api.definitions.down = undefined
    await pass(1_800_000)
    expect(api.definitions.open).toBe(1)
  })

  it('looks every ten minutes without a cause', async () => {
    const known = await started({ watchDefinitions: false })
    api.served = [orders]
    await pass(720_000)
    expect(known.resources()).toMatchObject([{ kind: 'Order' }])
    expect(api.asked).toHaveLength(4)
  })

  it.each([
    ['in one answer', false],
    ['in the old form', true],
  ])('keeps a group that cannot be told of now, and forgets one that is gone, told %s', async (_, old) => {
    api.old = old
    api.served = [pods, deployments, orders]
    const known = await started({ watchDefinitions: false, timings: { refreshMs: 1_000 } })
    api.brokenGroups.add('shop.example.com')
    api.served = [pods, orders]
    await pass(2_000)
    expect(known.resolve('shop.example.com/v1', 'Order')).toEqual(found(orders))
    expect(known.resolve('apps/v1', 'Deployment')).toEqual({ type: 'unknown' })
  })

  it('keeps what it knows while the API server is down', async () => {
    const known = await started({ watchDefinitions: false })
    api.down = unavailable
    await pass(1_000_000)
    expect(known.resolve('v1', 'Pod')).toEqual(found(pods))
    expect(known.freshness()).toMatchObject({ synced: true })
    expect(known.freshness().problem).not.toBe('')
    expect(known.freshness().staleForMs).toBeGreaterThan(900_000)
  })

  it('does not choose between two resources of one kind', async () => {
    api.served = [orders, { ...orders, resource: 'orderings' }]
    const known = await started({ watchDefinitions: false })
    expect(known.resolve('shop.example.com/v1', 'Order')).toEqual({ type: 'ambiguous' })
  })

  it('keeps no more than its limit', async () => {
    const known = await started({ watchDefinitions: false, maxResources: 1 })
    expect(known.freshness().problem).toContain('more than 1 resources')
    expect(known.resolve('v1', 'Pod')).toEqual({ type: 'unavailable' })
  })

  it.each([
    ['text', 'hello'],
    ['a list of something', { kind: 'PodList', items: [] }],
    ['nothing', null],
  ])('takes %s for no discovery', async (_, body) => {
    const known = await started({
      watchDefinitions: false,
      api: { ...baseApi, request: () => Promise.resolve({ ok: true, status: 200, body: json(body) }) },
    })
    expect(known.freshness().synced).toBe(false)
  })
})

const baseApi: ApiServer = {
  cluster: 'local',
  request: () => Promise.resolve(unavailable),
  follow: () => ({ close() {} }),
  close() {},
}
