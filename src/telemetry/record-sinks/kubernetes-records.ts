import type { DecisionLog } from '../decision-log.js'
import type { ExportCounts } from '../otlp/export-queue.js'
import type { ObjectStore, StoreFailure } from './object-store.js'
import { RecordEvents } from './record-events.js'
import { RecordInvocations } from './record-invocations.js'
import type { SinkSample } from './sink-metrics.js'
import { mayBeTold, readToldRecord, type ToldRecord } from './told-record.js'

export type Told = 'none' | 'denials' | 'all'

export interface KubernetesRecordsOptions {
  readonly store: ObjectStore
  readonly namespace: string
  /** Name of this replica. */
  readonly replica: string
  readonly events: Told
  readonly invocations: Told
  /** Milliseconds. */
  readonly retentionMs: number
  readonly maxObjects: number
  /** Milliseconds that the end may take at most. */
  readonly flushMs: number
  /** Something could not be written, or removed. Must not throw. */
  onFailure(failure: StoreFailure): void
}

/** Lines that wait to be read, and their characters. */
const maxLines = 2000
const maxCharacters = 8 * 1024 * 1024
/** Lines that are read in one turn of the event loop. */
const perTurn = 16

/**
 * Tells a cluster of decisions, as Events and as objects. It is no log: what is said there is less than a record, comes at a
 * limited pace, and is gone after a while. So nothing of it counts as a lost record; `samples` says what was not told.
 */
export class KubernetesRecords implements DecisionLog {
  readonly #options: KubernetesRecordsOptions
  readonly #events: RecordEvents | undefined
  readonly #invocations: RecordInvocations | undefined
  readonly #which: 'denials' | 'all'
  readonly dropped = 0
  readonly sealed = undefined
  #waiting: string[] = []
  #characters = 0
  #unread = 0
  #reading = false
  #closed = false

  constructor(options: KubernetesRecordsOptions) {
    const { events, invocations } = options
    this.#options = options
    this.#which = events === 'all' || invocations === 'all' ? 'all' : 'denials'
    this.#events = events === 'none' ? undefined : new RecordEvents(options)
    this.#invocations = invocations === 'none' ? undefined : new RecordInvocations(options)
  }

  write(line: string): void {
    if (this.#closed || !mayBeTold(line, this.#which)) return
    if (this.#waiting.length >= maxLines || this.#characters + line.length > maxCharacters) {
      this.#unread++
      return
    }
    this.#waiting.push(line)
    this.#characters += line.length
    if (this.#reading) return
    this.#reading = true
    setImmediate(() => this.#read())
  }

  async close(limitMs = 5000): Promise<void> {
    while (this.#waiting.length > 0) this.#readSome()
    this.#closed = true
    const limit = Math.min(limitMs, this.#options.flushMs)
    await Promise.all([this.#events?.stop(limit), this.#invocations?.stop(limit)])
  }

  get samples(): readonly SinkSample[] {
    const sample = (sink: SinkSample['sink'], counts: ExportCounts): SinkSample => ({
      ...{ sink, ...counts },
      dropped: counts.dropped + this.#unread,
    })
    return [
      ...(this.#events === undefined ? [] : [sample('events', this.#events.counts)]),
      ...(this.#invocations === undefined ? [] : [sample('invocations', this.#invocations.counts)]),
    ]
  }

  #read(): void {
    this.#readSome()
    if (this.#waiting.length > 0) setImmediate(() => this.#read())
    else this.#reading = false
  }

  #readSome(): void {
    for (const line of this.#waiting.splice(0, perTurn)) {
      this.#characters -= line.length
      const record = readToldRecord(line)
      if (record === undefined) continue
      if (isTold(record, this.#options.events)) this.#events?.tell(record)
      if (isTold(record, this.#options.invocations)) this.#invocations?.tell(record)
    }
  }
}

function isTold({ outcome }: ToldRecord, told: Told): boolean {
  return told === 'all' || (told === 'denials' && outcome !== 'allow')
}
