import { write } from 'node:fs'
import { DecisionLogFile, type LogEnd, type Rotation } from './decision-log-file.js'
import { LineBuffer } from './line-buffer.js'
import { type ChainState, chainBegin, LogChain, lostRecord, startRecord } from './log-chain.js'
import { exactBytes, LogPage, mostBytes } from './log-page.js'
import type { SinkSample } from './record-sinks/sink-metrics.js'

/**
 * Where lines go: a file descriptor (1 is stdout), or anything that writes asynchronously, one write at a time. What is
 * written must not be looked at any more once it was called back.
 */
export type DecisionLogTarget =
  | number
  | {
      /** `done` may say how many bytes were written in spite of an error; default: none. */
      readonly write: (chunk: Buffer, done: (error?: Error | null, written?: number) => void) => unknown
    }

export interface DecisionLogOptions {
  /** Lines beyond this many waiting bytes are dropped and counted. Default 8 MiB. */
  readonly maxBufferedBytes?: number
  /**
   * Milliseconds that lines wait for others, unless there are many already. Default 10; 0 writes what one turn of the
   * event loop brings. Each write costs a trip to another thread, as much as a good part of a decision.
   */
  readonly gatherMs?: number
  /** Lines are chained, with an HMAC if there is a key; see log-chain.ts. Default: they are written as they come. */
  readonly chain?: { readonly key?: Buffer }
  /** Milliseconds since the epoch. Default: the system's clock. */
  now?(): number
  /** A batch could not be written; its lines are counted as dropped. */
  onError?(error: unknown): void
}

export interface DecisionLogFileSettings extends DecisionLogOptions {
  /** Default: the file grows. */
  readonly rotate?: Rotation
}

export interface DecisionLog {
  /** Takes one line, without its line end: a JSON object. Never waits and never throws. */
  write(line: string): void
  /** Writes what is waiting, for at most `limitMs` (default 5000); the rest counts as dropped. Later lines are dropped. */
  close(limitMs?: number): Promise<void>
  /** Lines that were lost so far. */
  readonly dropped: number
  /** Bytes that wait to be written. Default: nobody knows. */
  readonly waitingBytes?: number
  /** The chain and what its last written line is: to be kept where whoever can write the log cannot. undefined without. */
  readonly sealed: { readonly chain: string; readonly lines: number; readonly digest: string } | undefined
  /** Of sinks that are reached over the network: what became of records there. */
  readonly samples?: readonly SinkSample[]
}

/** Bytes per write call at most. */
const batchBytes = 256 * 1024

/** How long to wait before the next attempt when a pipe is full. */
const retryMs = 10

/**
 * NDJSON records. The decision never waits for the log: lines are kept in memory up to a limit, written in batches by
 * one write at a time, and lost beyond that, which `dropped` makes visible, and a record of its own when writing goes on.
 */
export function createDecisionLog(target: DecisionLogTarget, options: DecisionLogOptions = {}): DecisionLog {
  return logOf(new Queue(target, options, { digest: undefined, torn: false }), () => undefined)
}

/** Opens a file for records, readable by its owner and group only. Throws when it cannot be opened. */
export function openDecisionLogFile(path: string, options: DecisionLogFileSettings = {}): DecisionLog {
  const { rotate, onError } = options
  const file = new DecisionLogFile(path, { ...(rotate && { rotate }), ...(onError && { onError }) })
  return logOf(new Queue(file, options, file.end), () => file.close())
}

function logOf(queue: Queue, end: () => Promise<void> | undefined): DecisionLog {
  return {
    write: line => queue.add(line),
    close: async limitMs => {
      // A write that still hangs owns the descriptor; closing it would hand its number to somebody else's file.
      if (await queue.finish(limitMs)) await end()
    },
    get dropped() {
      return queue.dropped
    },
    get waitingBytes() {
      return queue.waitingBytes
    },
    get sealed() {
      const { chain, written } = queue
      return chain && { chain: chain.id, lines: written.seq, digest: written.prev }
    },
  }
}

