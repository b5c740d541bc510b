/** A decision as the decision log has it, and what it can be looked up by. */
export interface RecentDecision {
  readonly id: string
  readonly outcome: 'allow' | 'deny' | 'respond'
  /** Name of the Server, "" when none was found. */
  readonly server: string
  /** Reason code, "" for none. */
  readonly reason: string
  /** Reason codes of what would have been denied. */
  readonly would: readonly string[]
  /** The record, one line of JSON. */
  readonly line: string
  /** The record of what the policies of the shadow would have made of it, one line of JSON, where that differs. */
  readonly shadow?: string
}

export interface DecisionQuery {
  /** At most this many. */
  readonly limit: number
  readonly id?: string
  readonly outcome?: RecentDecision['outcome']
  readonly server?: string
  /** A reason code, or the stage of several. Of what denied, or would have. */
  readonly reason?: string
  /** true: only what the policies of the shadow would have made differently. false: all else. */
  readonly shadow?: boolean
  /** true: only what would have been denied if it were enforced. false: only what would not. */
  readonly would?: boolean
}

/** Decisions that may have come between one and its difference: what waits for the shadow is no more. */
const mostLookedBack = 2048

/** The last decisions, in memory, for people who look for one. A ring: each new one takes the place of the oldest. */
export class RecentDecisions {
  readonly #ring: RecentDecision[] = []
  readonly #capacity: number
  #seen = 0

  /** `capacity`: how many are kept; 0 keeps none. */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get capacity(): number {
    return this.#capacity
  }

  /** Decisions since the start. */
  get seen(): number {
    return this.#seen
  }

  add(decision: RecentDecision): void {
    if (this.#capacity > 0) this.#ring[this.#seen % this.#capacity] = decision
    this.#seen++
  }

  /** Notes what the shadow would have made of a decision that is still kept. It comes soon after the decision. */
  differs(id: string, line: string): void {
    const { length } = this.#ring
    for (let back = 1; back <= Math.min(length, mostLookedBack); back++) {
      const at = (this.#seen - back) % this.#capacity
      const one = this.#ring[at]
      if (one?.id !== id) continue
      this.#ring[at] = { ...one, shadow: line }
      return
    }
  }

  /** Newest first. */
  find(query: DecisionQuery): readonly RecentDecision[] {
    const found: RecentDecision[] = []
    const { length } = this.#ring
    for (let back = 1; back <= length && found.length < query.limit; back++) {
      const one = this.#ring[(this.#seen - back) % this.#capacity]
      if (one !== undefined && matches(one, query)) found.push(one)
    }
    return found
  }
}

function matches(one: RecentDecision, { id, outcome, server, reason, would, shadow }: DecisionQuery): boolean {
  if (id !== undefined && one.id !== id) return false
  if (outcome !== undefined && one.outcome !== outcome) return false
  if (server !== undefined && one.server !== server) return false
  if (shadow !== undefined && (one.shadow !== undefined) !== shadow) return false
  if (would !== undefined && one.would.length > 0 !== would) return false
  return reason === undefined || [one.reason, ...one.would].some(code => isReason(code, reason))
}

/** `guardrail` is every reason of that stage. */
function isReason(code: string, wanted: string): boolean {
  return code === wanted || (code.startsWith(wanted) && code[wanted.length] === '.')
}
