import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Freshness } from '../kube/watched-collection.js'
import type { Sliced } from '../sliced.js'
import { ask, clusterBinding, clusterRole, getPods, subject, user } from './rbac.fixture.js'
import type { RbacObject } from './rbac-objects.js'
import type { RbacWatch } from './rbac-watch.js'
import { createWatchedAuthorizer } from './watched-authorizer.js'

class FakeWatch implements RbacWatch {
  state: Freshness = { synced: false, staleForMs: Number.POSITIVE_INFINITY, problem: 'cannot list' }
  known: readonly RbacObject[] = []
  readonly #listeners: (() => void)[] = []
  start(): void {}
  *read(): Sliced<readonly RbacObject[]> {
    yield
    return this.known
  }
  stop(): void {}
  freshness = () => this.state
  #version = 0
  objects = () => this.known
  version = () => String(this.#version)
  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }
  now(objects: readonly RbacObject[]): void {
    this.silently(objects)
    for (const listener of this.#listeners) listener()
  }
  silently(objects: readonly RbacObject[]): void {
    this.state = { synced: true, staleForMs: 0, problem: '' }
    this.known = objects
    this.#version++
  }
}

const role = clusterRole('reader', [getPods])
const alice = user('alice')
const objects = [role, clusterBinding('readers', 'reader', subject('User', 'alice'))]
const allowed = {
  allowed: true,
  reason: 'RBAC: allowed by ClusterRoleBinding "readers" of ClusterRole "reader" to User "alice"',
}

let watch: FakeWatch
beforeEach(() => {
  vi.useFakeTimers()
  watch = new FakeWatch()
})
afterEach(() => vi.useRealTimers())

describe('createWatchedAuthorizer', () => {
  it('allows nothing before the first sync', () => {
    const authorizer = createWatchedAuthorizer(watch)
    const failed = { allowed: false, failed: 'dependency.api_server' }
    expect(authorizer.authorize(alice, ask({}))).toMatchObject(failed)
    expect(authorizer.authorizeUrl(alice, { verb: 'get', path: '/' })).toMatchObject(failed)
    expect(authorizer.embedded()).toBeUndefined()
  })

  it('answers like RBAC once it is synced, also when that was before', () => {
    const authorizer = createWatchedAuthorizer(watch)
    watch.now(objects)
    for (const one of [authorizer, createWatchedAuthorizer(watch)]) {
      expect(one.authorize(alice, ask({}))).toEqual(allowed)
      expect(one.authorize(user('bob'), ask({}))).toEqual({ allowed: false, reason: '' })
      expect(one.embedded()?.namespacesWhere(alice, ask({}))).toBe('all')
    }
  })

  it('follows changes, and not more often than they are worth', async () => {
    const onRebuilt = vi.fn()
    const authorizer = createWatchedAuthorizer(watch, { onRebuilt })
    watch.now(objects)
    for (let at = 0; at < 1_000; at++) watch.now([role])
    await vi.advanceTimersByTimeAsync(1_000)
    expect(authorizer.authorize(alice, ask({}))).toEqual({ allowed: false, reason: '' })
    expect(onRebuilt.mock.calls.length).toBeLessThan(20)
    watch.now(objects)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(authorizer.authorize(alice, ask({}))).toEqual(allowed)
  })

  it.each([
    [30_000, undefined],
    [30_001, 'dependency.rbac_stale'],
    [Number.NaN, 'dependency.rbac_stale'],
  ])('after %d ms without confirmation fails with %s', (staleForMs, code) => {
    const authorizer = createWatchedAuthorizer(watch)
    watch.now(objects)
    watch.state = { synced: true, staleForMs, problem: 'cannot watch' }
    const access = authorizer.authorize(alice, ask({}))
    expect('failed' in access ? access.failed : undefined).toBe(code)
    expect(authorizer.embedded() === undefined).toBe(code !== undefined)
    watch.state = { synced: true, staleForMs: 0, problem: '' }
    expect(authorizer.authorize(alice, ask({}))).toEqual(allowed)
  })

  it('allows nothing by what was known before an outage, while a new index is being made', async () => {
    const authorizer = createWatchedAuthorizer(watch)
    watch.now(objects)
    expect(authorizer.authorize(alice, ask({}))).toEqual(allowed)
    watch.state = { synced: true, staleForMs: 1_000_000, problem: 'cannot watch' }
    await vi.advanceTimersByTimeAsync(1_000_000)
    // The binding is gone, which the watch knows before the authorizer is told.
    watch.silently([role])
    expect(authorizer.authorize(alice, ask({}))).toMatchObject({ failed: 'dependency.rbac_stale' })
    expect(authorizer.embedded()).toBeUndefined()
    watch.now([role])
    await vi.advanceTimersByTimeAsync(1_000)
    expect(authorizer.authorize(alice, ask({}))).toEqual({ allowed: false, reason: '' })
  })

  it('goes on answering while changes come without end', async () => {
    const authorizer = createWatchedAuthorizer(watch)
    watch.now(objects)
    for (let at = 0; at < 2_000; at++) {
      watch.now(objects)
      watch.silently(objects)
      await vi.advanceTimersByTimeAsync(20)
      expect(authorizer.authorize(alice, ask({}))).toEqual(allowed)
    }
  })

  it('fails when the objects became too many', () => {
    const authorizer = createWatchedAuthorizer(watch)
    watch.now(objects)
    watch.state = { synced: false, staleForMs: 0, problem: 'cannot keep' }
    expect(authorizer.authorize(alice, ask({}))).toMatchObject({ allowed: false, failed: 'dependency.api_server' })
  })

  it('lets system:masters do everything, as the API server does before RBAC, but not while it knows nothing', () => {
    const authorizer = createWatchedAuthorizer(watch)
    const root = user('root', 'system:masters')
    expect(authorizer.authorize(root, ask({}))).toMatchObject({ failed: 'dependency.api_server' })
    watch.now([])
    expect(authorizer.authorize(root, ask({ verb: 'delete' }))).toEqual({ allowed: true, reason: '' })
    expect(authorizer.authorizeUrl(root, { verb: 'get', path: '/metrics' })).toEqual({ allowed: true, reason: '' })
    expect(authorizer.embedded()?.namespacesWhere(root, ask({}))).toBe('all')
    expect(authorizer.authorize(user('system:masters'), ask({}))).toEqual({ allowed: false, reason: '' })
  })

  it('does nothing more once it is closed', async () => {
    const onRebuilt = vi.fn()
    const authorizer = createWatchedAuthorizer(watch, { onRebuilt })
    authorizer.close()
    watch.now(objects)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(onRebuilt).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })
})
