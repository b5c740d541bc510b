import { closeSync, openSync, write } from 'node:fs'

/** Where lines go: a file descriptor (1 is stdout), or anything that writes asynchronously. */
export type DecisionLogTarget =
  | number
  | { readonly write: (chunk: Buffer, done: (error?: Error | null) => void) => unknown }

export interface DecisionLogOptions {
  /** Lines beyond this many waiting bytes are dropped and counted. Default 8 MiB. */
  readonly maxBufferedBytes?: number
  /**
   * Milliseconds that lines wait for others, unless there are many already. Default 10; 0 writes what one turn of the
   * event loop brings. Each write costs a trip to another thread, as much as a good part of a decision.
   */
  readonly gatherMs?: number
  /** A batch could not be written; its lines are counted as dropped. */
  onError?(error: unknown): void
}

export interface DecisionLog {
  /** Takes one line, without its line end. Never waits and never throws. */
  write(line: string): void
  /** Writes what is waiting, for at most `limitMs` (default 5000); the rest counts as dropped. Later lines are dropped. */
  close(limitMs?: number): Promise<void>
  /** Lines that were lost so far. */
  readonly dropped: number
}

/** Bytes per write call at most. */
const batchBytes = 256 * 1024

/** How long to wait before the next attempt when a pipe is full. */
const retryMs = 10

/**
 * NDJSON records. The decision never waits for the log: lines are kept in memory up to a limit, written in batches by
 * one write at a time, and lost beyond that, which `dropped` makes visible.
 */
export function createDecisionLog(target: DecisionLogTarget, options: DecisionLogOptions = {}): DecisionLog {
  const queue = createQueue(target, options)
  return {
    write: line => queue.add(line),
    close: async limitMs => {
      await queue.finish(limitMs)
    },
    get dropped() {
      return queue.dropped()
    },
  }
}

/** Opens a file for records, readable by its owner and group only. Throws when it cannot be opened. */
export function openDecisionLogFile(path: string, options: DecisionLogOptions = {}): DecisionLog {
  const descriptor = openSync(path, 'a', 0o640)
  const queue = createQueue(descriptor, options)
  return {
    write: line => queue.add(line),
    close: async limitMs => {
      // A write that still hangs owns the descriptor; closing it would hand its number to somebody else's file.
      if (await queue.finish(limitMs)) closeSync(descriptor)
    },
    get dropped() {
      return queue.dropped()
    },
  }
}

interface Queue {
  add(line: string): void
  /** True if everything was written in time. */
  finish(limitMs: number | undefined): Promise<boolean>
  dropped(): number
}

function createQueue(target: DecisionLogTarget, options: DecisionLogOptions): Queue {
  const maxBufferedBytes = options.maxBufferedBytes ?? 8 * 1024 * 1024
  const gatherMs = options.gatherMs ?? 10
  const lines: string[] = []
  /** Of waiting lines and of the batch that is being written. */
  let bytes = 0
  let busy = false
  let closed = false
  let dropped = 0
  let onIdle: (() => void) | undefined
  let gathering: NodeJS.Timeout | undefined

  const pump = () => {
    clearTimeout(gathering)
    gathering = undefined
    const count = batchLength(lines)
    if (count === 0) {
      busy = false
      onIdle?.()
      return
    }
    const batch = Buffer.from(lines.splice(0, count).join(''))
    writeAll(target, batch, error => {
      bytes -= batch.length
      if (error !== undefined) {
        dropped += count
        report(options, error)
      }
      if (gatherMs === 0 || closed || bytes === 0 || bytes >= batchBytes) pump()
      else gathering = setTimeout(pump, gatherMs)
    })
  }
  return {
    add(line) {
      const size = Buffer.byteLength(line) + 1
      if (closed || bytes + size > maxBufferedBytes) {
        dropped++
        return
      }
      lines.push(`${line}\n`)
      bytes += size
      if (gathering !== undefined && bytes >= batchBytes) pump()
      if (busy) return
      busy = true
      if (gatherMs === 0) setImmediate(pump)
      else gathering = setTimeout(pump, gatherMs)
    },
    finish(limitMs = 5000) {
      closed = true
      if (!busy) return Promise.resolve(true)
      return new Promise(resolve => {
        const timer = setTimeout(() => {
          dropped += lines.splice(0).length
          resolve(false)
        }, limitMs)
        onIdle = () => {
          clearTimeout(timer)
          resolve(true)
        }
        if (gathering !== undefined) pump()
      })
    },
    dropped: () => dropped,
  }
}

/** How many of the waiting lines the next write takes: one at least, and then as long as they are few bytes. */
function batchLength(lines: readonly string[]): number {
  let length = 0
  let count = 0
  for (const line of lines) {
    if (count > 0 && length + line.length > batchBytes) break
    length += line.length
    count++
  }
  return count
}

function report(options: DecisionLogOptions, error: unknown): void {
  try {
    options.onError?.(error)
  } catch {
    // Whoever listens must not stop the log.
  }
}

function writeAll(target: DecisionLogTarget, batch: Buffer, done: (error?: unknown) => void): void {
  if (typeof target !== 'number') {
    try {
      target.write(batch, error => done(error ?? undefined))
    } catch (error) {
      done(error)
    }
    return
  }
  write(target, batch, (error, written) => {
    // A pipe whose reader is slow, e.g. `| jq`, where the other end made it non-blocking.
    if (error?.code === 'EAGAIN') setTimeout(() => writeAll(target, batch, done), retryMs)
    else if (error) done(error)
    else if (written < batch.length) writeAll(target, batch.subarray(written), done)
    else done()
  })
}
