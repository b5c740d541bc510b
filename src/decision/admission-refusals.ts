import type { InboundRequest } from '../protocol/inbound-request.js'
import type { Decision } from './decision.js'
import { emergencyDecision } from './emergency-decision.js'

/** Why nothing was done for a request. in_flight: as many wait as may. */
export type OverloadCause = 'event_loop' | 'memory' | 'in_flight'

/** One refused request, or many that were answered alike. */
export interface RefusedWork {
  readonly decision: Decision
  readonly cause: 'event_loop' | 'memory'
  readonly listener: InboundRequest['listener']
  /** Where there is one, and it was worth reading. */
  readonly request: InboundRequest | undefined
  /** How many requests were answered by this decision. */
  readonly requests: number
}

export interface RefusalsOptions {
  /** Refusals of a second and a listener that have an answer and a record of their own. Default 10. */
  readonly eachPerWindow?: number
  /** Default 1000. */
  readonly windowMs?: number
  /** Must not throw. */
  onRefused(refused: RefusedWork): void
}

interface Window {
  readonly cause: RefusedWork['cause']
  readonly listener: InboundRequest['listener']
  told: number
  /** Answers all further ones; its record says how many those were. */
  shared: Decision | undefined
  requests: number
}

const messages: Readonly<Record<RefusedWork['cause'], string>> = {
  event_loop: 'The authorization service has more to do than it can; try again in a moment',
  memory: 'The authorization service has no memory left for more work; try again in a moment',
}

/**
 * Denials for overload. They must cost next to nothing, and yet every one must be found in the log: in each second the
 * first few have a decision and a record each, and the rest share one decision, whose record tells how many they were.
 */
export class Refusals {
  readonly #options: RefusalsOptions
  readonly #each: number
  readonly #windows = new Map<string, Window>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: RefusalsOptions) {
    this.#options = options
    this.#each = options.eachPerWindow ?? 10
  }

  /** @param read the request, for the record; asked for the few that have one of their own. Must not throw. */
  refuse(
    cause: RefusedWork['cause'],
    listener: InboundRequest['listener'],
    read: () => InboundRequest | undefined,
  ): Decision {
    const window = this.#window(cause, listener)
    if (window.told < this.#each) {
      window.told++
      const decision = emergencyDecision('dependency.overloaded', messages[cause])
      this.#options.onRefused({ decision, cause, listener, request: read(), requests: 1 })
      return decision
    }
    window.shared ??= emergencyDecision('dependency.overloaded', messages[cause])
    window.requests++
    return window.shared
  }

  /** Tells what has not been told yet. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const windows = [...this.#windows.values()]
    this.#windows.clear()
    for (const { cause, listener, shared, requests } of windows)
      if (shared !== undefined)
        this.#options.onRefused({ decision: shared, cause, listener, request: undefined, requests })
  }

  /** There are few: two for each listener. */
  #window(cause: RefusedWork['cause'], listener: InboundRequest['listener']): Window {
    const key = `${cause} ${listener.name}`
    let window = this.#windows.get(key)
    if (window === undefined) {
      window = { cause, listener, told: 0, shared: undefined, requests: 0 }
      this.#windows.set(key, window)
      this.#timer ??= setTimeout(() => this.flush(), this.#options.windowMs ?? 1000).unref()
    }
    return window
  }
}
