import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { isJsonObject } from '../protocol/json-value.js'
import { FakeCollection, unavailable } from './fake-collection.fixture.js'
import { watchCollection } from './watch-collection.js'

const names = fc.constantFrom('a', 'b', 'c')
const values = fc.constantFrom('1', '2')
const version = fc.integer({ min: 1, max: 130 }).map(String)

/** What can happen to an API server and to the way there. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('set' as const), name: names, value: values }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), name: names }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, 30, 500, 7_000, 30_000) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('down', 'up', 'break', 'end', 'partition', 'heal', 'expire', 'mute' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('replay' as const),
      line: fc.oneof(
        fc.record({
          type: fc.constantFrom('ADDED', 'DELETED'),
          object: fc.record({ metadata: fc.record({ name: names, resourceVersion: version }) }),
        }),
        fc.record({
          type: fc.constant('BOOKMARK'),
          object: fc.record({ metadata: fc.record({ resourceVersion: version }) }),
        }),
        fc.constantFrom<unknown>('x', { type: 'ADDED' }, { type: 'ERROR', object: {} }, null),
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('restore' as const),
      objects: fc.dictionary(names, values),
      version: fc.integer({ min: 1, max: 99 }),
    }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

beforeEach(() => void vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

async function take(api: FakeCollection, taken: Step): Promise<void> {
  switch (taken.do) {
    case 'set':
      return api.set(taken.name, taken.value)
    case 'remove':
      if (api.state[taken.name] !== undefined) api.remove(taken.name)
      return
    case 'pass':
      await vi.advanceTimersByTimeAsync(taken.ms)
      return
    case 'down':
    case 'up':
      api.down = taken.do === 'down' ? unavailable : undefined
      return
    case 'break':
    case 'end':
      return api.endWatches(taken.do === 'break' ? unavailable : undefined)
    case 'partition':
    case 'heal':
      api.silent = taken.do === 'partition'
      return
    case 'expire':
      api.oldest = api.version
      return
    case 'mute':
      api.bookmarks = !api.bookmarks
      return
    case 'replay':
      if (!api.silent) api.send(taken.line)
      return
    case 'restore':
      api.restore(taken.version, taken.objects)
      return api.endWatches(unavailable)
  }
}

it('ends with what the API server has, whatever happened before, and leaves nothing behind', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async steps => {
      vi.clearAllTimers()
      const api = new FakeCollection()
      const told: object[] = []
      const watched = watchCollection({
        ...{ api, path: '/api/v1/configmaps', maxObjects: 100, maxBytes: 100_000, random: () => 0.5 },
        onChange: () => void told.push(held()),
        timings: { watchMs: 16_000, openTimeoutMs: 5_000 },
      })
      const held = () =>
        Object.fromEntries(
          [...watched.objects].map(([name, object]) => {
            const data = object.get('data')
            return [name, isJsonObject(data) ? data.get('value') : undefined]
          }),
        )
      watched.start()
      for (const one of steps) await take(api, one)
      api.down = undefined
      api.silent = false
      // A dead connection, the end of a list, and one full list: the longest that anything can stay wrong.
      await vi.advanceTimersByTimeAsync(420_000)
      expect(held()).toEqual(api.state)
      expect(watched.freshness()).toMatchObject({ synced: true, problem: '' })
      expect(watched.freshness().staleForMs).toBeLessThan(30_000)
      expect(told.at(-1)).toEqual(api.state)
      watched.stop()
      expect(api.open).toBe(0)
      await vi.advanceTimersByTimeAsync(60_000)
      expect(vi.getTimerCount()).toBe(0)
    }),
    { numRuns: 300 },
  )
})
