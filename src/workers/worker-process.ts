import type { ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MetricValues } from '../telemetry/metrics.js'
import { RecordLines } from './record-lines.js'
import { recordsDescriptor } from './records-descriptor.js'
import { type FromWorker, readFromWorker, type ToWorker, type WorkerState } from './worker-messages.js'

export interface WorkerProcessOptions {
  readonly number: number
  readonly child: ChildProcess
  readonly start: Extract<ToWorker, { type: 'start' }>
  /** One whole record. */
  onRecord(line: string): void
  /** A record was not written to its end, or is too long to be one. */
  onLostRecord(): void
  /** It opened its doors, or its state changed. */
  onChange(): void
  /** A connection that was given to it is its own now (true), or was not taken. */
  onGiven(id: number, taken: boolean): void
}

/** Milliseconds after its end in which its last records are read: they wait in the pipe already. */
const lastRecordsMs = 2_000

/** How a worker ended, e.g. `exit code 1` or `SIGKILL`. */
export interface WorkerEnd {
  readonly how: string
  /** Why it could not start, in its own words. */
  readonly failure: string | undefined
}

/** The primary's side of one worker process: what it is told, and what it tells. */
export class WorkerProcess {
  readonly number: number
  readonly #options: WorkerProcessOptions
  readonly #asked = new Map<number, (values: readonly MetricValues[] | undefined) => void>()
  #lastId = 0
  #failure: string | undefined
  #exited = false
  /** Its doors are open. */
  isOpen = false
  state: WorkerState = { ready: false, reasons: [] }
  /** Those that it has, and those on their way to it. */
  connections = 0
  /** When it last said something, by a clock that is never set back. */
  heardAt = performance.now()
  /** What it told last. */
  metrics: readonly MetricValues[] = []
  /** Resolves once it is gone and its last record is read. */
  readonly ended: Promise<WorkerEnd>

  constructor(options: WorkerProcessOptions) {
    const { child, number, start } = options
    this.number = number
    this.#options = options
    child.on('message', message => {
      const read = readFromWorker(message)
      if (read !== undefined) this.#on(read)
    })
    const records = this.#readRecords()
    const exited = new Promise<string>(resolve => {
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
      // Also told where a message could not be sent; then it is about to exit.
      child.on('error', error => {
        if (child.pid === undefined) resolve(error.message)
      })
    })
    this.ended = exited.then(async how => {
      this.#exited = true
      this.isOpen = false
      this.state = { ready: false, reasons: [] }
      for (const answer of this.#asked.values()) answer(undefined)
      if (child.pid !== undefined) await Promise.race([records, sleep(lastRecordsMs, undefined, { ref: false })])
      return { how, failure: this.#failure }
    })
    this.send(start)
  }

  send(message: ToWorker): void {
    // The channel may close at any time, which `ended` tells.
    if (this.#options.child.connected) this.#options.child.send(message, () => undefined)
  }

  /** Hands a connection over. It stays open here until the worker has it, so that it can go elsewhere if it never does. */
  give(id: number, listener: number, connection: Socket): void {
    this.connections++
    const message: ToWorker = { type: 'connection', id, listener }
    this.#options.child.send(message, connection, { keepOpen: true }, () => undefined)
  }

  /** Its metrics; undefined when they do not come in time. */
  collect(limitMs: number): Promise<readonly MetricValues[] | undefined> {
    const id = ++this.#lastId
    return new Promise(resolve => {
      const answer = (values: readonly MetricValues[] | undefined) => {
        clearTimeout(timer)
        this.#asked.delete(id)
        resolve(values)
      }
      const timer = setTimeout(answer, limitMs, undefined)
      if (this.#exited) answer(undefined)
      else {
        this.#asked.set(id, answer)
        this.send({ type: 'collect', id })
      }
    })
  }

  kill(): void {
    this.#options.child.kill('SIGKILL')
  }

  #on(message: FromWorker): void {
    this.heardAt = performance.now()
    switch (message.type) {
      case 'opened':
        this.isOpen = true
        this.#options.onChange()
        break
      case 'failed':
        this.#failure = message.message
        break
      case 'state':
        this.state = message
        this.#options.onChange()
        break
      case 'taken':
        this.#options.onGiven(message.id, true)
        break
      case 'refused':
        // Its doors are closed: it is about to end.
        this.isOpen = false
        this.connections--
        this.#options.onGiven(message.id, false)
        break
      case 'closed':
        this.connections--
        break
      case 'metrics':
        this.metrics = message.values
        this.#asked.get(message.id)?.(message.values)
        break
    }
  }

  /** Resolves at their end. */
  #readRecords(): Promise<void> {
    const stream = this.#options.child.stdio[recordsDescriptor]
    if (!(stream instanceof Readable)) return Promise.resolve()
    const lines = new RecordLines({
      onLine: line => this.#options.onRecord(line),
      onLost: () => this.#options.onLostRecord(),
    })
    return new Promise(resolve => {
      stream.on('data', (chunk: Buffer) => lines.push(chunk))
      stream.on('error', () => undefined)
      stream.once('close', () => {
        lines.end()
        resolve()
      })
    })
  }
}
