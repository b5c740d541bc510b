import { createHash } from 'node:crypto'
import type { ExportCounts } from '../otlp/export-queue.js'
import type { ObjectStore, StoreFailure, StoreRequest } from './object-store.js'
import { PacedWriter } from './paced-writer.js'
import { line, type ToldOutcome, type ToldRecord } from './told-record.js'

/** Series at the same time; what would begin another one is dropped. */
const maxSeries = 1000
/** Milliseconds between two writings of one series at least. */
const retellMs = 30_000
/** A series of which nothing was heard for so long is over. */
const silenceMs = 6 * 60_000
const sweepMs = 5000
const pace = { maxWaiting: 2 * maxSeries, atOnce: 2, burst: 50, perSecond: 10 }
/** The API server refuses longer ones (validation of events.k8s.io/v1). */
const maxNoteBytes = 1024
const maxWord = 128
/** It is an int32 there. */
const maxCount = 2 ** 31 - 1

export interface RecordEventsOptions {
  readonly store: ObjectStore
  readonly namespace: string
  /** Name of this replica. */
  readonly replica: string
  onFailure(failure: StoreFailure): void
}

interface Series {
  readonly first: ToldRecord
  readonly name: string
  count: number
  /** RFC 3339. */
  last: string
  heardAt: number
  /** Of `count`, what stands in the cluster; 0 until it was created. */
  told: number
  toldAt: number
  pending: boolean
}

/**
 * Events (events.k8s.io/v1) about decisions, on the virtual object of the Server: one for each Server, reason and subject,
 * which then counts. Its name follows from the decision that began it.
 */
export class RecordEvents {
  readonly #options: RecordEventsOptions
  readonly #writer: PacedWriter
  readonly #series = new Map<string, Series>()
  readonly #timer: NodeJS.Timeout
  #dropped = 0
  #stopping = false

  constructor(options: RecordEventsOptions) {
    this.#options = options
    this.#writer = new PacedWriter({ ...pace, store: options.store, onFailure: failure => options.onFailure(failure) })
    this.#timer = setInterval(() => this.#sweep(), sweepMs).unref()
  }

  /** Counts requests to write Events, and records that no Event counts. */
  get counts(): ExportCounts {
    const { exported, dropped, failed } = this.#writer.counts
    return { exported, dropped: dropped + this.#dropped, failed }
  }

  tell(record: ToldRecord): void {
    const key = JSON.stringify([record.server, record.outcome, record.reason, record.issuer, record.user])
    const known = this.#series.get(key)
    const now = performance.now()
    if (known !== undefined && now - known.heardAt < silenceMs) {
      known.count = Math.min(maxCount, known.count + record.requests)
      known.last = record.timestamp
      known.heardAt = now
      return
    }
    if (known === undefined && this.#series.size >= maxSeries) {
      this.#dropped++
      return
    }
    const times = { last: record.timestamp, heardAt: now, toldAt: now }
    const series = {
      first: record,
      name: nameOf(record, key),
      count: Math.min(maxCount, record.requests),
      ...times,
      told: 0,
      pending: false,
    }
    this.#series.set(key, series)
    this.#write(key, series)
  }

  /** Tells what was counted since the last time, for at most `limitMs`. */
  async stop(limitMs: number): Promise<void> {
    clearInterval(this.#timer)
    this.#stopping = true
    for (const [key, series] of this.#series) if (series.count > series.told) this.#write(key, series)
    await this.#writer.stop(limitMs)
  }

  #sweep(): void {
    const now = performance.now()
    for (const [key, series] of this.#series) {
      if (series.count > series.told && now - series.toldAt >= retellMs) this.#write(key, series)
      else if (now - series.heardAt >= silenceMs && !series.pending) this.#series.delete(key)
    }
  }

  #write(key: string, series: Series): void {
    if (series.pending) return
    series.pending = true
    let count = 0
    const added = this.#writer.add({
      request: () => {
        count = series.count
        return series.told === 0 ? this.#creation(series) : this.#update(series)
      },
      get fine() {
        // Conflict: an attempt that seemed to fail has created it. Not found: it has expired in the meantime.
        return series.told === 0 ? [409] : [404]
      },
      onDone: (result, status) => {
        series.pending = false
        series.toldAt = performance.now()
        const gone = status === 404 && series.told > 0
        if (result !== 'written' || gone) return this.#forget(key, series)
        series.told = status === 409 ? 1 : count
        // What was counted while this was under way: nobody comes back to it.
        if (this.#stopping && series.count > series.told) this.#write(key, series)
      },
    })
    if (!added) this.#forget(key, series)
  }

