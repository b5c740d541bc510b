import type { Bucket } from './zipf.js'

export interface CacheUse {
  /** Questions per second that come to this one cache, in random order (a Poisson process). */
  readonly rate: number
  readonly population: readonly Bucket[]
  /** Entries; what was not used for longest goes first. */
  readonly capacity: number
  /** Seconds after which an entry counts no longer, from when it was made; using it does not prolong it. */
  readonly lifetime: number
}

export interface CacheState {
  /** Share of the questions of which the answer is there. */
  readonly hits: number
  /** Entries, the outdated ones that have not been replaced yet included. */
  readonly entries: number
  /** Questions per second of which the answer has to be got. */
  readonly misses: number
}

/**
 * How a cache does in the long run: Che's approximation of LRU (an entry goes when it was not used for a time that is the same
 * for all keys), and a lifetime beside it. Checked against src/identity/bounded-cache.ts in the tests.
 */
export function cacheState({ rate, population, capacity, lifetime }: CacheUse): CacheState {
  if (rate <= 0) return { hits: 0, entries: 0, misses: 0 }
  const idle = idleTime(rate, population, capacity)
  const share = population.reduce(
    (sum, { keys, weight }) => sum + keys * weight * hitShare(rate * weight, idle, lifetime),
    0,
  )
  return { hits: share, entries: entriesAfter(rate, population, idle), misses: rate * (1 - share) }
}

/** Share of the questions of each bucket of which the answer is there, in the order of the population. */
export function hitsByBucket({ rate, population, capacity, lifetime }: CacheUse): readonly number[] {
  const idle = idleTime(rate, population, capacity)
  return population.map(({ weight }) => hitShare(rate * weight, idle, lifetime))
}

/** Of one key that is asked for `rate` times a second. */
function hitShare(rate: number, idle: number, lifetime: number): number {
  // How long an entry stays if it has no end: until a pause between two questions is as long as `idle`.
  const stays = Math.expm1(Math.min(700, rate * idle)) / rate
  const lives = stays > 1e6 * lifetime ? lifetime : stays * -Math.expm1(-lifetime / stays)
  return (rate * lives) / (1 + rate * lives)
}

/** Seconds without use after which entries go: the time in which as many keys are asked for as there is room for. */
function idleTime(rate: number, population: readonly Bucket[], capacity: number): number {
  const keys = population.reduce((sum, one) => sum + one.keys, 0)
  if (keys <= capacity) return Number.POSITIVE_INFINITY
  let [low, high] = [0, 1]
  while (entriesAfter(rate, population, high) < capacity) high *= 2
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2
    if (entriesAfter(rate, population, middle) < capacity) low = middle
    else high = middle
  }
  return high
}

/** Different keys among the questions of so many seconds. */
function entriesAfter(rate: number, population: readonly Bucket[], seconds: number): number {
  return population.reduce((sum, { keys, weight }) => sum + keys * -Math.expm1(-rate * weight * seconds), 0)
}
