import { totalmem } from 'node:os'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export interface MemoryCeilingOptions {
  /** Bytes. */
  readonly limitBytes: number
  /** It came to be above, or below again. `usedBytes` is what was found. */
  onChange?(above: boolean, usedBytes: number): void
  /** Monotonic, in milliseconds. Default: the system's clock. */
  now?(): number
  /** Bytes in use. Default: those of this process. */
  read?(): number
  /** Throws garbage away, now. Default: asks V8 to. */
  collect?(): void
}

/** Milliseconds between two looks. */
const lookEveryMs = 100
/** A full collection stops everything, for a second per gigabyte or so: it gets a tenth of the time at most. */
const collectShare = 0.1
const collectEveryMs = 1000

/**
 * Whether so much memory is in use that new work would risk the process. Looks when it is asked, and not often. What
 * V8 says is in use has garbage in it, as much as it pleases while there is room: before anything is refused it has to
 * throw that away, and while work is refused now and then, because then little else would make it do so.
 */
export class MemoryCeiling {
  readonly limitBytes: number
  readonly #options: MemoryCeilingOptions
  readonly #now: () => number
  readonly #read: () => number
  readonly #collect: () => void
  #lookedAt = Number.NEGATIVE_INFINITY
  #collectAgainAt = Number.NEGATIVE_INFINITY
  #above = false
  #usedBytes = 0

  constructor(options: MemoryCeilingOptions) {
    this.limitBytes = options.limitBytes
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#read = options.read ?? bytesInUse
    this.#collect = options.collect ?? collectGarbage
  }

  get above(): boolean {
    const now = this.#now()
    if (now - this.#lookedAt >= lookEveryMs) this.#look(now)
    return this.#above
  }

  #look(now: number): void {
    this.#lookedAt = now
    this.#usedBytes = this.#read()
    if (this.#usedBytes > this.limitBytes && now >= this.#collectAgainAt) {
      this.#collect()
      const took = this.#now() - now
      this.#collectAgainAt = now + Math.max(collectEveryMs, took / collectShare)
      this.#usedBytes = this.#read()
    }
    const above = this.#usedBytes > this.limitBytes
    if (above === this.#above) return
    this.#above = above
    this.#options.onChange?.(above, this.#usedBytes)
  }
}

/** Objects, and what buffers hold outside of the heap. */
export function bytesInUse(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics()
  return heap + external
}

/** Of what the process may have, the part that it may use before it refuses work. */
const share = 0.85

/**
 * 85 % of the heap's limit (`--max-old-space-size`), or of what the container may have, or the machine has, if that is
 * less. Bytes.
 * @param heapLimit default: that of this process
 * @param constrained as from `process.constrainedMemory()`: undefined, 0, or more than there is, means no limit
 * @param processes how many share it
 */
export function defaultMemoryBytes(
  heapLimit: number = getHeapStatistics().heap_size_limit,
  constrained: number | undefined = process.constrainedMemory(),
  processes = 1,
): number {
  const limited = constrained !== undefined && constrained > 0
  const all = limited ? Math.min(constrained, totalmem()) : totalmem()
  return Math.floor(share * Math.min(heapLimit, all / processes))
}

let garbageCollector: unknown

/** V8 hands its collector only to contexts that are made while the flag is set. */
function collectGarbage(): void {
  if (garbageCollector === undefined) {
    setFlagsFromString('--expose-gc')
    garbageCollector = runInNewContext('gc')
    setFlagsFromString('--no-expose-gc')
  }
  if (typeof garbageCollector === 'function') garbageCollector()
}
