/** What may go wrong for a while, and only in the direction of a denial. */
export type Disturbance = 'keys' | 'api-server' | 'policies'

/** Reasons of denials that a disturbance excuses. A wrong permission has no excuse. */
const excuses: Readonly<Record<Disturbance, RegExp>> = {
  keys: /^(identity\.|dependency\.(keys|timeout))/,
  'api-server': /^dependency\.(api_server|timeout|overloaded)/,
  policies: /^guardrail\.violated$/,
}

interface Period {
  readonly what: Disturbance
  readonly from: number
  to: number
}

/** When what was disturbed, so that an answer is held against the world of its time. */
export class Disturbances {
  readonly #periods: Period[] = []
  readonly #told: Record<Disturbance, { count: number; longestMs: number }> = {
    keys: { count: 0, longestMs: 0 },
    'api-server': { count: 0, longestMs: 0 },
    policies: { count: 0, longestMs: 0 },
  }

  /** How often, and how long it took at most until things were as they should be. */
  get told(): Readonly<Record<Disturbance, { readonly count: number; readonly longestMs: number }>> {
    return this.#told
  }

  /** Until `work` is done, which ends when things are seen to be as they should. */
  async during<T>(what: Disturbance, work: () => Promise<T>): Promise<T> {
    const period: Period = { what, from: performance.now(), to: Number.POSITIVE_INFINITY }
    this.#periods.push(period)
    const told = this.#told[what]
    told.count++
    const done = await work()
    period.to = performance.now()
    told.longestMs = Math.max(told.longestMs, period.to - period.from)
    return done
  }

  /** Whether something that was disturbed at a time (of `performance.now()`) explains a denial. */
  excuse(reason: string, from: number, to: number): boolean {
    return this.#periods.some(period => period.from <= to && period.to >= from && excuses[period.what].test(reason))
  }
}
