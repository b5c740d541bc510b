import type { ApiServer } from '../kube/api-server.js'
import { type CollectionEvent, type WatchTimings, watchCollection } from '../kube/watch-collection.js'
import type { Freshness, WatchedCollection } from '../kube/watched-collection.js'
import type { JsonObject } from '../protocol/json-value.js'
import { atOnce, forEachSliced, type Sliced } from '../sliced.js'
import type { RbacObject } from './rbac-objects.js'
import type { RbacWatch } from './rbac-watch.js'
import { readStoredRbac, type StoredRbac } from './read-stored-rbac.js'

export interface WatchRbacOptions {
  /** Of each of the four kinds. Default 50,000. */
  readonly maxObjects?: number
  /** Of each of the four kinds, about as JSON text. Default 128 MiB. */
  readonly maxBytes?: number
  /** Must not throw. */
  onEvent?(event: RbacWatchEvent): void
  /** Milliseconds, never going back. Default `performance.now`. */
  readonly now?: () => number
  readonly random?: () => number
  readonly timings?: Partial<WatchTimings>
}

/** For the log and metrics. */
export type RbacWatchEvent =
  | (CollectionEvent & { readonly kind: RbacObject['kind'] })
  /** An object that cannot be read: it gives nothing. `name`: `namespace/name`, or `name`. */
  | { readonly type: 'unreadable'; readonly kind: RbacObject['kind']; readonly name: string; readonly message: string }

const none: readonly RbacObject[] = []

const collections = [
  ['ClusterRole', 'clusterroles'],
  ['Role', 'roles'],
  ['ClusterRoleBinding', 'clusterrolebindings'],
  ['RoleBinding', 'rolebindings'],
] as const

/**
 * A watch lasts no longer than 20 s (and dies in silence no later than after 22): each opening confirms the copy, which is
 * what the limit of 30 s for stale RBAC is about; bookmarks come once a minute at most.
 */
const rbacTimings = { watchMs: 16_000, openTimeoutMs: 5_000 }

/**
 * Follows the four kinds of `rbac.authorization.k8s.io/v1` in all namespaces. Needs get, list and watch on them, which no
 * built-in role but cluster-admin gives.
 */
export function watchRbac(api: ApiServer, options: WatchRbacOptions = {}): RbacWatch {
  const listeners: (() => void)[] = []
  /** What was made of an object is made once: unchanged ones keep their identity. */
  const readings = new WeakMap<JsonObject, StoredRbac>()
  let objects: readonly RbacObject[] = []
  let builtFrom = ''
  let telling: NodeJS.Timeout | undefined

  const watched = collections.map(([kind, resource]) => ({
    kind,
    collection: watchCollection({
      api,
      path: `/apis/rbac.authorization.k8s.io/v1/${resource}`,
      maxObjects: options.maxObjects ?? 50_000,
      maxBytes: options.maxBytes ?? 128 * 1024 * 1024,
      onChange: changed,
      onEvent: event => options.onEvent?.({ ...event, kind }),
      ...(options.now === undefined ? {} : { now: options.now }),
      ...(options.random === undefined ? {} : { random: options.random }),
      timings: { ...rbacTimings, ...options.timings },
    }),
  }))

  /** Each collection has waited already; what is brought together here are changes of several at one time. */
  function changed(): void {
    telling ??= setTimeout(() => {
      telling = undefined
      for (const listener of listeners) listener()
    }, 0)
  }

  function read(kind: RbacObject['kind'], name: string, stored: JsonObject): StoredRbac {
    const known = readings.get(stored)
    if (known !== undefined) return known
    const reading = readStoredRbac(kind, stored)
    readings.set(stored, reading)
    if (!reading.ok) options.onEvent?.({ type: 'unreadable', kind, name, message: reading.message })
    return reading
  }

  const version = () => watched.map(({ collection }) => collection.generation).join()

  /** What is read is one moment, however long it takes: role and bindings of two moments could allow what neither did. */
  function* readAll(): Sliced<readonly RbacObject[]> {
    if (!watched.every(({ collection }) => collection.freshness().synced)) return none
    const from = version()
    if (from === builtFrom) return objects
    const stored = watched.map(({ kind, collection }) => ({ kind, entries: [...collection.objects] }))
    const all: RbacObject[] = []
    for (const { kind, entries } of stored) {
      yield* forEachSliced(entries, ([name, object]) => {
        const reading = read(kind, name, object)
        if (reading.ok) all.push(reading.object)
      })
    }
    objects = all
    builtFrom = from
    return all
  }

  return {
    start: () => each(collection => collection.start()),
    stop() {
      each(collection => collection.stop())
      clearTimeout(telling)
      telling = undefined
    },
    freshness: () => worst(watched.map(({ collection }) => collection.freshness())),
    objects: () => atOnce(readAll()),
    read: readAll,
    version,
    onChange: listener => void listeners.push(listener),
  }

  function each(act: (collection: WatchedCollection) => void): void {
    for (const { collection } of watched) act(collection)
  }
}

function worst(all: readonly Freshness[]): Freshness {
  return {
    synced: all.every(({ synced }) => synced),
    staleForMs: Math.max(...all.map(({ staleForMs }) => staleForMs)),
    problem: all.find(({ problem }) => problem !== '')?.problem ?? '',
  }
}
