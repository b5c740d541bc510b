export interface BackOff {
  /** Milliseconds to wait after one more failure. */
  next(): number
  /** After a success. */
  reset(): void
}

/**
 * Delays that double from `firstMs` to `mostMs`, each drawn from its upper half: replicas that lost the same API server
 * do not come back all at once. @param random in [0, 1)
 */
export function createBackOff(firstMs: number, mostMs: number, random: () => number): BackOff {
  let delay = firstMs
  return {
    next() {
      const wait = delay * (0.5 + random() / 2)
      delay = Math.min(delay * 2, mostMs)
      return wait
    },
    reset() {
      delay = firstMs
    },
  }
}
