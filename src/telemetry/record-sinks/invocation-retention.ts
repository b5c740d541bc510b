import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../../protocol/json-value.js'
import { invocationsPath, ownerLabel } from './invocation-place.js'
import type { ObjectStore, StoreFailure } from './object-store.js'
import { PacedWriter } from './paced-writer.js'

/** Milliseconds between two looks, each of them a tenth more or less, so that replicas do not look together. */
const lookMs = 60_000
const pageObjects = 500
/** What is beyond is looked at when these are gone. */
const maxPages = 40
/** Of one look. With what all replicas may write in a minute, more than comes. */
const maxRemoved = 3000
const pace = { maxWaiting: maxRemoved, atOnce: 4, burst: 50, perSecond: 50 }
/** Only names and times are asked for. */
const metadataOnly = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'

export interface InvocationRetentionOptions {
  readonly store: ObjectStore
  readonly namespace: string
  /** Milliseconds after which an object is removed. */
  readonly retentionMs: number
  /** Objects that are kept at most, the latest. */
  readonly maxObjects: number
  onFailure(failure: StoreFailure): void
  /** Milliseconds since the epoch. Default: the system's clock. */
  now?(): number
  /** Milliseconds before the first look. Default 10,000. */
  readonly firstLookMs?: number
}

/**
 * Removes objects that are old, and the oldest where there are too many. Each replica does it for all of them, without
 * asking the others: what another has removed already is as good as removed.
 */
export class InvocationRetention {
  readonly #options: InvocationRetentionOptions
  readonly #remover: PacedWriter
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(options: InvocationRetentionOptions) {
    this.#options = options
    this.#remover = new PacedWriter({ ...pace, store: options.store, onFailure: failure => options.onFailure(failure) })
    this.#schedule(options.firstLookMs ?? 10_000)
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    void this.#remover.stop(0)
  }

  #schedule(ms: number): void {
    if (this.#stopped) return
    this.#timer = setTimeout(() => void this.#look(), ms * (0.9 + 0.2 * Math.random())).unref()
  }

  async #look(): Promise<void> {
    // What is still to be removed would be found again.
    if (this.#remover.waiting === 0) {
      const { namespace, retentionMs, maxObjects, now = Date.now } = this.#options
      const found = await this.#list()
      const oldest = now() - retentionMs
      found.sort((a, b) => b.createdAt - a.createdAt)
      const gone = found.filter(({ createdAt }, i) => i >= maxObjects || createdAt < oldest).reverse()
      for (const { name } of gone.slice(0, maxRemoved))
        this.#remover.add({
          request: () => ({ method: 'DELETE', path: `${invocationsPath(namespace)}/${name}`, repeatable: true }),
          fine: [404],
        })
    }
    this.#schedule(lookMs)
  }

  async #list(): Promise<Found[]> {
    const { namespace, store, onFailure } = this.#options
    const found: Found[] = []
    let from = ''
    for (let page = 0; page < maxPages && !this.#stopped; page++) {
      const query = new URLSearchParams({
        limit: String(pageObjects),
        labelSelector: `${ownerLabel.name}=${ownerLabel.value}`,
      })
      if (from !== '') query.set('continue', from)
      const path = `${invocationsPath(namespace)}?${query}`
      const answer = await store.request({ method: 'GET', path, accept: metadataOnly })
      if (!answer.ok) {
        // Expired: a page took too long, and the next look begins anew.
        if (answer.status !== 410) onFailure(answer)
        return []
      }
      const list = isJsonObject(answer.body) ? answer.body : undefined
      const items = list?.get('items')
      if (isJsonArray(items)) found.push(...items.flatMap(foundIn))
      const next = memberOf(list?.get('metadata'), 'continue')
      if (typeof next !== 'string' || next === '') break
      from = next
    }
    return found
  }
}

interface Found {
  readonly name: string
  /** Milliseconds since the epoch. */
  readonly createdAt: number
}

function foundIn(item: JsonValue): Found[] {
  const metadata = isJsonObject(item) ? item.get('metadata') : undefined
  const name = memberOf(metadata, 'name')
  const createdAt = Date.parse(String(memberOf(metadata, 'creationTimestamp')))
  // It goes into a path.
  if (typeof name !== 'string' || !/^[a-z0-9][-a-z0-9.]{0,252}$/.test(name) || !Number.isFinite(createdAt)) return []
  return [{ name, createdAt }]
}

function memberOf(value: JsonValue | JsonObject | undefined, name: string): JsonValue | undefined {
  return isJsonObject(value) ? value.get(name) : undefined
}
