import { closeSync, fstatSync, fsync, open, openSync, readSync, rename, stat, write } from 'node:fs'
import { promisify } from 'node:util'
import { digestOf } from './log-chain.js'
import { isWholeLine } from './whole-line.js'

export interface Rotation {
  /** A file that would grow beyond this many bytes is put aside. */
  readonly maxBytes: number
  /** How many are kept beside the one that is written, as `FILE.1` (the latest) to `FILE.<files>`. */
  readonly files: number
}

export interface DecisionLogFileOptions {
  /** Default: the file grows. */
  readonly rotate?: Rotation
  /** Milliseconds between two looks whether somebody else moved the file away. Default 1000. */
  readonly lookEveryMs?: number
  /** The file could not be rotated or opened anew; what was open is written on. */
  onError?(error: unknown): void
  /** Monotonic, in milliseconds. Default: the system's clock. */
  now?(): number
}

/** How the log before us ended. */
export interface LogEnd {
  /** Digest of its last whole line; undefined without one. */
  readonly digest: string | undefined
  /** It ends in the middle of a line. */
  readonly torn: boolean
}

const renameFile = promisify(rename)
const openFile = promisify(open)
const statFile = promisify(stat)

/** Readable by its owner and group only. */
const mode = 0o640
/** Bytes at the end of a log in which its last line is looked for. */
const longestTail = 1024 * 1024
/** How long to wait before the next attempt when a rotation failed. */
const retryMs = 60_000
/** How long to wait before the next attempt when a pipe is full. */
const fullMs = 10

/**
 * A file that is appended to by one write at a time. It is put aside when it is full, and opened anew when somebody else has
 * renamed or removed it, so that tools such as logrotate need tell nobody. It is never waited for a disk (no fsync) but at the end.
 */
export class DecisionLogFile {
  readonly #path: string
  readonly #options: DecisionLogFileOptions
  readonly #now: () => number
  #descriptor: number
  #size: number
  #inode: number
  #nextLook: number
  #nextRotation = 0
  /** How what was there before ended; of the file put aside last, if there was nothing in this one. */
  readonly end: LogEnd

  /** Throws when the file cannot be opened. */
  constructor(path: string, options: DecisionLogFileOptions = {}) {
    this.#path = path
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#descriptor = openSync(path, 'a+', mode)
    const { size, ino } = fstatSync(this.#descriptor)
    this.#size = size
    this.#inode = ino
    this.#nextLook = this.#now() + (options.lookEveryMs ?? 1000)
    this.end = size > 0 ? readEnd(this.#descriptor, size) : { ...endOfFile(`${path}.1`), torn: false }
  }

  /** `done` gets the number of bytes that were written in spite of an error. */
  write(chunk: Buffer, done: (error?: Error | null, written?: number) => void): void {
    this.#prepare(chunk.length).then(
      () => this.#append(chunk, 0, done),
      error => done(error instanceof Error ? error : new Error(String(error)), 0),
    )
  }

  /** Waits for the disk, and closes. Nothing may be on its way. */
  close(): Promise<void> {
    return new Promise(resolve => {
      fsync(this.#descriptor, () => {
        closeSync(this.#descriptor)
        resolve()
      })
    })
  }

  async #prepare(bytes: number): Promise<void> {
    try {
      if (this.#now() >= this.#nextLook) await this.#look()
      const { rotate } = this.#options
      if (rotate === undefined || this.#size === 0 || this.#size + bytes <= rotate.maxBytes) return
      if (this.#now() >= this.#nextRotation) await this.#rotate(rotate)
    } catch (error) {
      this.#nextRotation = this.#now() + retryMs
      this.#options.onError?.(error)
    }
  }

  /** Is what we write to still what the path names? */
  async #look(): Promise<void> {
    this.#nextLook = this.#now() + (this.#options.lookEveryMs ?? 1000)
    const found = await statFile(this.#path).catch(() => undefined)
    if (found === undefined || found.ino !== this.#inode) await this.#openAnew()
    // Somebody may have cut it.
    else this.#size = found.size
  }

  async #rotate({ files }: Rotation): Promise<void> {
    for (let i = files; i > 0; i--) {
      const from = i === 1 ? this.#path : `${this.#path}.${i - 1}`
      await renameFile(from, `${this.#path}.${i}`).catch(error => {
        if (error.code !== 'ENOENT') throw error
      })
    }
    await this.#openAnew()
  }

  async #openAnew(): Promise<void> {
    const descriptor = await openFile(this.#path, 'a', mode)
    const { size, ino } = fstatSync(descriptor)
    closeSync(this.#descriptor)
    this.#descriptor = descriptor
    this.#size = size
    this.#inode = ino
  }

  #append(chunk: Buffer, from: number, done: (error?: Error | null, written?: number) => void): void {
    write(this.#descriptor, chunk, from, (error, written) => {
      if (error?.code === 'EAGAIN') {
        setTimeout(() => this.#append(chunk, from, done), fullMs)
        return
      }
      if (error) {
        done(error, from)
        return
      }
      this.#size += written
      if (from + written < chunk.length) this.#append(chunk, from + written, done)
      else done(undefined, chunk.length)
    })
  }
}

function endOfFile(path: string): LogEnd {
  try {
    const descriptor = openSync(path, 'r')
    try {
      return readEnd(descriptor, fstatSync(descriptor).size)
    } finally {
      closeSync(descriptor)
    }
  } catch {
    return { digest: undefined, torn: false }
  }
}

function readEnd(descriptor: number, size: number): LogEnd {
  const tail = Buffer.alloc(Math.min(size, longestTail))
  readSync(descriptor, tail, 0, tail.length, size - tail.length)
  const end = tail.lastIndexOf(0x0a)
  const torn = end !== tail.length - 1
  const rest = tail.subarray(end + 1)
  // Only its end is missing, and that comes with our first line.
  if (torn && isWholeLine(rest)) return { digest: digestOf(rest), torn }
  const begin = end <= 0 ? -1 : tail.lastIndexOf(0x0a, end - 1)
  if (end < 0 || (begin < 0 && tail.length < size)) return { digest: undefined, torn }
  return { digest: digestOf(tail.subarray(begin + 1, end)), torn }
}
