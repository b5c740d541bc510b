import { isJsonArray, isJsonObject, type JsonArray, type JsonValue } from '../protocol/json-value.js'
import { type ApiQuery, withQuery } from './api-path.js'
import type { ApiFailure, ApiServer } from './api-server.js'
import { type KeptObject, keepObject } from './keep-object.js'

export interface ListRequest {
  readonly api: ApiServer
  /** Of the collection. */
  readonly path: string
  /** Label and field selector, if there are any. */
  readonly selectors: ApiQuery
  readonly accept: string | undefined
  readonly maxObjects: number
  /** Of the objects as kept, all together. */
  readonly maxBytes: number
  /** Milliseconds for one page. */
  readonly timeoutMs: number
  /** What is kept already; objects that hold the same are these. It must not change meanwhile. */
  known(key: string): KeptObject | undefined
}

export type Listed =
  | {
      readonly ok: true
      /** For who asked to keep. */
      readonly objects: Map<string, KeptObject>
      readonly bytes: number
      /** Where a watch goes on. */
      readonly resourceVersion: string
    }
  | {
      readonly ok: false
      /** limits: it is larger than it may be. failed: anything else. */
      readonly reason: 'failed' | 'limits'
      readonly message: string
      readonly status?: number | undefined
      readonly retryAfterMs?: number | undefined
    }

/** Objects in one page. The next is tried where a page is larger than `pageBytes`: ConfigMaps can have a megabyte each. */
const pageSizes = [500, 50, 5, 1]
const pageBytes = 16 * 1024 * 1024
/** How often a listing begins anew because its pages expired (after about five minutes) before it was through. */
const mostRestarts = 2
const mostEmptyPages = 100
/** Characters. Those of an API server have a few hundred. */
const longestToken = 4_096
/** Others wait no longer than about so long. Milliseconds. */
const sliceMs = 8

function giveWay(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

/**
 * Lists a collection whole, page by page, as of one moment, or fails: it never gives a part. Without a `resourceVersion`,
 * which asks for the newest state (a consistent read).
 */
export async function listCollection(request: ListRequest): Promise<Listed> {
  let restarts = 0
  let size = 0
  for (;;) {
    const listed = await listPages(request, pageSizes[size] ?? 1)
    if (listed.ok || listed.reason === 'failed' || listed.reason === 'limits') return listed
    if (listed.reason === 'malformed') size++
    else restarts++
    if (size === pageSizes.length || restarts > mostRestarts) return failed(listed.message)
  }
}

/** malformed: an answer that cannot be read, perhaps because it is too large. expired: of the pages so far there are no more. */
type ListedPages = Listed | { readonly ok: false; readonly reason: 'malformed' | 'expired'; readonly message: string }

async function listPages(request: ListRequest, pageSize: number): Promise<ListedPages> {
  const { api, path, selectors, accept, maxObjects, timeoutMs } = request
  const objects = new Map<string, KeptObject>()
  let bytes = 0
  let token = ''
  let emptyPages = 0
  // A page may be empty where everything on it was filtered out; a faulty server would be followed without end.
  for (let page = 0; page <= maxObjects; page++) {
    const answer = await api.request({
      method: 'GET',
      path: withQuery(path, { ...selectors, limit: pageSize, continue: token === '' ? undefined : token }),
      timeoutMs,
      maxBytes: pageBytes,
      ...(accept === undefined ? {} : { accept }),
    })
    if (!answer.ok) {
      const message = failureText(answer)
      if (answer.status === 410 && token !== '') return { ok: false, reason: 'expired', message }
      if (answer.reason === 'malformed') return { ok: false, reason: 'malformed', message }
      return { ok: false, reason: 'failed', message, status: answer.status, retryAfterMs: answer.retryAfterMs }
    }
    const read = readPage(answer.body)
    if (read === undefined) return failed('the API server answered with something that is not a list')
    let pausedAt = performance.now()
    for (const item of read.items) {
      if (performance.now() - pausedAt > sliceMs) {
        await giveWay()
        pausedAt = performance.now()
      }
      const kept = keepObject(item, request.known)
      if (kept === undefined) return failed('the API server listed an object without a name or version')
      bytes += kept.bytes - (objects.get(kept.key)?.bytes ?? 0)
      objects.set(kept.key, kept)
    }
    const over = beyondLimits(objects.size, bytes, request)
    if (over !== undefined) return { ok: false, reason: 'limits', message: over }
    if (read.token === '') return { ok: true, objects, bytes, resourceVersion: read.resourceVersion }
    if (read.token.length > longestToken)
      return failed('the API server continues its list with a token without measure')
    emptyPages += read.items.length === 0 ? 1 : 0
    if (emptyPages > mostEmptyPages) break
    token = read.token
    await giveWay()
  }
  return failed('the list has no end')
}

/** What is too much, in words; undefined while all is within its limits. */
export function beyondLimits(
  objects: number,
  bytes: number,
  { maxObjects, maxBytes }: { readonly maxObjects: number; readonly maxBytes: number },
): string | undefined {
  if (objects > maxObjects) return `there are more than ${maxObjects} objects, which is as many as are kept`
  if (bytes > maxBytes) return `the objects have more than ${maxBytes} bytes, which is as many as are kept`
  return undefined
}

export function failureText({ reason, status, message }: ApiFailure): string {
  return `${reason}${status === undefined ? '' : ` (HTTP ${status})`}: ${message}`
}

interface Page {
  readonly items: JsonArray
  readonly resourceVersion: string
  /** "" with the last page. */
  readonly token: string
}

function readPage(body: JsonValue): Page | undefined {
  const metadata = isJsonObject(body) ? body.get('metadata') : undefined
  if (!isJsonObject(body) || !isJsonObject(metadata)) return undefined
  // A Go server writes an empty list as [] or null.
  const items = body.get('items') ?? []
  const resourceVersion = metadata.get('resourceVersion')
  const token = metadata.get('continue') ?? ''
  if (!isJsonArray(items) || typeof token !== 'string') return undefined
  if (typeof resourceVersion !== 'string' || resourceVersion === '') return undefined
  return { items, resourceVersion: Buffer.from(resourceVersion).toString(), token }
}

function failed(message: string): Extract<Listed, { ok: false }> {
  return { ok: false, reason: 'failed', message }
}
