import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ApiServer } from '../kube/api-server.js'
import { FakeCollection, unavailable } from '../kube/fake-collection.fixture.js'
import { type RbacWatchEvent, watchRbac } from './watch-rbac.js'

const kinds = ['clusterroles', 'roles', 'clusterrolebindings', 'rolebindings'] as const

/** Four collections behind one API server, by the last part of the path. */
function fakeCluster() {
  const of = {
    clusterroles: new FakeCollection(),
    roles: new FakeCollection(),
    clusterrolebindings: new FakeCollection(),
    rolebindings: new FakeCollection(),
  }
  const find = (path: string) => {
    const kind = kinds.find(name => path.startsWith(`/apis/rbac.authorization.k8s.io/v1/${name}?`))
    if (kind === undefined) throw new Error(path)
    return of[kind]
  }
  const api: ApiServer = {
    cluster: 'local',
    request: request => find(request.path).request(request),
    follow: request => find(request.path).follow(request),
    close() {},
  }
  return { api, of }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => vi.useRealTimers())
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

describe('watchRbac', () => {
  it('knows nothing before all four kinds are known, then all of them together', async () => {
    const { api, of } = fakeCluster()
    of.clusterroles.set('view', '')
    of.roles.set('local', '', 'ns')
    of.roles.down = unavailable
    const watch = watchRbac(api)
    const listener = vi.fn()
    watch.onChange(listener)
    watch.start()
    await pass(30)
    expect(watch.objects()).toEqual([])
    expect(watch.freshness()).toMatchObject({ synced: false, staleForMs: Number.POSITIVE_INFINITY })
    expect(watch.freshness().problem).toContain('/apis/rbac.authorization.k8s.io/v1/roles')
    of.roles.down = undefined
    await pass(3_000)
    expect(watch.freshness()).toMatchObject({ synced: true, problem: '' })
    expect(watch.objects().map(({ kind, name }) => [kind, name])).toEqual([
      ['ClusterRole', 'view'],
      ['Role', 'local'],
    ])
    const before = listener.mock.calls.length
    const array = watch.objects()
    expect(watch.objects()).toBe(array)
    of.clusterroles.set('edit', '')
    of.roles.remove('local', 'ns')
    await pass(50)
    expect(watch.objects().map(({ name }) => name)).toEqual(['view', 'edit'])
    expect(watch.objects()[0]).toBe(array[0])
    expect(listener.mock.calls.length).toBe(before + 1)
    watch.stop()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is as stale as the worst of the four, and never stale while all is well', async () => {
    const { api, of } = fakeCluster()
    for (const kind of kinds) of[kind].bookmarks = false
    const watch = watchRbac(api)
    watch.start()
    for (let second = 0; second < 300; second++) {
      await pass(1_000)
      expect(watch.freshness().staleForMs).toBeLessThan(25_000)
    }
    of.rolebindings.silent = true
    await pass(50_000)
    expect(watch.freshness().staleForMs).toBeGreaterThan(30_000)
    expect(watch.freshness().problem).toContain('rolebindings')
    watch.stop()
  })

  it('leaves out what cannot be read, and tells of it once', async () => {
    const { api, of } = fakeCluster()
    // The fake's objects have no roleRef.
    of.rolebindings.set('broken', '', 'ns')
    of.clusterroles.set('view', '')
    const events: RbacWatchEvent[] = []
    const watch = watchRbac(api, { onEvent: event => void events.push(event) })
    watch.start()
    await pass(50)
    expect(watch.objects().map(({ name }) => name)).toEqual(['view'])
    of.clusterroles.set('edit', '')
    await pass(50)
    expect(watch.objects()).toHaveLength(2)
    expect(events.filter(({ type }) => type === 'unreadable')).toEqual([
      { type: 'unreadable', kind: 'RoleBinding', name: 'ns/broken', message: 'roleRef is not an object' },
    ])
    watch.stop()
  })
})
