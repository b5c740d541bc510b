/** A busy machine spoils a measurement, but not every one of several. */
export function patiently<T>(measure: () => T, isGood: (measured: T) => boolean): T {
  let measured = measure()
  for (let again = 0; again < 6 && !isGood(measured); again++) measured = measure()
  return measured
}
