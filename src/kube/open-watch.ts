import { type ApiQuery, withQuery } from './api-path.js'
import type { ApiServer, Following } from './api-server.js'
import type { CollectionCopy } from './collection-copy.js'
import { failureText } from './list-collection.js'

/** Why a watch ended. relist: what we hold does not lead on. */
export type WatchEnd =
  | { readonly type: 'end'; readonly heard: boolean }
  | {
      readonly type: 'relist' | 'limits' | 'failed'
      readonly message: string
      readonly status?: number | undefined
      readonly retryAfterMs?: number | undefined
    }

export interface OpenWatch {
  readonly ended: Promise<WatchEnd>
  /** Ends it as `end`. */
  close(): void
}

export interface OpenWatchRequest {
  readonly api: ApiServer
  readonly path: string
  readonly selectors: ApiQuery
  readonly accept: string | undefined
  readonly copy: CollectionCopy
  /** How long the API server is asked to keep it open. */
  readonly seconds: number
  readonly openTimeoutMs: number
  /** Whether the version to start from is known to the API server for certain. */
  readonly proven: boolean
  readonly now: () => number
  /** The API server showed that the copy was true at a time (by `now`). */
  onConfirmed(at: number): void
  onChanged(): void
}

/** Beyond the end that was asked for, until the connection counts as dead. */
const graceMs = 2_000
/** Between two attempts to prove a version. */
const proveAgainMs = 2_000
/** Shorter ones, even if ended properly, are failures: they must not become a storm. */
const shortestMs = 1_000
/** A ConfigMap has 1 MiB at most, but a server may write six characters for one of its. */
const lineBytes = 8 * 1024 * 1024

/** One watch, from the version of a copy, which it changes. */
export function openWatch(request: OpenWatchRequest): OpenWatch {
  const { api, path, selectors, copy, seconds, openTimeoutMs, now } = request
  const accept = request.accept === undefined ? {} : { accept: request.accept }
  const from = copy.version
  const startedAt = now()
  let proven = request.proven
  let heard = false
  let over = false
  let following: Following | undefined
  let proving: NodeJS.Timeout | undefined
  // Whatever still comes: without an end there would be no list any more, which heals what was missed.
  const longestMs = openTimeoutMs + seconds * 1000 + graceMs
  const ending = setTimeout(() => {
    finish({ type: 'failed', message: `the API server did not end the watch within ${longestMs} ms` })
  }, longestMs)
  let resolve: (end: WatchEnd) => void = () => undefined
  const ended = new Promise<WatchEnd>(resolved => {
    resolve = resolved
  })

  function finish(end: WatchEnd): void {
    if (over) return
    over = true
    clearTimeout(proving)
    clearTimeout(ending)
    following?.close()
    resolve(end)
  }

  /** Asks whether the version is known: "Too large resource version" if it is of the future. */
  async function prove(): Promise<void> {
    const askedAt = now()
    const version = { limit: 1, resourceVersion: from, resourceVersionMatch: 'NotOlderThan' }
    const question = withQuery(path, { ...selectors, ...version })
    // Once: for a version of the future the API server takes its three seconds to say so.
    const once = { repeatable: false, timeoutMs: openTimeoutMs, maxBytes: lineBytes }
    const answer = await api.request({ method: 'GET', path: question, ...once })
    if (over || proven) return
    if (answer.ok) {
      proven = true
      request.onConfirmed(askedAt)
    } else if (answer.reason === 'refused' || isVersionTooLarge(answer.message)) {
      finish({ type: 'relist', message: failureText(answer) })
    } else proving = setTimeout(() => void prove(), proveAgainMs)
  }

  following = api.follow({
    path: withQuery(path, {
      ...selectors,
      watch: 1,
      allowWatchBookmarks: true,
      resourceVersion: from,
      timeoutSeconds: seconds,
    }),
    timeoutMs: openTimeoutMs,
    silenceMs: seconds * 1000 + graceMs,
    maxLineBytes: lineBytes,
    ...accept,
    onOpen() {
      if (over) return
      if (proven) request.onConfirmed(now())
      else void prove()
    },
    onLine(line) {
      if (over) return
      const applied = copy.apply(line)
      if (applied.type === 'relist' || applied.type === 'limits') return finish(applied)
      heard = true
      // With a version of the future, what comes is what comes after it: it proves nothing, and lacks what came before.
      if (proven) request.onConfirmed(now())
      if (applied.type === 'changed') request.onChanged()
    },
    onEnd(failure) {
      if (failure !== undefined) {
        const message = failureText(failure)
        const gone = failure.status === 410 || isVersionTooLarge(message)
        const { status, retryAfterMs } = failure
        finish({ type: gone ? 'relist' : 'failed', message, status, retryAfterMs })
      } else if (now() - startedAt >= shortestMs) finish({ type: 'end', heard })
      else finish({ type: 'failed', message: 'the API server ended the watch as soon as it was open' })
    },
  })
  // It may have ended before it was known what to close.
  if (over) following.close()
  return { ended, close: () => finish({ type: 'end', heard }) }
}

/** A 504 of the API server that only its text tells from others (storage.NewTooLargeResourceVersionError). */
function isVersionTooLarge(message: string): boolean {
  return message.includes('Too large resource version')
}
