import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { isJsonObject } from '../protocol/json-value.js'
import type { ApiFailure } from './api-server.js'
import { FakeCollection, unavailable } from './fake-collection.fixture.js'
import { type CollectionEvent, type WatchCollectionOptions, watchCollection } from './watch-collection.js'
import type { WatchedCollection } from './watched-collection.js'

const expired: ApiFailure = { ok: false, reason: 'refused', status: 410, message: 'the continue token is too old' }

let api: FakeCollection
let changes: number
let events: CollectionEvent[]
let watched: WatchedCollection | undefined

beforeEach(() => {
  vi.useFakeTimers()
  api = new FakeCollection()
  changes = 0
  events = []
})
afterEach(() => {
  watched?.stop()
  vi.useRealTimers()
})

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

async function started(options: Partial<WatchCollectionOptions> = {}): Promise<WatchedCollection> {
  watched = watchCollection({
    api,
    path: '/api/v1/configmaps',
    maxObjects: 2_000,
    maxBytes: 1_000_000,
    onChange: () => void changes++,
    onEvent: event => void events.push(event),
    random: () => 0.5,
    ...options,
  })
  watched.start()
  await pass(20)
  return watched
}

function held(collection: WatchedCollection): Record<string, unknown> {
  return Object.fromEntries(
    [...collection.objects].map(([key, object]) => {
      const data = object.get('data')
      return [key, isJsonObject(data) ? data.get('value') : undefined]
    }),
  )
}

