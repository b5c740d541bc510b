/** At once where nothing has to be waited for. */
export type Eventually<T> = T | Promise<T>

/** Stays synchronous as long as what it waits for is. Not `then`, which would make a promise of this module. */
export function andThen<T, U>(value: Eventually<T>, next: (value: T) => Eventually<U>): Eventually<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}
