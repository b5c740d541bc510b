import type { ApiServer } from './api-server.js'
import { createBackOff } from './back-off.js'
import { fetchDiscovery } from './fetch-discovery.js'
import { type DiscoveredResource, groupVersion, type ResourcesByVersion } from './read-discovery.js'
import { watchCollection } from './watch-collection.js'
import type { Freshness } from './watched-collection.js'

export interface DiscoveryOptions {
  readonly api: ApiServer
  /** Whether to watch CustomResourceDefinitions (their metadata), which needs list and watch on them. Default true. */
  readonly watchDefinitions?: boolean
  /** Default 50,000. Beyond it, what was known before stays, and a problem is told. */
  readonly maxResources?: number
  /** Must not throw. */
  onEvent?(event: DiscoveryEvent): void
  /** Milliseconds, never going back. Default `performance.now`. */
  readonly now?: () => number
  /** In [0, 1). Default `Math.random`. */
  readonly random?: () => number
  readonly timings?: Partial<DiscoveryTimings>
}

/** All in milliseconds. */
export interface DiscoveryTimings {
  /** Between two looks without a cause. Default 600,000, a fifth more or less. */
  readonly refreshMs: number
  /** The least time between two looks because somebody asked for a kind that is not known. Default 10,000. */
  readonly missMs: number
  /** The least time between two looks because of a changed definition. Default 1,000. */
  readonly changeMs: number
  /** For one request. Default 10,000. */
  readonly timeoutMs: number
}

/** For the log. */
export type DiscoveryEvent =
  | { readonly type: 'discovered'; readonly resources: number }
  | { readonly type: 'failed'; readonly message: string }
  /** CustomResourceDefinitions cannot be watched: new ones are found when they are asked for, changes after `refreshMs`. */
  | { readonly type: 'definitions_unwatched'; readonly message: string }

export type DiscoveryLookup =
  | { readonly type: 'found'; readonly resource: DiscoveredResource }
  /** unknown: the cluster does not serve it. ambiguous: two resources of it have this kind. unavailable: not discovered yet. */
  | { readonly type: 'unknown' | 'ambiguous' | 'unavailable' }

/** What an API server serves, kept up to date. */
export interface Discovery {
  start(): void
  stop(): void
  /** At once, from what is known; by exact spelling. Asking for what is not known makes it look again soon. */
  resolve(apiVersion: string, kind: string): DiscoveryLookup
  resources(): readonly DiscoveredResource[]
  /** `staleForMs` grows up to `refreshMs` while all is well: nothing confirms it in between. */
  freshness(): Freshness
}

const defaultTimings: DiscoveryTimings = { refreshMs: 600_000, missMs: 10_000, changeMs: 1_000, timeoutMs: 10_000 }
const definitionsPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const metadataOnly = 'application/json;g=meta.k8s.io;v=v1;as=PartialObjectMetadata'

