import { hitsByBucket } from './cache-model.js'
import { tokenUse } from './process-cost.js'
import { limits, type Mix } from './traffic.js'

export interface WarmUpOptions {
  readonly mix: Mix
  /** Decisions per second of this process. */
  readonly rate: number
  /** Microseconds of a decision on an ordinary day, misses included, and of what a forgotten token costs more. */
  readonly micros: number
  readonly verifyMicros: number
  /** Seconds in which clients get other tokens, one after the other; 0: all at once, or what was known is forgotten here. */
  readonly spreadSeconds: number
}

export interface WarmUp {
  /** Seconds until nine in ten of the callers that were known are known again, and the core has nothing left over. */
  readonly seconds: number
  /** Share of a core that is asked for in the worst moment. */
  readonly peakUtilization: number
  /** Signatures a second that are checked beside those of an ordinary day, in the worst moment. */
  readonly peakVerifications: number
  /** Share of the decisions of that time that were refused because the core was full. */
  readonly refused: number
}

const longest = 7200

/**
 * One process that has forgotten the tokens that it knew, as a flow in steps of 50 ms, or half a second where it is slow: a caller who is seen once is known from
 * then on. What the core cannot take within `overload.maxTurnMs` is refused, and its caller stays unknown.
 */
export function simulateWarmUp({ mix, rate, micros, verifyMicros, spreadSeconds }: WarmUpOptions): WarmUp {
  const step = spreadSeconds > 100 ? 0.5 : 0.05
  const use = tokenUse(mix, rate)
  const known = hitsByBucket(use)
  const groups = use.population.map(({ keys, weight }, at) => ({
    rate: keys * rate * weight,
    each: rate * weight,
    known: known[at] ?? 0,
  }))
  const left = groups.map(group => (spreadSeconds === 0 ? group.known : 0))
  const unknown = () => groups.reduce((sum, group, at) => sum + group.rate * (left[at] ?? 0), 0)
  const all = groups.reduce((sum, group) => sum + group.rate * group.known, 0)
  let [peakUtilization, peakVerifications, refused, backlog, now] = [0, 0, 0, 0, 0]
  for (; now < longest; now += step) {
    if (now < spreadSeconds)
      for (const [at, group] of groups.entries())
        left[at] = Math.min(group.known, (left[at] ?? 0) + (group.known * step) / spreadSeconds)
    const verifications = unknown()
    const wanted = (rate * micros + verifications * verifyMicros) / 1e6
    peakUtilization = Math.max(peakUtilization, wanted)
    peakVerifications = Math.max(peakVerifications, verifications)
    backlog = Math.max(0, backlog + (wanted - 1) * step)
    const over = Math.max(0, backlog - limits.maxTurnMs / 1000)
    backlog -= over
    const served = Math.max(0, 1 - over / (wanted * step))
    refused += rate * step * (1 - served)
    for (const [at, group] of groups.entries()) left[at] = (left[at] ?? 0) * Math.exp(-group.each * step * served)
    if (now >= spreadSeconds && unknown() <= all / 10 && backlog === 0) break
  }
  return { seconds: now, peakUtilization, peakVerifications, refused: refused / (rate * Math.max(step, now + step)) }
}
