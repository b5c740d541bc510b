import type { ChildProcess } from 'node:child_process'
import { createServer, type Server } from 'node:net'
import type { Config } from '../config/config.js'
import { lostRecord } from '../telemetry/log-chain.js'
import type { Logger } from '../telemetry/logger.js'
import type { MetricValues } from '../telemetry/metrics.js'
import type { WorkerCounts } from '../telemetry/worker-metrics.js'
import { combineMetrics, countersOf } from './combine-metrics.js'
import { ConnectionDesk } from './connection-desk.js'
import { restartDelayMs, soundAfterMs } from './restart-delay.js'
import type { ListenerAddress, WorkerState } from './worker-messages.js'
import { type WorkerEnd, WorkerProcess } from './worker-process.js'

export interface WorkerPoolOptions {
  readonly config: Config
  /** Processes. */
  readonly count: number
  /** Starts a process that serves as a worker. */
  launch(): ChildProcess
  /** Opens an address for a server; rejects with an error for the operator. */
  listen(server: Server, address: Config['listeners'][number]['address']): Promise<ListenerAddress>
  /** A record of a decision that a worker made. */
  onRecord(line: string): void
  readonly log: Logger
  /** Milliseconds for which readiness waits for all of them at the start. Default 10000. */
  readonly settleMs?: number
  /** Milliseconds between two looks whether the workers live. Default 10000. */
  readonly lookEveryMs?: number
  /** Milliseconds after which one is killed that does not answer. Default 30000. */
  readonly deadAfterMs?: number
  /** Default: as said at {@link restartDelayMs}. */
  restartDelayMs?(failures: number): number
}

/** Milliseconds: gateways were answered by others meanwhile, who now have more to do. */
const openWithinMs = 30_000
const firstStartMs = 60_000
/** Whoever comes first stays with those that are there first. */
const settleMs = 10_000
const collectMs = 1000
/** So that little of what a worker has counted is lost with it, however seldom somebody asks. */
const collectEveryMs = 10_000
/** A worker of which nothing was heard for so long, although it is asked, will not be heard of again. */
const deadAfterMs = 30_000
/** What is left of a drain after its time: answers and records on their way. */
const graceMs = 8_000

/** One of the numbers, and the process that has it now. */
interface Place {
  readonly number: number
  worker: WorkerProcess | undefined
  /** Failures in a row. */
  failures: number
  timer: NodeJS.Timeout | undefined
  /** How the one before ended. */
  ended: string
}