describe('watchCollection', () => {
  it('lists, tells at once, and follows what is added, changed and deleted', async () => {
    api.set('a', '1', 'ns')
    api.set('b', '1')
    const copy = await started({ labelSelector: 'mcp-authz.dev/policy=true' })
    expect(held(copy)).toEqual({ 'ns/a': '1', b: '1' })
    expect(copy.freshness()).toMatchObject({ synced: true, problem: '' })
    expect(changes).toBe(1)
    api.set('c', '1')
    api.set('b', '2')
    api.remove('a', 'ns')
    expect(held(copy)).toEqual({ b: '2', c: '1' })
    expect(changes).toBe(1)
    await pass(30)
    expect(changes).toBe(2)
    expect(api.lists).toEqual(['/api/v1/configmaps?labelSelector=mcp-authz.dev%2Fpolicy%3Dtrue&limit=500'])
    expect(api.watches).toEqual([
      '/api/v1/configmaps?labelSelector=mcp-authz.dev%2Fpolicy%3Dtrue&watch=1&allowWatchBookmarks=true&resourceVersion=102&timeoutSeconds=54',
    ])
  })

  it('keeps nothing of managedFields', async () => {
    api.set('a', '1')
    const copy = await started()
    const metadata = copy.objects.get('a')?.get('metadata')
    expect(isJsonObject(metadata) && [...metadata.keys()]).toEqual(['name', 'resourceVersion'])
  })

  it('knows nothing before the first list', async () => {
    api.set('a', '1')
    api.down = unavailable
    const copy = await started()
    expect(copy.freshness()).toEqual({
      synced: false,
      staleForMs: Number.POSITIVE_INFINITY,
      problem: 'cannot list /api/v1/configmaps: unavailable: connect ECONNREFUSED',
    })
    expect(copy.objects.size).toBe(0)
    api.down = undefined
    await pass(3_000)
    expect(held(copy)).toEqual({ a: '1' })
  })

  it('reads a list page by page, and begins anew when its pages expire', async () => {
    for (let at = 0; at < 1_234; at++) api.set(`c${at}`, '1')
    let pages = 0
    api.onNextPage = () => (++pages === 2 ? expired : undefined)
    const copy = await started()
    expect(copy.objects.size).toBe(1_234)
    expect(pages).toBe(4)
    expect(api.lists).toHaveLength(2)
  })

  it('never gives half of a list', async () => {
    for (let at = 0; at < 700; at++) api.set(`c${at}`, '1')
    api.onNextPage = () => unavailable
    const copy = await started()
    await pass(60_000)
    expect(copy.objects.size).toBe(0)
    expect(copy.freshness().synced).toBe(false)
  })

  it('goes on from where it was when a watch ends properly', async () => {
    const copy = await started()
    await pass(50_000)
    api.set('a', '1')
    await pass(10_000)
    expect(api.watches).toHaveLength(2)
    expect(api.watches[1]).toContain('resourceVersion=101')
    expect(api.lists).toHaveLength(1)
    expect(api.proofs).toHaveLength(0)
    expect(copy.freshness().problem).toBe('')
  })

  it('misses nothing of what happens while it is cut off', async () => {
    api.set('a', '1')
    api.set('b', '1')
    const copy = await started()
    await pass(10_000)
    api.down = unavailable
    api.endWatches(unavailable)
    api.set('a', '2')
    api.remove('b')
    await pass(4_000)
    expect(copy.freshness().problem).toBe('cannot watch /api/v1/configmaps: unavailable: connect ECONNREFUSED')
    expect(copy.freshness().staleForMs).toBeGreaterThan(4_000)
    expect(api.watches.length).toBeGreaterThan(4)
    expect(api.watches.length).toBeLessThan(12)
    api.down = undefined
    await pass(3_000)
    expect(held(copy)).toEqual({ a: '2' })
    expect(copy.freshness().problem).toBe('')
    expect(api.lists).toHaveLength(1)
  })

  it.each([
    ['as an event', () => (api.oldest = 1_000)],
    ['as a status', () => (api.down = { ...expired })],
  ])('lists anew when its version has expired, said %s', async (_, expire) => {
    api.set('a', '1')
    const copy = await started()
    await pass(10_000)
    expire()
    api.slip('a', '2')
    api.endWatches()
    await pass(20)
    api.oldest = 0
    api.down = undefined
    await pass(1_000)
    expect(held(copy)).toEqual({ a: '2' })
    expect(api.lists.length).toBeGreaterThan(1)
  })

  it('finds what no event told it within about five minutes', async () => {
    api.set('a', '1')
    const copy = await started()
    api.slip('a', '2')
    await pass(370_000)
    expect(held(copy)).toEqual({ a: '2' })
    expect(api.lists).toHaveLength(2)
    expect(events.at(-1)).toMatchObject({ type: 'listed', objects: 1, changed: true })
  })

  it('tells nobody of a list that finds nothing new, and keeps the identity of what stayed', async () => {
    api.set('a', '1')
    const copy = await started()
    const { generation } = copy
    const object = copy.objects.get('a')
    await pass(370_000)
    expect(api.lists).toHaveLength(2)
    expect(copy.generation).toBe(generation)
    expect(copy.objects.get('a')).toBe(object)
    expect(changes).toBe(1)
  })

  it('stays with its watch while lists fail', async () => {
    const copy = await started()
    api.listFailure = { ...unavailable, reason: 'throttled', status: 429, retryAfterMs: 5_000 }
    await pass(600_000)
    api.set('a', '1')
    expect(held(copy)).toEqual({ a: '1' })
    expect(copy.freshness().staleForMs).toBeLessThan(61_000)
  })
})

