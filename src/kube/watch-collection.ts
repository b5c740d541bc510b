import type { ApiQuery } from './api-path.js'
import type { ApiServer } from './api-server.js'
import { createBackOff } from './back-off.js'
import { CollectionCopy } from './collection-copy.js'
import { listCollection } from './list-collection.js'
import { openWatch } from './open-watch.js'
import type { WatchedCollection } from './watched-collection.js'

export interface WatchCollectionOptions {
  readonly api: ApiServer
  /** Of the collection: `/api/v1/namespaces/mcp-authz/configmaps`. No query. */
  readonly path: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  /** Media types of the answers, where they are not `application/json`. */
  readonly accept?: { readonly list: string; readonly watch: string }
  readonly maxObjects: number
  /** Of all objects together, about as JSON text. */
  readonly maxBytes: number
  /** Told of changes: at once of the first list and of `synced`, then at most once in `coalesceMs`. Must not throw. */
  onChange(): void
  /** Must not throw. */
  onEvent?(event: CollectionEvent): void
  /** Milliseconds, never going back. Default `performance.now`. */
  readonly now?: () => number
  /** In [0, 1). Default `Math.random`. */
  readonly random?: () => number
  readonly timings?: Partial<WatchTimings>
}

/** All in milliseconds. */
export interface WatchTimings {
  /** How long the API server is asked to keep a watch open; up to a quarter more. Default 48,000. */
  readonly watchMs: number
  /** Between two full lists, about. Default 300,000. */
  readonly relistMs: number
  /** For one page of a list. Default 15,000. */
  readonly listTimeoutMs: number
  /** Until a watch must have opened. Default 10,000. */
  readonly openTimeoutMs: number
  /** First and longest delay after failures. Default 100 and 3,000. */
  readonly firstDelayMs: number
  readonly mostDelayMs: number
  /** Default 25. */
  readonly coalesceMs: number
}

/** For the log and metrics. */
export type CollectionEvent =
  /** It was listed whole. `changed`: whether that found something that the watch had not told, or not yet. */
  | { readonly type: 'listed'; readonly objects: number; readonly changed: boolean; readonly tookMs: number }
  /** `status`: of the answer, where there was one. */
  | { readonly type: 'failed'; readonly message: string; readonly status: number | undefined }

const defaultTimings: WatchTimings = {
  watchMs: 48_000,
  relistMs: 300_000,
  listTimeoutMs: 15_000,
  openTimeoutMs: 10_000,
  firstDelayMs: 100,
  mostDelayMs: 3_000,
  coalesceMs: 25,
}

/** No longer, whatever an API server (or what is in front of it) asks for. */
const longestRetryAfterMs = 30_000
/** After this much of a watch, the failures before it are forgotten. */
const goodWatchMs = 5_000

/** From start to stop. */
interface Run {
  stopped: boolean
  /** Ends what is being waited for. */
  cancel(): void
}

/**
 * Keeps a copy of a collection: lists it, watches on from there, and never gives up, whatever the API server does.
 *
 * What counts as its confirmation (`staleForMs`): a list, as of the moment when it was asked for; each event and bookmark;
 * and the opening of a watch, from a version that is proven. A version is not proven after a failure, and after a watch on
 * which nothing came: with an etcd that was restored to yesterday, a watch from our version would open and stay silent
 * forever. Then one small question ("do you know this version?") proves it. Bookmarks alone would not do: none come while
 * nothing in the resource changes and etcd reports no progress. So, while all is well, the longest time without
 * confirmation is that of one watch (`watchMs` and a quarter).
 *
 * A list is authoritative. Within a watch nothing goes back: an event that is older than one before it is not applied, and
 * as the API server contradicts itself, the collection is listed anew. So it is after 410, after a line that cannot be
 * read, and about every five minutes, which heals whatever was missed.
 *
 * Beyond `maxObjects` or `maxBytes` it is not `synced`, and the objects stay as they last were: who reads them must look at
 * `synced`. It is tried again after ten times the longest delay.
 */