class Queue {
  readonly #target: DecisionLogTarget
  readonly #options: DecisionLogOptions
  readonly #maxBufferedBytes: number
  readonly #gatherMs: number
  /** Lines that wait, by the writes that they will be. */
  readonly #pages: LogPage[] = []
  /** One that was written, to be filled again. */
  #spare: LogPage | undefined
  /** The batch that is being written, where it is more than a page; there is one at a time. */
  readonly #batch = new LineBuffer()
  readonly chain: LogChain | undefined
  /** What the log has to say before any record. */
  #start: { readonly follows?: string } | undefined
  /** A line was not written to its end, and nobody was told. */
  #torn: boolean
  /** What was written last did not end with a line end. */
  #open: boolean
  /** Of waiting lines and of the batch that is being written. */
  #bytes = 0
  #busy = false
  #closed = false
  dropped = 0
  /** Lost before what is waiting, and not told yet. */
  #lostBefore = 0
  /** Lost behind it. */
  #lostBehind = 0
  #failed = false
  #onIdle: (() => void) | undefined
  #gathering: NodeJS.Timeout | undefined
  /** Where the chain stands as far as it is written. */
  written: ChainState = { seq: 0, prev: chainBegin }

  constructor(target: DecisionLogTarget, options: DecisionLogOptions, end: LogEnd) {
    this.#target = target
    this.#options = options
    this.#maxBufferedBytes = options.maxBufferedBytes ?? 8 * 1024 * 1024
    this.#gatherMs = options.gatherMs ?? 10
    this.chain = options.chain && new LogChain(options.chain)
    this.#torn = end.torn
    this.#open = end.torn
    if (this.chain === undefined) return
    this.#start = end.digest === undefined ? {} : { follows: end.digest }
    // At once, so that a log without a line is one that somebody has emptied.
    this.#schedule()
  }

  add(line: string): void {
    if (this.#closed || !this.#mayWait(line)) {
      this.dropped++
      this.#lostBehind++
      return
    }
    this.#tellLoss()
    this.#bytes += this.#pageFor(line).add(line)
    if (this.#gathering !== undefined && this.#bytes >= batchBytes) this.#pump()
    this.#schedule()
  }

  #mayWait(line: string): boolean {
    const room = this.#maxBufferedBytes - this.#bytes
    return mostBytes(line) <= room || exactBytes(line) <= room
  }

