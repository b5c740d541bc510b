/** Numbers from 0 to below 1, the same for the same seed. */
export type Random = () => number

export function createRandom(seed: number): Random {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** A whole number from 0 to below `end`. */
export function below(random: Random, end: number): number {
  return Math.floor(random() * end)
}

/** The same items in another order. */
export function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const left = [...items]
  const mixed: T[] = []
  while (left.length > 0) {
    const last = left.length - 1
    const at = below(random, left.length)
    const picked = left[at]
    const end = left[last]
    if (picked === undefined || end === undefined) break
    mixed.push(picked)
    left[at] = end
    left.length = last
  }
  return mixed
}
