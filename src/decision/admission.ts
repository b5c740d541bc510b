import type { InboundRequest } from '../protocol/inbound-request.js'
import { MemoryCeiling, type MemoryCeilingOptions } from './admission-memory.js'
import { Refusals, type RefusalsOptions } from './admission-refusals.js'
import { TurnBudget, type TurnClock } from './admission-turn.js'
import type { Decide, Decision } from './decision.js'
import type { Eventually } from './eventually.js'

export interface AdmissionOptions extends RefusalsOptions {
  /** See {@link TurnBudget}. Milliseconds. */
  readonly maxTurnMs: number
  readonly memory: MemoryCeilingOptions
  /** Default: that of Node. */
  readonly turnClock?: TurnClock
}

type Listener = InboundRequest['listener']

/**
 * The way into the decision, for all doors: while the process is behind or short of memory, what is new is refused at
 * once, so that what was begun is answered in time and nobody waits for an answer that comes too late.
 */
export class Admission {
  readonly memory: MemoryCeiling
  readonly #turn: TurnBudget
  readonly #refusals: Refusals
  #inFlight = 0

  constructor(options: AdmissionOptions) {
    this.#turn = new TurnBudget(options.maxTurnMs, options.turnClock)
    this.memory = new MemoryCeiling(options.memory)
    this.#refusals = new Refusals(options)
  }

  /** Decisions that wait for something. */
  get inFlight(): number {
    return this.#inFlight
  }

  /**
   * To be asked once for each request, before anything is done for it; undefined: go on.
   * @param read the request, for its record. Must not throw
   */
  refusal(listener: Listener, read: () => InboundRequest | undefined): Decision | undefined {
    if (!this.#turn.enter()) return this.#refusals.refuse('event_loop', listener, read)
    if (this.memory.above) return this.#refusals.refuse('memory', listener, read)
    return undefined
  }

  /** `decide` with this before it, for doors that have nothing cheaper to do than to read the request. */
  guarding(decide: Decide): Decide {
    const counting = this.counting(decide)
    return request => this.refusal(request.listener, () => request) ?? counting(request)
  }

  /** `decide`, for doors that ask for {@link refusal} themselves. */
  counting(decide: Decide): Decide {
    return request => this.#count(decide(request))
  }

  /** What was refused and not told yet is told. */
  stop(): void {
    this.#refusals.flush()
  }

  #count(decision: Eventually<Decision>): Eventually<Decision> {
    if (!(decision instanceof Promise)) return decision
    this.#inFlight++
    const leave = () => {
      this.#inFlight--
      // What waited takes time of this turn as well.
      this.#turn.goOn()
    }
    decision.then(leave, leave)
    return decision
  }
}