describe('order within a watch', () => {
  it.each([
    [
      'an old ADDED',
      { type: 'ADDED', object: { metadata: { name: 'a', resourceVersion: '99' }, data: { value: 'old' } } },
    ],
    ['an old DELETED', { type: 'DELETED', object: { metadata: { name: 'a', resourceVersion: '100' } } }],
    ['the return of what was deleted', { type: 'ADDED', object: { metadata: { name: 'b', resourceVersion: '102' } } }],
    ['an old bookmark', { type: 'BOOKMARK', object: { metadata: { resourceVersion: '9' } } }],
    ['a line without type', { object: {} }],
    ['an object without version', { type: 'ADDED', object: { metadata: { name: 'a' } } }],
    ['no object', []],
  ])('does not apply %s, but lists anew', async (_, line) => {
    api.set('a', '1')
    api.set('b', '1')
    api.remove('b')
    const copy = await started()
    await pass(10_000)
    api.send(line)
    expect(held(copy)).toEqual({ a: '1' })
    await pass(200)
    expect(api.lists).toHaveLength(2)
    expect(held(copy)).toEqual({ a: '1' })
    expect(copy.freshness().problem).toBe('')
  })

  it('takes the same event twice without listing', async () => {
    const copy = await started()
    const line = { type: 'ADDED', object: { metadata: { name: 'a', resourceVersion: '200' }, data: { value: '1' } } }
    api.send(line)
    api.send(line)
    await pass(1_000)
    expect(held(copy)).toEqual({ a: '1' })
    expect(api.lists).toHaveLength(1)
  })

  it('takes opaque versions in the order in which they come', async () => {
    const copy = await started()
    for (const resourceVersion of ['z-9', 'a-1'])
      api.send({
        type: 'ADDED',
        object: { metadata: { name: 'a', resourceVersion }, data: { value: resourceVersion } },
      })
    expect(held(copy)).toEqual({ a: 'a-1' })
  })

  it('does not list in a storm when the server goes on contradicting itself', async () => {
    await started()
    const storm = setInterval(() => api.send({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '1' } } }), 10)
    await pass(30_000)
    clearInterval(storm)
    expect(api.lists.length).toBeLessThan(20)
  })
})

describe('what counts as a confirmation', () => {
  const timings = { watchMs: 16_000, openTimeoutMs: 5_000 }

  it('is confirmed at least once in the time of a watch', async () => {
    const copy = await started({ timings })
    for (let second = 0; second < 120; second++) {
      await pass(1_000)
      expect(copy.freshness().staleForMs).toBeLessThan(21_000)
    }
    expect(api.proofs).toHaveLength(0)
  })

  it('asks whether its version is known where no bookmarks come', async () => {
    api.bookmarks = false
    const copy = await started({ timings })
    for (let second = 0; second < 120; second++) {
      await pass(1_000)
      expect(copy.freshness().staleForMs).toBeLessThan(21_000)
    }
    expect(api.proofs[0]).toBe('/api/v1/configmaps?limit=1&resourceVersion=100&resourceVersionMatch=NotOlderThan')
    expect(api.proofs.length).toBeLessThan(8)
    expect(api.lists).toHaveLength(1)
  })

  it('finds out that the etcd was restored, where a watch would be silent forever', async () => {
    api.set('a', 'new')
    const copy = await started({ timings })
    await pass(10_000)
    api.restore(50, { a: 'old' })
    api.endWatches(unavailable)
    await pass(1_000)
    expect(held(copy)).toEqual({ a: 'old' })
  })

  it('ends a watch that the API server does not end, whatever still comes on it, so that lists go on', async () => {
    api.endless = true
    const copy = await started()
    for (let second = 0; second < 400; second++) {
      await pass(1_000)
      api.set('busy', String(second))
    }
    api.slip('missed', '1')
    await pass(400_000)
    expect(api.lists.length).toBeGreaterThan(1)
    expect(held(copy)).toMatchObject({ missed: '1' })
    expect(api.open).toBeLessThan(2)
  })

  it('does not take what comes after a version of the future for proof of it', async () => {
    const copy = await started({ timings: { watchMs: 1_000_000 } })
    await pass(10_000)
    api.proofFailure = unavailable
    api.restore(50, { lost: '1' })
    api.endWatches(unavailable)
    await pass(5_000)
    api.version = 200 // by now beyond the version that we knew
    api.set('busy', '1')
    await pass(20_000)
    expect(copy.freshness().staleForMs).toBeGreaterThan(22_000)
    api.proofFailure = undefined
  })

  it('does not stay away for as long as anybody asks', async () => {
    api.down = { ...unavailable, status: 503, retryAfterMs: 3_600_000 }
    const copy = await started()
    await pass(5_000)
    expect(copy.freshness().synced).toBe(false)
    api.down = undefined
    await pass(30_000)
    expect(copy.freshness().synced).toBe(true)
  })

  it('does not take a partition for silence', async () => {
    const copy = await started({ timings })
    await pass(5_000)
    api.silent = true
    await pass(40_000)
    expect(copy.freshness().staleForMs).toBeGreaterThan(30_000)
    expect(copy.freshness().problem).not.toBe('')
    api.set('a', '1')
    api.silent = false
    await pass(20_000)
    expect(copy.freshness().staleForMs).toBeLessThan(20_000)
    expect(held(copy)).toEqual({ a: '1' })
  })

  it('counts a list as of when it was asked for', async () => {
    api.latencyMs = 4_000
    const copy = await started()
    await pass(3_990)
    expect(copy.freshness().staleForMs).toBeGreaterThanOrEqual(4_000)
  })
})

