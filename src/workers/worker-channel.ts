import { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import { createDecisionLog, type DecisionLog } from '../telemetry/decision-log.js'
import type { MetricValues } from '../telemetry/metrics.js'
import { recordsDescriptor } from './records-descriptor.js'
import {
  type FromWorker,
  type ListenerAddress,
  readToWorker,
  type ToWorker,
  type WorkerState,
} from './worker-messages.js'

/** What is used of the `process` of a worker. */
export interface WorkerProcessChannel {
  readonly connected: boolean
  readonly send?: (message: FromWorker, handle: undefined, options: object, done: () => void) => boolean
  on(event: 'message', listener: (message: unknown, handle: unknown) => void): unknown
  once(event: 'disconnect', listener: () => void): unknown
}

export interface WorkerDuties {
  collect(): Promise<readonly MetricValues[]>
  readiness(): WorkerState
  /** Health says NOT_SERVING from now on. */
  retire(): void
}

/** Milliseconds between two looks whether readiness has changed. */
const lookEveryMs = 100

function openRecordsPipe(): Writable {
  return new Socket({ fd: recordsDescriptor, readable: false, writable: true })
}

type Accept = (connection: Socket) => void

/** A worker's side: what the primary hands to it and asks of it. */
export class WorkerChannel {
  readonly #process: WorkerProcessChannel
  readonly #takers = new Map<number, Accept>()
  #duties: WorkerDuties | undefined
  #timer: NodeJS.Timeout | undefined
  #told = ''
  /** The first message of the primary. */
  readonly start: Promise<Extract<ToWorker, { type: 'start' }>>
  /** Resolves when the primary wants it to end, or is gone. */
  readonly stopped: Promise<'asked' | 'alone'>

  readonly #openPipe: () => Writable

  /** `openPipe`: default is the descriptor that the primary gave us. */
  constructor(process: WorkerProcessChannel, openPipe = openRecordsPipe) {
    this.#process = process
    this.#openPipe = openPipe
    let started: (message: Extract<ToWorker, { type: 'start' }>) => void = () => undefined
    let stop: (why: 'asked' | 'alone') => void = () => undefined
    this.start = new Promise(resolve => {
      started = resolve
    })
    this.stopped = new Promise(resolve => {
      stop = resolve
    })
    process.once('disconnect', () => stop('alone'))
    process.on('message', (message, handle) => {
      const read = readToWorker(message)
      if (read?.type === 'start') started(read)
      else if (read?.type === 'stop') stop('asked')
      else if (read?.type === 'retire') this.#duties?.retire()
      else if (read?.type === 'collect') void this.#collect(read.id)
      else if (read?.type === 'connection' && handle instanceof Socket) this.#take(read, handle)
    })
  }

  /** Where the worker's records go: to the primary, which has the sinks. */
  records(maxBufferedBytes: number, onError: (error: unknown) => void): DecisionLog {
    const pipe = this.#openPipe()
    // Told by each write as well.
    pipe.on('error', () => undefined)
    return createDecisionLog({ write: (chunk, done) => pipe.write(chunk, done) }, { maxBufferedBytes, onError })
  }

  /** The connections of a listener, by its place in the configuration. */
  connectionsOf(listener: number, bound: ListenerAddress) {
    return {
      bound,
      take: (accept: Accept) => {
        this.#takers.set(listener, accept)
        return () => void this.#takers.delete(listener)
      },
    }
  }

  /** From now on the primary's questions are answered, and told whenever readiness changes. */
  serve(duties: WorkerDuties): void {
    this.#duties = duties
    this.#timer = setInterval(() => this.#tellState(), lookEveryMs).unref()
  }

  opened(): void {
    this.#tellState()
    this.#send({ type: 'opened' })
  }

  /** Tells why, and nothing after it: the state of what has failed is nobody's matter. */
  failed(error: unknown): Promise<void> {
    clearInterval(this.#timer)
    return new Promise(resolve => {
      const message = error instanceof Error ? error.message : String(error)
      this.#send({ type: 'failed', message }, resolve)
    })
  }

  /** Tells for the last time what was counted. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#collect(0)
  }

  #take({ id, listener }: Extract<ToWorker, { type: 'connection' }>, connection: Socket): void {
    const accept = this.#takers.get(listener)
    if (accept === undefined) {
      this.#send({ type: 'refused', id })
      connection.destroy()
      return
    }
    this.#send({ type: 'taken', id })
    connection.once('close', () => this.#send({ type: 'closed' }))
    accept(connection)
  }

  async #collect(id: number): Promise<void> {
    const values = await this.#duties?.collect()
    if (values === undefined) return
    await new Promise<void>(resolve => this.#send({ type: 'metrics', id, values: [...values] }, resolve))
  }

  #tellState(): void {
    if (this.#duties === undefined) return
    const { ready, reasons } = this.#duties.readiness()
    // What else a worker lacks that is ready the primary lacks as well; some of it changes every second.
    const own = ready ? reasons.filter(reason => reason.startsWith('overload:')) : reasons
    const message: FromWorker = { type: 'state', ready, reasons: [...own] }
    const text = JSON.stringify(message)
    if (text === this.#told) return
    this.#told = text
    this.#send(message)
  }

  #send(message: FromWorker, done = (): void => undefined): void {
    if (this.#process.connected && this.#process.send !== undefined)
      this.#process.send(message, undefined, {}, () => done())
    else done()
  }
}
