import { median } from '../statistics.js'

/** A ratio of two things that were measured in turns. */
export interface StableRatio {
  /** Median of the ratios of the rounds. */
  readonly ratio: number
  /** Between these lies the median, with a confidence of at least 95 %; with fewer than six rounds, all ratios lie there. */
  readonly low: number
  readonly high: number
  readonly rounds: number
}

export interface UntilStable {
  readonly leastRounds: number
  readonly mostRounds: number
  /** What `high` may be above `low`, as a share of the ratio, for the rounds to be enough. */
  readonly spread: number
}

export function ratioOf(ratios: readonly number[]): StableRatio {
  const sorted = [...ratios].sort((a, b) => a - b)
  const outside = ranksOutside(sorted.length)
  return {
    ratio: median(sorted),
    low: sorted[outside] ?? Number.NaN,
    high: sorted[sorted.length - 1 - outside] ?? Number.NaN,
    rounds: sorted.length,
  }
}

export function isStable({ ratio, low, high, rounds }: StableRatio, until: UntilStable): boolean {
  return rounds >= until.mostRounds || (rounds >= until.leastRounds && (high - low) / ratio <= until.spread)
}

/**
 * Measures until the ratio is surely below a limit or surely above it, or `mostRounds` times. Unlike the best of several
 * attempts, what comes out does not get smaller the more often one looks: noise cannot hide a ratio that is above.
 */
export async function untilClear(
  limit: number,
  measureRound: () => Promise<number>,
  { leastRounds, mostRounds }: Pick<UntilStable, 'leastRounds' | 'mostRounds'>,
): Promise<StableRatio> {
  const ratios: number[] = []
  for (;;) {
    ratios.push(await measureRound())
    const ratio = ratioOf(ratios)
    const isClear = ratio.high <= limit || ratio.low > limit
    if (ratio.rounds >= mostRounds || (isClear && ratio.rounds >= leastRounds)) return ratio
  }
}

/**
 * How many values at each end can be left out such that the median of what they are drawn from still lies between the
 * others in 95 of 100 cases: that of n tosses of a coin at most k are heads, for the k on either side.
 */
function ranksOutside(count: number): number {
  let probability = 0.5 ** count
  let below = probability
  let outside = 0
  for (let heads = 0; below <= 0.025; heads++) {
    outside = heads
    probability *= (count - heads) / (heads + 1)
    below += probability
  }
  return outside
}
