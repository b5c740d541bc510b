/** A busy machine spoils a measurement, but not every one of several. */
export async function patiently<T>(measure: () => T | Promise<T>, isGood: (measured: T) => boolean): Promise<T> {
  let measured = await measure()
  for (let again = 0; again < 6 && !isGood(measured); again++) measured = await measure()
  return measured
}
