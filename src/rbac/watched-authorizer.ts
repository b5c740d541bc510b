import type { Freshness } from '../kube/watched-collection.js'
import type { Access, Authorizer } from './authorizer.js'
import { createEmbeddedAuthorizer, type EmbeddedAuthorizer } from './embedded-authorizer.js'
import type { AccessAttributes, UrlAttributes } from './operation.js'
import type { RbacWatch } from './rbac-watch.js'
import { withMasters } from './with-masters.js'

export interface WatchedAuthorizerOptions {
  /** Milliseconds without confirmation by the API server after which nothing is allowed. Default 30,000. */
  readonly maxStaleMs?: number
  /** Must not throw. */
  onRebuilt?(rebuilt: { readonly objects: number; readonly tookMs: number }): void
}

/** An {@link Authorizer} that answers at once from what a watch knows. */
export interface WatchedAuthorizer extends Authorizer {
  authorize(user: Parameters<Authorizer['authorize']>[0], attributes: AccessAttributes): Access
  authorizeUrl(user: Parameters<Authorizer['authorizeUrl']>[0], attributes: UrlAttributes): Access
  /** What it answers from now; undefined while it answers nothing (before the first sync, or stale). Do not keep it. */
  embedded(): EmbeddedAuthorizer | undefined
  freshness(): Freshness
  /** Ends the rebuilding; the watch itself belongs to who made it. */
  close(): void
}

/** Rebuilding takes at most about one part in so many of the time. */
const rebuildShare = 10
const shortestPauseMs = 25
const longestPauseMs = 400

/**
 * RBAC as the API server has it, evaluated here. Every change makes a new index of all objects and puts it in place in one
 * step: about 15 ms for 10,000 bindings (rules that did not change are not compiled again), and changes that come faster
 * than ten times that are taken together, so that a controller that rewrites bindings all day costs no more than a tenth
 * of a core. A decision costs microseconds.
 *
 * Denies with `dependency.api_server` before the first sync, and when the objects are too many to be kept; with
 * `dependency.rbac_stale` when the API server has not confirmed them for `maxStaleMs`.
 */
export function createWatchedAuthorizer(watch: RbacWatch, options: WatchedAuthorizerOptions = {}): WatchedAuthorizer {
  const maxStaleMs = options.maxStaleMs ?? 30_000
  const notSynced = failed('dependency.api_server', 'the RBAC objects of the cluster are not known yet')
  const stale = failed(
    'dependency.rbac_stale',
    `the API server has not confirmed the RBAC objects for more than ${maxStaleMs / 1000} s`,
  )
  let current: EmbeddedAuthorizer | undefined
  let builtFrom: ReturnType<RbacWatch['objects']> | undefined
  let notBefore = Number.NEGATIVE_INFINITY
  let waiting: NodeJS.Timeout | undefined
  let closed = false

  function rebuild(): void {
    waiting = undefined
    if (!watch.freshness().synced) return
    const objects = watch.objects()
    if (objects === builtFrom) return
    const startedAt = performance.now()
    current = withMasters(createEmbeddedAuthorizer(objects))
    builtFrom = objects
    const tookMs = performance.now() - startedAt
    const pause = Math.max(shortestPauseMs, Math.min(longestPauseMs, tookMs * rebuildShare))
    notBefore = performance.now() + pause
    options.onRebuilt?.({ objects: objects.length, tookMs })
  }

  function usable(): EmbeddedAuthorizer | Access {
    const { synced, staleForMs } = watch.freshness()
    if (!synced || current === undefined) return notSynced
    return staleForMs <= maxStaleMs ? current : stale
  }

  watch.onChange(() => {
    if (closed || waiting !== undefined) return
    const pause = notBefore - performance.now()
    if (pause <= 0) rebuild()
    else waiting = setTimeout(rebuild, pause)
  })
  rebuild()

  return {
    authorize(user, attributes) {
      const now = usable()
      return 'allowed' in now ? now : now.authorize(user, attributes)
    },
    authorizeUrl(user, attributes) {
      const now = usable()
      return 'allowed' in now ? now : now.authorizeUrl(user, attributes)
    },
    embedded() {
      const now = usable()
      return 'allowed' in now ? undefined : now
    },
    freshness: () => watch.freshness(),
    close() {
      closed = true
      clearTimeout(waiting)
    },
  }
}

function failed(code: 'dependency.api_server' | 'dependency.rbac_stale', reason: string): Access {
  return { allowed: false, failed: code, reason }
}