export function watchCollection(options: WatchCollectionOptions): WatchedCollection {
  const { api, path, accept, maxObjects, maxBytes, onChange } = options
  const now = options.now ?? (() => performance.now())
  const random = options.random ?? Math.random
  const timings = { ...defaultTimings, ...options.timings }
  const selectors: ApiQuery = { labelSelector: options.labelSelector, fieldSelector: options.fieldSelector }
  const backOff = createBackOff(timings.firstDelayMs, timings.mostDelayMs, random)
  const copy = new CollectionCopy({ maxObjects, maxBytes })

  let generation = 0
  let synced = false
  let confirmedAt = Number.NEGATIVE_INFINITY
  let problem = ''
  let proven = false
  let relistAt = Number.NEGATIVE_INFINITY
  let run: Run | undefined
  let telling: NodeJS.Timeout | undefined

  function tell(): void {
    clearTimeout(telling)
    telling = undefined
    onChange()
  }

  function changed(): void {
    generation++
    telling ??= setTimeout(tell, timings.coalesceMs)
  }

  function failed(message: string, status?: number): void {
    problem = message
    proven = false
    options.onEvent?.({ type: 'failed', message, status })
  }

  function waitAfter(retryAfterMs = 0): number {
    return Math.max(backOff.next(), Math.min(retryAfterMs, longestRetryAfterMs))
  }

  /** Half of it would be worse than nothing. @returns milliseconds to wait */
  function tooLarge(message: string): number {
    failed(`cannot keep ${path}: ${message}`)
    copy.version = undefined
    if (synced) {
      synced = false
      tell()
    }
    return timings.mostDelayMs * (10 + random())
  }

  /** @returns milliseconds to wait before anything else */
  async function list(current: Run): Promise<number> {
    const startedAt = now()
    const timeoutMs = timings.listTimeoutMs
    const { known } = copy
    const limits = { maxObjects, maxBytes, timeoutMs }
    const listed = await listCollection({ api, path, selectors, accept: accept?.list, known, ...limits })
    if (current.stopped) return 0
    if (!listed.ok) {
      if (listed.reason === 'limits') return tooLarge(listed.message)
      const wait = waitAfter(listed.retryAfterMs)
      failed(`cannot list ${path}: ${listed.message}`, listed.status)
      // What is watched goes on meanwhile: its own failures would show.
      relistAt = now() + 10 * wait
      return copy.version === undefined ? wait : 0
    }
    const different = copy.replace(listed)
    proven = true
    confirmedAt = startedAt
    problem = ''
    relistAt = now() + timings.relistMs * (0.8 + 0.4 * random())
    options.onEvent?.({ type: 'listed', objects: copy.objects.size, changed: different, tookMs: now() - startedAt })
    if (different) changed()
    if (!synced) {
      synced = true
      tell()
    }
    return 0
  }

  /** @returns milliseconds to wait before anything else */
  async function watch(current: Run): Promise<number> {
    const startedAt = now()
    const open = openWatch({
      api,
      path,
      selectors,
      accept: accept?.watch,
      copy,
      seconds: Math.ceil((timings.watchMs * (1 + random() / 4)) / 1000),
      openTimeoutMs: timings.openTimeoutMs,
      proven,
      now,
      onConfirmed(at) {
        confirmedAt = Math.max(confirmedAt, at)
        problem = ''
      },
      onChanged: changed,
    })
    current.cancel = open.close
    const end = await open.ended
    if (current.stopped) return 0
    if (now() - startedAt >= goodWatchMs) backOff.reset()
    if (end.type === 'end') {
      proven = end.heard
      return 0
    }
    if (end.type === 'limits') return tooLarge(end.message)
    if (end.type === 'relist') copy.version = undefined
    failed(`cannot watch ${path}: ${end.message}`, end.status)
    return waitAfter(end.retryAfterMs)
  }

  async function follow(current: Run): Promise<void> {
    while (!current.stopped) {
      const due = copy.version === undefined || now() >= relistAt
      let wait = due ? await list(current) : 0
      if (wait === 0 && !current.stopped) wait = await watch(current)
      if (wait > 0 && !current.stopped) await pause(current, wait)
    }
  }

  return {
    start() {
      if (run !== undefined) return
      run = { stopped: false, cancel: () => undefined }
      copy.version = undefined
      void follow(run)
    },
    stop() {
      if (run === undefined) return
      run.stopped = true
      run.cancel()
      run = undefined
      clearTimeout(telling)
      telling = undefined
    },
    freshness: () => ({ synced, staleForMs: Math.max(0, now() - confirmedAt), problem }),
    get objects() {
      return copy.objects
    },
    get generation() {
      return generation
    },
  }
}

function pause(current: Run, ms: number): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, ms)
    current.cancel = () => {
      clearTimeout(timer)
      resolve()
    }
  })
}
