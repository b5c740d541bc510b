export type Eventually<T> = T | Promise<T>

/** Goes on with a value now if it is there, so that warm requests stay synchronous. */
export function andThen<T, R>(value: Eventually<T>, next: (settled: T) => Eventually<R>): Eventually<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}

/** All of them, now if all are there. */
export function allOf<T>(values: readonly Eventually<T>[]): Eventually<readonly T[]> {
  const settled: T[] = []
  for (const value of values) {
    if (value instanceof Promise) return Promise.all(values)
    settled.push(value)
  }
  return settled
}

/** Checks in order until one says something; now if it can. undefined when all kept silent. */
export function firstOf<T, V>(
  items: readonly T[],
  check: (item: T) => Eventually<V | undefined>,
): Eventually<V | undefined> {
  let index = 0
  for (const item of items) {
    index++
    const verdict = check(item)
    if (verdict instanceof Promise) {
      const next = index
      return verdict.then(settled => settled ?? firstOf(items.slice(next), check))
    }
    if (verdict !== undefined) return verdict
  }
  return undefined
}
