import type { Difference } from './outcome.js'

/** What replaying one record came to; the log also holds lines that are no decisions about calls. */
export type ReplayResult = Difference | 'notReplayable'
export const replayResults: readonly ReplayResult[] = ['same', 'tightened', 'weakened', 'changed', 'notReplayable']

/** Records that came to the same. */
export interface ReplayGroup {
  readonly result: Exclude<ReplayResult, 'same'>
  readonly server: string
  /** The tool, prompt or resource, else the method. */
  readonly what: string
  /** The caller, with the agent; "" of what could not be replayed. */
  readonly who: string
  readonly before: string
  /** Of what could not be replayed, why. */
  readonly after: string
  readonly count: number
  /** Decision ids of the first of them. */
  readonly examples: readonly string[]
}

type Counted = { -readonly [Key in keyof ReplayGroup]: ReplayGroup[Key] } & { examples: string[] }

/** Groups that are told apart; what comes after them is only counted. */
const mostGroups = 10_000
const mostExamples = 3

/** Counts results in bounded memory. */
export class ReplayTally {
  readonly totals: Record<ReplayResult, number> = { same: 0, tightened: 0, weakened: 0, changed: 0, notReplayable: 0 }
  /** By result, records of groups that are not told apart. */
  readonly others: Record<ReplayGroup['result'], number> = { tightened: 0, weakened: 0, changed: 0, notReplayable: 0 }
  readonly #groups = new Map<string, Counted>()

  same(): void {
    this.totals.same++
  }

  add(of: Omit<ReplayGroup, 'count' | 'examples'>, decisionId: string): void {
    this.totals[of.result]++
    const key = JSON.stringify([of.result, of.server, of.what, of.who, of.before, of.after])
    const known = this.#groups.get(key)
    if (known !== undefined) {
      known.count++
      if (known.examples.length < mostExamples) known.examples.push(decisionId)
    } else if (this.#groups.size < mostGroups) this.#groups.set(key, { ...of, count: 1, examples: [decisionId] })
    else this.others[of.result]++
  }

  /** The largest groups of a result. */
  largest(result: ReplayGroup['result'], most: number): readonly ReplayGroup[] {
    const groups = [...this.#groups.values()].filter(group => group.result === result)
    return groups.sort((a, b) => b.count - a.count || (keyOf(a) < keyOf(b) ? -1 : 1)).slice(0, most)
  }
}

function keyOf({ server, what, who, before, after }: ReplayGroup): string {
  return JSON.stringify([server, what, who, before, after])
}