/**
 * The worker processes of a service: they decide, on the connections that they are given here. One that ends is started
 * again; while it is away the others go on.
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions
  readonly #places: readonly Place[]
  readonly #desk: ConnectionDesk
  readonly #servers: Server[] = []
  #addresses: readonly ListenerAddress[] = []
  #started: Promise<readonly ListenerAddress[]> | undefined
  #stopped: Promise<void> | undefined
  #running = false
  #settled = false
  #collecting: NodeJS.Timeout | undefined
  /** What workers that are gone had counted. */
  #retired: readonly MetricValues[] = []
  #restarts = 0
  #missed = 0
  /** Records that a worker did not write to their end. */
  lostRecords = 0

  constructor(options: WorkerPoolOptions) {
    this.#options = options
    this.#places = Array.from({ length: options.count }, (_, i) => ({
      ...{ number: i + 1, worker: undefined, failures: 0, timer: undefined, ended: '' },
    }))
    this.#desk = new ConnectionDesk({ takers: () => this.#workers })
  }

  /** Opens every address, and starts the workers. Rejects with the words of one that cannot start. */
  start(): Promise<readonly ListenerAddress[]> {
    this.#started ??= this.#start()
    return this.#started
  }

  /** Health of the workers says NOT_SERVING from now on, and nobody takes the place of one that ends. */
  retire(): void {
    this.#running = false
    clearInterval(this.#collecting)
    for (const place of this.#places) clearTimeout(place.timer)
    for (const worker of this.#workers) worker.send({ type: 'retire' })
  }

  /** Nothing new is accepted; workers end what they have, within `limitMs`, and are gone when this resolves. */
  stop(limitMs: number): Promise<void> {
    this.#stopped ??= this.#stop(limitMs)
    return this.#stopped
  }

  /** Ready when one of them is, at the start when all are or ten seconds are over; the reasons name those that are not, or refuse work. */
  get readiness(): WorkerState {
    const reasons = this.#places.flatMap(({ number, worker, ended }) => {
      if (worker?.isOpen && worker.state.ready) return worker.state.reasons.map(reason => `worker ${number}: ${reason}`)
      const whatLacks = worker?.isOpen ? worker.state.reasons.join('; ') : ended && `it ended (${ended})`
      const state = worker === undefined ? 'is about to start' : worker.isOpen ? 'is not ready' : 'starts'
      return [`worker ${number} ${state}${whatLacks ? `: ${whatLacks}` : ''}`]
    })
    const { ready } = this.counts.states
    this.#settled ||= ready === this.#places.length
    return { ready: this.#settled && ready > 0, reasons }
  }

  get counts(): WorkerCounts {
    const states = { ready: 0, unready: 0, starting: 0, waiting: 0 }
    for (const { worker } of this.#places)
      states[
        worker === undefined ? 'waiting' : !worker.isOpen ? 'starting' : worker.state.ready ? 'ready' : 'unready'
      ]++
    return { states, restarts: this.#restarts, missedCollections: this.#missed }
  }

  /**
   * The metrics of all workers. Of one that does not answer within a second, and of those that are gone, what they had
   * counted when they last told: a sum that goes down would look like a restart.
   */
  async collect(): Promise<readonly (readonly MetricValues[])[]> {
    // One that starts has nothing to tell yet, and would say that it lacks everything.
    const workers = this.#workers.filter(({ isOpen }) => isOpen)
    const told = await Promise.all(
      workers.map(async worker => {
        const before = worker.metrics
        const now = await worker.collect(collectMs)
        if (now === undefined && worker.isOpen) this.#missed++
        return { worker, values: now ?? countersOf(before) }
      }),
    )
    // What ended meanwhile is among the retired.
    const living = told.filter(({ worker }) => this.#workers.includes(worker))
    return [...living.map(({ values }) => values), this.#retired]
  }

  async #look(): Promise<void> {
    await this.collect()
    const limit = this.#options.deadAfterMs ?? deadAfterMs
    for (const worker of this.#workers) {
      const silentMs = performance.now() - worker.heardAt
      if (!worker.isOpen || silentMs < limit) continue
      this.#options.log.error(
        `worker ${worker.number} has not answered for ${Math.round(silentMs / 1000)} s and is killed`,
      )
      worker.kill()
    }
  }

  get #workers(): readonly WorkerProcess[] {
    return this.#places.flatMap(({ worker }) => worker ?? [])
  }

  async #start(): Promise<readonly ListenerAddress[]> {
    this.#running = true
    this.#collecting = setInterval(() => void this.#look(), this.#options.lookEveryMs ?? collectEveryMs).unref()
    const addresses = []
    for (const [index, { address }] of this.#options.config.listeners.entries()) {
      const server = createServer({ noDelay: true, pauseOnConnect: true }, connection =>
        this.#desk.add(index, connection),
      )
      this.#servers.push(server)
      addresses.push(await this.#options.listen(server, address))
      server.on('error', error => this.#options.log.error('a listener failed', { error }))
    }
    this.#addresses = addresses
    await Promise.all(this.#places.map(place => this.#firstStart(place)))
    setTimeout(() => {
      this.#settled = true
    }, this.#options.settleMs ?? settleMs).unref()
    return addresses
  }

  async #firstStart(place: Place): Promise<void> {
    let opened: () => void = () => undefined
    const open = new Promise<void>(resolve => {
      opened = resolve
    })
    const ended = this.#launch(place, 0, opened)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`worker ${place.number} has not started in a minute`)), firstStartMs)
    })
    const failed = ended.then(({ how, failure }) => {
      throw new Error(failure ?? `worker ${place.number} ended while it started: ${how}`)
    })
    // Told only if it comes first.
    failed.catch(() => undefined)
    try {
      await Promise.race([open, failed, late])
    } finally {
      clearTimeout(timer)
    }
    // From here on it is replaced when it ends.
    void ended.then(end => this.#replace(place, end))
  }

  /** Resolves when it has ended. */
  #launch(place: Place, openAfterMs: number, onOpened: () => void): Promise<WorkerEnd> {
    const { config, launch, onRecord } = this.#options
    const { number } = place
    const worker = new WorkerProcess({
      number,
      child: launch(),
      start: { type: 'start', number, config, listeners: [...this.#addresses], openWithinMs: openAfterMs },
      onRecord,
      onLostRecord: () => {
        this.lostRecords++
        onRecord(lostRecord(Date.now(), 1, false))
      },
      onChange: () => {
        if (worker.isOpen) onOpened()
        this.#desk.changed()
      },
      onGiven: (id, taken) => this.#desk.given(id, taken),
    })
    place.worker = worker
    return worker.ended.then(end => {
      place.worker = undefined
      place.ended = end.how
      this.#retired = combineMetrics([this.#retired, countersOf(worker.metrics)])
      this.#desk.changed()
      return end
    })
  }

  #replace(place: Place, { how, failure }: WorkerEnd, livedMs = soundAfterMs): void {
    if (!this.#running) return
    place.failures = livedMs >= soundAfterMs ? 0 : place.failures + 1
    const delay = (this.#options.restartDelayMs ?? restartDelayMs)(place.failures)
    const why = failure === undefined ? how : `${how}: ${failure}`
    this.#options.log.error(
      `worker ${place.number} ended (${why}); what it decided last may not be recorded; it is started again in ${delay / 1000} s`,
    )
    place.timer = setTimeout(() => {
      if (!this.#running) return
      this.#restarts++
      const began = performance.now()
      const opened = () => {
        this.#options.log.info(`worker ${place.number} is open again`, {
          durationMs: Math.round(performance.now() - began),
        })
      }
      void this.#launch(place, openWithinMs, once(opened)).then(end =>
        this.#replace(place, end, performance.now() - began),
      )
    }, delay)
  }

  async #stop(limitMs: number): Promise<void> {
    this.retire()
    for (const server of this.#servers) server.close()
    this.#desk.close()
    const workers = this.#workers
    for (const worker of workers) worker.send({ type: 'stop' })
    const timer = setTimeout(() => {
      for (const worker of this.#workers) {
        this.#options.log.error(`worker ${worker.number} did not end in time and was killed`)
        worker.kill()
      }
    }, limitMs + graceMs)
    await Promise.all(workers.map(({ ended }) => ended))
    clearTimeout(timer)
  }
}

function once(action: () => void): () => void {
  let done = false
  return () => {
    if (!done) action()
    done = true
  }
}