  /** The last one, if the line can be written together with what is in it. */
  #pageFor(line: string): LogPage {
    const last = this.#pages.at(-1)
    if (last !== undefined && (last.size === 0 || last.hasRoom(line, batchBytes))) return last
    return this.#newPage()
  }

  #newPage(): LogPage {
    const page = this.#spare ?? new LogPage()
    this.#spare = undefined
    this.#pages.push(page)
    return page
  }

  #schedule(): void {
    if (this.#busy) return
    this.#busy = true
    if (this.#gatherMs === 0) setImmediate(() => this.#pump())
    else this.#gathering = setTimeout(() => this.#pump(), this.#gatherMs)
  }

  /** Of lines, that being written included. */
  get waitingBytes(): number {
    return this.#bytes
  }

  /** True if everything was written in time. */
  finish(limitMs = 5000): Promise<boolean> {
    this.#closed = true
    if (!this.#busy) return Promise.resolve(true)
    return new Promise(resolve => {
      const timer = setTimeout(() => {
        for (const page of this.#pages.splice(0)) this.dropped += page.lineCount
        resolve(false)
      }, limitMs)
      this.#onIdle = () => {
        clearTimeout(timer)
        resolve(true)
      }
      if (this.#gathering !== undefined) this.#pump()
    })
  }

  #tellLoss(): void {
    if (this.#lostBehind === 0) return
    const page = this.#pages.at(-1) ?? this.#newPage()
    page.lost(this.#lostBehind)
    this.#lostBehind = 0
  }

  #pump(): void {
    clearTimeout(this.#gathering)
    this.#gathering = undefined
    // Nothing comes behind what was lost, but it can be written that it was.
    if (this.#pages.length === 0 && !this.#failed) this.#tellLoss()
    if (this.#pages.length === 0 && (this.#start === undefined || this.#failed)) {
      this.#busy = false
      this.#onIdle?.()
      return
    }
    const page = this.#pages.shift() ?? this.#spare ?? new LogPage()
    this.#spare = undefined
    const batch = this.#makeBatch(page)
    writeAll(this.#target, batch.bytes, (error, written) => {
      this.#bytes -= page.size
      this.#failed = error !== undefined
      if (error === undefined) this.#kept(batch, batch.sizes.length)
      else this.#gaveUp(batch, error, written)
      page.clear()
      this.#spare = page
      if (this.#gatherMs === 0 || this.#closed || this.#bytes === 0 || this.#bytes >= batchBytes) this.#pump()
      else this.#gathering = setTimeout(() => this.#pump(), this.#gatherMs)
    })
  }

  #makeBatch(page: LogPage): Batch {
    const asItIs = this.chain === undefined && this.#lostBefore === 0 && page.lossCount === 0 && !this.#open
    if (asItIs) return { bytes: page.bytes, sizes: page.sizes, states: [], begin: undefined, losses: undefined }
    const begin = this.chain?.state
    const now = (this.#options.now ?? Date.now)()
    let torn = this.#torn
    this.#batch.clear()
    if (this.#open) this.#batch.end()
    const sizes: number[] = []
    const states: ChainState[] = []
    const losses = new Map<number, number>()
    const put = (line: string, last: boolean) => {
      sizes.push(this.#batch.add(this.chain === undefined ? line : this.chain.seal(line, last)))
      if (this.chain !== undefined) states.push(this.chain.state)
      torn = false
    }
    const putLoss = (count: number, last: boolean) => {
      losses.set(sizes.length, count)
      put(lostRecord(now, count, torn), last)
    }
    let left = page.lineCount + page.lossCount
    if (this.#start !== undefined) {
      losses.set(0, 0)
      put(startRecord(now, { ...this.#start, torn }), left === 0 && this.#lostBefore === 0)
    }
    if (this.#lostBefore > 0) putLoss(this.#lostBefore, left === 0)
    this.#lostBefore = 0
    for (const entry of page.entries()) {
      const last = --left === 0
      if (typeof entry === 'string') put(entry, last)
      else putLoss(entry, last)
    }
    return { bytes: this.#batch.bytes, sizes, states, begin, losses }
  }

  /** The first `count` lines are in the log. */
  #kept({ states }: Batch, count: number): void {
    if (count === 0) return
    this.#start = undefined
    this.#torn = false
    this.#open = false
    this.written = states[count - 1] ?? this.written
  }

  /** What was not written is lost, and the chain goes on behind what was. */
  #gaveUp(batch: Batch, error: unknown, written: number): void {
    let rest = written - (this.#open ? 1 : 0)
    if (written > 0) this.#open = false
    let count = 0
    for (const bytes of batch.sizes) {
      // A line of which only the end is missing is whole once the next one begins.
      if (rest < bytes - 1) break
      rest -= bytes
      count++
    }
    this.#kept(batch, count)
    if (rest !== 0 && written > 0) {
      this.#torn = true
      this.#open = true
    }
    const state = count === 0 ? batch.begin : batch.states[count - 1]
    if (state !== undefined) this.chain?.restore(state)
    for (let at = count; at < batch.sizes.length; at++) {
      const lost = batch.losses?.get(at)
      this.#lostBefore += lost ?? 1
      if (lost === undefined) this.dropped++
    }
    report(this.#options, error)
  }
}

/** Lines that are written at once. */
interface Batch {
  readonly bytes: Buffer
  /** Of each line, with its end. */
  readonly sizes: readonly number[]
  /** Of the chain, behind each line; none without a chain. */
  readonly states: readonly ChainState[]
  /** Of the chain, before the first line. */
  readonly begin: ChainState | undefined
  /** Which lines are no records, and how many lost ones each tells of. */
  readonly losses: ReadonlyMap<number, number> | undefined
}

function report(options: DecisionLogOptions, error: unknown): void {
  try {
    options.onError?.(error)
  } catch {
    // Whoever listens must not stop the log.
  }
}

function writeAll(
  target: DecisionLogTarget,
  batch: Buffer,
  done: (error: unknown, written: number) => void,
  from = 0,
): void {
  if (typeof target !== 'number') {
    try {
      target.write(batch, (error, written = 0) => done(error ?? undefined, written))
    } catch (error) {
      done(error, 0)
    }
    return
  }
  write(target, batch, from, (error, written) => {
    // A pipe whose reader is slow, e.g. `| jq`, where the other end made it non-blocking.
    if (error?.code === 'EAGAIN') setTimeout(() => writeAll(target, batch, done, from), retryMs)
    else if (error) done(error, from)
    else if (from + written < batch.length) writeAll(target, batch, done, from + written)
    else done(undefined, batch.length)
  })
}