/** Follows what an API server serves: at the start, every ten minutes, after changes of definitions, and on demand. */
export function createDiscovery(options: DiscoveryOptions): Discovery {
  const { api, maxResources = 50_000 } = options
  const now = options.now ?? (() => performance.now())
  const random = options.random ?? Math.random
  const timings = { ...defaultTimings, ...options.timings }
  const backOff = createBackOff(200, 30_000, random)

  let known: ResourcesByVersion = new Map()
  let index: ReadonlyMap<string, DiscoveryLookup> = new Map()
  let resources: readonly DiscoveredResource[] = []
  let synced = false
  let confirmedAt = Number.NEGATIVE_INFINITY
  let problem = ''
  let running = false
  let looking = false
  let startedAt = Number.NEGATIVE_INFINITY
  let nextAt = Number.POSITIVE_INFINITY
  /** Looks that are still to be made after a change: it is some time until a new definition is served. */
  let followUps = 0
  let timer: NodeJS.Timeout | undefined
  let run = 0
  /** When watching definitions was forbidden. It is tried again later: permissions change. */
  let unwatchedAt = Number.NEGATIVE_INFINITY

  const definitions =
    options.watchDefinitions === false
      ? undefined
      : watchCollection({
          api,
          path: definitionsPath,
          accept: { list: `${metadataOnly}List`, watch: metadataOnly },
          maxObjects: 10_000,
          maxBytes: 64 * 1024 * 1024,
          onChange() {
            followUps = 2
            lookIn(timings.changeMs)
          },
          onEvent(event) {
            if (event.type !== 'failed' || event.status !== 403) return
            definitions?.stop()
            unwatchedAt = now()
            options.onEvent?.({ type: 'definitions_unwatched', message: event.message })
          },
          now,
          random,
        })

  /** Looks once `gapMs` have passed since the last look began, if nothing makes it look earlier. */
  function lookIn(gapMs: number): void {
    if (running) lookAt(Math.min(nextAt, Math.max(now(), startedAt + gapMs)))
  }

  function lookAt(at: number): void {
    nextAt = at
    if (looking) return
    clearTimeout(timer)
    timer = setTimeout(() => void look(run), Math.max(0, at - now()))
  }

  async function look(current: number): Promise<void> {
    looking = true
    startedAt = now()
    nextAt = Number.POSITIVE_INFINITY
    if (now() - unwatchedAt >= timings.refreshMs) definitions?.start()
    const fetched = await fetchDiscovery(api, timings.timeoutMs)
    if (current !== run) return
    looking = false
    const message = fetched.ok ? take(fetched.resources) : fetched.message
    if (message === undefined) {
      backOff.reset()
      confirmedAt = startedAt
      synced = true
      problem = ''
      options.onEvent?.({ type: 'discovered', resources: resources.length })
      lookAt(Math.min(nextAt, now() + timings.refreshMs * (0.8 + 0.4 * random())))
      if (followUps > 0) lookIn(2 * timings.changeMs)
      followUps = Math.max(0, followUps - 1)
    } else {
      problem = `cannot discover what the API server serves: ${message}`
      options.onEvent?.({ type: 'failed', message: problem })
      lookAt(now() + Math.max(backOff.next(), fetched.ok ? 0 : (fetched.retryAfterMs ?? 0)))
    }
  }

  /** Group versions that the API server cannot tell of now stay as they were. @returns what is wrong, if anything is */
  function take(found: ResourcesByVersion): string | undefined {
    const next = new Map([...found].map(([version, served]) => [version, served ?? known.get(version)]))
    const all = [...next.values()].flatMap(served => served ?? [])
    if (all.length > maxResources) return `there are more than ${maxResources} resources, which is as many as are kept`
    known = next
    resources = all
    index = indexByKind(all)
    return undefined
  }

  return {
    start() {
      if (running) return
      running = true
      lookIn(0)
      definitions?.start()
    },
    stop() {
      if (!running) return
      running = false
      looking = false
      run++
      clearTimeout(timer)
      definitions?.stop()
    },
    resolve(apiVersion, kind) {
      const found = index.get(`${apiVersion} ${kind}`)
      if (found?.type === 'found') return found
      lookIn(timings.missMs)
      return found ?? (synced ? unknown : unavailable)
    },
    resources: () => resources,
    freshness: () => ({ synced, staleForMs: Math.max(0, now() - confirmedAt), problem }),
  }
}

const unknown: DiscoveryLookup = { type: 'unknown' }
const unavailable: DiscoveryLookup = { type: 'unavailable' }
const ambiguous: DiscoveryLookup = { type: 'ambiguous' }

/** Where two resources of one group and version have the same kind, clients pick one by chance. */
function indexByKind(all: readonly DiscoveredResource[]): ReadonlyMap<string, DiscoveryLookup> {
  const index = new Map<string, DiscoveryLookup>()
  for (const resource of all) {
    const key = `${groupVersion(resource.group, resource.version)} ${resource.kind}`
    index.set(key, index.has(key) ? ambiguous : { type: 'found', resource })
  }
  return index
}
