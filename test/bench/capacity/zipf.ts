/** Keys that are asked for equally often, taken together. */
export interface Bucket {
  readonly keys: number
  /** Share of all questions that are about one of these keys. */
  readonly weight: number
}

/** Ranks beyond this are put together in groups whose ends are this far apart. */
const single = 64
const growth = 1.1

/**
 * A population in which the n-th most popular key is asked for in proportion to `n ** -exponent`: 0 is all alike, 1 what
 * people and programs mostly do. Grouped by rank, so that a hundred million keys are a few hundred buckets.
 */
export function zipf(keys: number, exponent: number): readonly Bucket[] {
  const groups: { keys: number; weight: number }[] = []
  for (let from = 1; from <= keys; ) {
    const to = from < single ? from : Math.min(keys, Math.floor(from * growth))
    const count = to - from + 1
    const middle = count === 1 ? from : Math.sqrt((from - 0.5) * (to + 0.5))
    groups.push({ keys: count, weight: middle ** -exponent })
    from = to + 1
  }
  const total = groups.reduce((sum, one) => sum + one.keys * one.weight, 0)
  return groups.map(one => ({ keys: one.keys, weight: one.weight / total }))
}
