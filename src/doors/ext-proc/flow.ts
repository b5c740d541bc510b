import type { ByteBudget } from '../envoy/byte-budget.js'
import { type BodyMode, bodyModes, type Wanted } from './body-plan.js'
import type { HeaderChanges } from './exchange-processor.js'
import type { Side } from './read-processing-request.js'

export interface FlowLimits {
  /** Bytes of one body. */
  readonly maxBufferedBytes: number
  /** Of all bodies that one door collects. */
  readonly budget: ByteBudget
}

/** What one side of an exchange has come to. */
export class Flow {
  readonly side: Side
  /** `start`: no headers yet. `body`: chunks or trailers may come. `ended`: at most trailers. */
  at: 'start' | 'body' | 'ended' = 'start'
  mode: BodyMode = bodyModes.NONE
  overridden = false
  wanted: Wanted = 'pass'
  /** Headers that are not answered yet, because the body decides on them. */
  held: { readonly changes: HeaderChanges | undefined } | undefined
  /** Runs while the gateway waits for an answer to a chunk that is held back. */
  nudge: NodeJS.Timeout | undefined
  readonly #limits: FlowLimits
  #collected: Uint8Array[] = []
  #bytes = 0

  constructor(side: Side, limits: FlowLimits) {
    this.side = side
    this.#limits = limits
  }

  /** Keeps a piece of the body. Otherwise it says why there is no room for it. */
  collect(bytes: Uint8Array): 'kept' | 'too large' | 'overloaded' {
    if (this.#bytes + bytes.length > this.#limits.maxBufferedBytes) return 'too large'
    if (!this.#limits.budget.take(bytes.length)) return 'overloaded'
    this.#bytes += bytes.length
    if (bytes.length > 0) this.#collected.push(bytes)
    return 'kept'
  }

  /** All that was collected; its room stays taken until {@link giveBack}. */
  collected(): Uint8Array {
    const [only, ...others] = this.#collected
    const whole = others.length === 0 ? (only ?? noBytes) : Buffer.concat(this.#collected)
    this.#collected = []
    return whole
  }

  /** The exchange is over. */
  forget(): void {
    clearTimeout(this.nudge)
    this.giveBack()
  }

  /** It is no longer kept. */
  giveBack(): void {
    this.#collected = []
    this.#limits.budget.give(this.#bytes)
    this.#bytes = 0
  }
}

const noBytes = new Uint8Array(0)