describe('bounds', () => {
  it('is not synced beyond its number of objects, and says so', async () => {
    for (let at = 0; at < 11; at++) api.set(`c${at}`, '1')
    const copy = await started({ maxObjects: 10 })
    expect(copy.freshness()).toMatchObject({
      synced: false,
      problem: 'cannot keep /api/v1/configmaps: there are more than 10 objects, which is as many as are kept',
    })
    expect(copy.objects.size).toBe(0)
    api.remove('c3')
    await pass(40_000)
    expect(copy.freshness()).toMatchObject({ synced: true, problem: '' })
    expect(copy.objects.size).toBe(10)
  })

  it.each([
    ['objects', { maxObjects: 2 }, 'x'],
    ['bytes', { maxBytes: 1_000 }, 'x'.repeat(1_000)],
  ])('stops being synced at once when an event goes beyond the number of %s', async (_, limits, value) => {
    api.set('a', '1')
    api.set('b', '1')
    const copy = await started(limits)
    expect(changes).toBe(1)
    api.set('c', value)
    await pass(0)
    expect(copy.freshness().synced).toBe(false)
    expect(changes).toBe(2)
    expect(held(copy)).toEqual({ a: '1', b: '1' })
    api.remove('c')
    await pass(40_000)
    expect(copy.freshness().synced).toBe(true)
    expect(changes).toBe(3)
  })

  it('gives room back when objects go or shrink', async () => {
    const copy = await started({ maxBytes: 2_000 })
    for (let round = 0; round < 50; round++) {
      api.set('a', 'x'.repeat(1_000))
      api.set('a', 'y')
      api.remove('a')
    }
    expect(copy.freshness().synced).toBe(true)
  })

  it('does not come back in a storm to a server that ends every watch', async () => {
    await started()
    const end = setInterval(() => api.endWatches(), 5)
    await pass(30_000)
    clearInterval(end)
    expect(api.watches.length).toBeLessThan(25)
  })

  it('tells of a burst of changes a few times only', async () => {
    await started()
    for (let at = 0; at < 1_000; at++) {
      api.set(`c${at}`, '1')
      await pass(1)
    }
    await pass(100)
    expect(changes).toBeLessThan(45)
  })
})

describe('start and stop', () => {
  it('leaves nothing behind', async () => {
    api.set('a', '1')
    const copy = await started()
    api.set('b', '1')
    copy.stop()
    expect(api.open).toBe(0)
    await pass(1_000_000)
    expect(changes).toBe(1)
    expect(api.lists).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('can be stopped while it lists, and while it waits', async () => {
    api.latencyMs = 1_000
    const copy = await started()
    copy.stop()
    await pass(5_000)
    expect(changes).toBe(0)
    api.down = unavailable
    copy.start()
    await pass(1_050)
    copy.stop()
    await pass(5_000)
    expect(vi.getTimerCount()).toBe(0)
    expect(api.open).toBe(0)
  })

  it('lists anew when it is started again', async () => {
    const copy = await started()
    copy.stop()
    api.set('a', '1')
    copy.start()
    copy.start()
    await pass(20)
    expect(held(copy)).toEqual({ a: '1' })
    expect(api.lists).toHaveLength(2)
    expect(api.open).toBe(1)
  })
})