  /** Unless another one has begun in its place. */
  #forget(key: string, series: Series): void {
    if (this.#series.get(key) === series) this.#series.delete(key)
  }

  #creation({ first, name, count, last }: Series): StoreRequest {
    const { namespace, replica } = this.#options
    const { server } = first
    const event = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { namespace, name },
      eventTime: microTime(first.timestamp),
      ...(count > 1 && { series: { count, lastObservedTime: microTime(last) } }),
      reportingController: 'mcp-authz.dev/mcp-authz',
      reportingInstance: replica.slice(0, maxWord),
      action: line(first.method, maxWord) || 'request',
      reason: reasons[first.outcome],
      regarding:
        server === ''
          ? { apiVersion: 'v1', kind: 'Namespace', namespace, name: namespace }
          : { apiVersion: 'mcp-authz.dev/v1alpha1', kind: 'Server', namespace, name: server },
      type: first.outcome === 'deny' ? 'Warning' : 'Normal',
      note: noteOf(first),
    }
    const path = `/apis/events.k8s.io/v1/namespaces/${namespace}/events?fieldValidation=Strict`
    return { method: 'POST', path, body: JSON.stringify(event), repeatable: true }
  }

  #update({ name, count, last }: Series): StoreRequest {
    const path = `/apis/events.k8s.io/v1/namespaces/${this.#options.namespace}/events/${name}?fieldValidation=Strict`
    const body = JSON.stringify({ series: { count, lastObservedTime: microTime(last) } })
    return { method: 'PATCH', path, contentType: 'application/merge-patch+json', body, repeatable: true }
  }
}

const reasons: Readonly<Record<ToldOutcome, string>> = {
  allow: 'Allowed',
  deny: 'Denied',
  'would-deny': 'WouldDeny',
}

function nameOf({ server, decisionId }: ToldRecord, key: string): string {
  const digest = createHash('sha256').update(`${decisionId}\0${key}`).digest('hex').slice(0, 16)
  // Names of Servers are DNS labels.
  return `${/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(server) ? server : 'mcp-authz'}.${digest}`
}

/** In one sentence; of several, the first. */
function noteOf(record: ToldRecord): string {
  const { outcome, user, agent, method, tool, server, reason, policy, policyReason, decisionId } = record
  const who = `${line(user, 200) || 'Somebody unknown'}${agent === '' ? '' : ` through ${line(agent, 100)}`}`
  const what = tool === '' ? line(method, 100) || 'a request' : `the tool ${line(tool, 100)}`
  const where = server === '' ? '' : ` of ${server}`
  const rule =
    policy === '' ? '' : ` by ${line(policy, 130)}${policyReason === '' ? '' : ` (${line(policyReason, 100)})`}`
  const verdict = {
    allow: `${who} was allowed ${what}${where}`,
    deny: `${who} was denied ${what}${where}: ${reason}${rule}`,
    'would-deny': `${who} was allowed ${what}${where} because of Audit; enforced, it would be ${reason}${rule}`,
  }[outcome]
  return cutToBytes(line(`${verdict}. Decision ${decisionId}`, maxNoteBytes))
}

function cutToBytes(text: string): string {
  if (Buffer.byteLength(text) <= maxNoteBytes) return text
  const characters = [...text]
  while (Buffer.byteLength(characters.join('')) > maxNoteBytes - 3) characters.length -= 1
  return `${characters.join('')}…`
}

/** Kubernetes reads six digits behind the point and nothing else. */
function microTime(timestamp: string): string {
  const time = Date.parse(timestamp)
  return new Date(Number.isFinite(time) ? time : Date.now()).toISOString().replace('Z', '000Z')
}
