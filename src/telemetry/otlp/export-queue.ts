export interface ExportLimits {
  /** Items that wait at most; further ones are dropped. */
  readonly maxItems: number
  /** Items per export at most. */
  readonly batchItems: number
  /** Milliseconds that items wait for others, and after an export that failed. */
  readonly delayMs: number
  /** Milliseconds that one export may take. */
  readonly exportMs: number
}

/** What became of items, since the start. */
export interface ExportCounts {
  readonly exported: number
  /** Lost because the queue was full, or at the end. */
  readonly dropped: number
  /** Lost because the collector did not take them. */
  readonly failed: number
}

export interface ExportQueueOptions<Item> extends ExportLimits {
  /** Resolves to what went wrong; undefined: it was taken. May throw. */
  send(batch: Item[]): Promise<unknown>
  /** Items are lost because they were not taken. Must not throw. */
  onFailed(error: unknown): void
  /**
   * Milliseconds until a batch that was not taken is sent again; undefined: it is lost. `failures`: how often this batch
   * was not taken. Default: never again.
   */
  retryMs?(error: unknown, failures: number): number | undefined
  /** Bytes that wait at most, as `sizeOf` counts them, and of one batch. Default: no limit. */
  readonly maxBytes?: number
  readonly batchBytes?: number
  sizeOf?(item: Item): number
  /** Milliseconds for which the collector may say nothing at the end. Default: as long as there is time. */
  readonly patienceMs?: number
}

/** The collector did not answer in time. */
export class ExportTimeout extends Error {}

const lastChanceMs = 1000

/**
 * Items on their way to a collector: kept in memory up to a limit, handed over in batches, one at a time, and lost beyond
 * that, which `counts` makes visible. Nothing waits for it. In place of the SDK's own processors, which do not tell what
 * they drop, send the moment that a batch is full (in the middle of a decision), and do not end within a given time.
 */
export class ExportQueue<Item> {
  readonly #options: ExportQueueOptions<Item>
  readonly #counts = { exported: 0, dropped: 0, failed: 0 }
  #waiting: Item[] = []
  #bytes = 0
  /** The first batch that waits was not taken so often; it stays as it is. */
  #again: { readonly batch: readonly Item[]; readonly failures: number } | undefined
  #exporting: Promise<boolean> | undefined
  /** Ends the export under way, as failed. */
  #giveUp: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined
  /** Milliseconds that the next items wait, however many they are, because some were not taken. */
  #pauseMs: number | undefined
  #closed = false

  constructor(options: ExportQueueOptions<Item>) {
    this.#options = { ...options, batchItems: Math.min(options.batchItems, options.maxItems) }
  }

  get counts(): ExportCounts {
    return { ...this.#counts }
  }

  /** Of what waits, as `sizeOf` counts them. */
  get waitingBytes(): number {
    return this.#bytes
  }

  add(item: Item): void {
    const { maxItems, maxBytes = Number.POSITIVE_INFINITY } = this.#options
    const size = this.#sizeOf(item)
    if (this.#closed || this.#length >= maxItems || this.#bytes + size > maxBytes) {
      this.#counts.dropped++
      return
    }
    this.#waiting.push(item)
    this.#bytes += size
    this.#schedule()
  }

  /** Resolves when what waits has been handed over, or when some of it could not be. */
  async flush(): Promise<void> {
    while (await this.#export()) if (this.#length === 0) return
  }

  /** Hands over what waits, for at most `limitMs`; the rest counts as dropped. Later items are dropped. */
  async stop(limitMs: number): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    const end = performance.now() + limitMs
    const { patienceMs = Number.POSITIVE_INFINITY } = this.#options
    // A collector that did not take the last ones gets one more chance, and not all the time there is.
    const silenceMs = this.#pauseMs === undefined ? patienceMs : Math.min(patienceMs, lastChanceMs)
    while (await within(Math.min(silenceMs, end - performance.now()), this.#export())) if (this.#length === 0) break
    this.#giveUp?.()
    await this.#exporting
    this.#counts.dropped += this.#length
    this.#waiting = []
    this.#again = undefined
    this.#bytes = 0
  }

  get #length(): number {
    return this.#waiting.length + (this.#again?.batch.length ?? 0)
  }

  #sizeOf(item: Item): number {
    return this.#options.sizeOf?.(item) ?? 0
  }

  #schedule(): void {
    if (this.#closed || this.#exporting !== undefined || this.#length === 0) return
    const { batchItems, delayMs } = this.#options
    const full = this.#waiting.length >= batchItems && this.#pauseMs === undefined
    // Once is enough: the first item of a batch starts the clock, the last one stops it.
    if (this.#timer !== undefined && (!full || this.#waiting.length > batchItems)) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#export(), full ? 0 : (this.#pauseMs ?? delayMs)).unref()
  }

  /** Sends one batch, or waits for the one that is being sent. False: it was not taken. Never rejects. */
  #export(): Promise<boolean> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#exporting !== undefined) return this.#exporting
    const { batch, failures } = this.#again ?? { batch: this.#takeBatch(), failures: 0 }
    if (batch.length === 0) return Promise.resolve(true)
    this.#exporting = this.#send([...batch]).then(error => {
      this.#exporting = undefined
      this.#again = undefined
      const retryMs = error === undefined ? undefined : this.#options.retryMs?.(error, failures + 1)
      this.#pauseMs = error === undefined ? undefined : (retryMs ?? this.#options.delayMs)
      if (retryMs !== undefined) this.#again = { batch, failures: failures + 1 }
      else {
        for (const item of batch) this.#bytes -= this.#sizeOf(item)
        this.#counts[error === undefined ? 'exported' : 'failed'] += batch.length
        if (error !== undefined) this.#options.onFailed(error)
      }
      this.#schedule()
      return error === undefined
    })
    return this.#exporting
  }

  #takeBatch(): Item[] {
    const { batchItems, batchBytes = Number.POSITIVE_INFINITY } = this.#options
    let bytes = 0
    let count = 0
    for (const item of this.#waiting) {
      bytes += this.#sizeOf(item)
      if (count >= batchItems || (count > 0 && bytes > batchBytes)) break
      count++
    }
    return this.#waiting.splice(0, count)
  }

  /** Resolves to what went wrong. */
  #send(batch: Item[]): Promise<unknown> {
    const { exportMs } = this.#options
    return new Promise(resolve => {
      const timer = setTimeout(() => resolve(new ExportTimeout()), exportMs).unref()
      const end = (error: unknown) => {
        clearTimeout(timer)
        resolve(error)
      }
      this.#giveUp = () => end(new ExportTimeout())
      try {
        this.#options.send(batch).then(end, error => end(error ?? new Error('not exported')))
      } catch (error) {
        end(error ?? new Error('not exported'))
      }
    })
  }
}

/** False as well when it was not there in time. */
async function within(limitMs: number, exported: Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>(resolve => {
    timer = setTimeout(() => resolve(false), Math.max(0, limitMs))
  })
  try {
    return await Promise.race([exported, late])
  } finally {
    clearTimeout(timer)
  }
}
