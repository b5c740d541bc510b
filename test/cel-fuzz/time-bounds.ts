/** To read, check and compile a source of at most 10 KiB, and to format it. Ordinary ones take less than a tenth. */
export const loadMs = 250
/** To evaluate, beside what the units take: the calls themselves and what goes in and out of an evaluation. */
export const evaluateMs = 250
/** A unit of cost. Measured is a tenth of this in the worst cases. */
export const unitMs = 0.005
/** Units that a budget may be missed by: what a refused charge would have paid for is not done, and not counted. */
export const overshoot = 1

/** How long the fastest of some tries took; a busy machine delays one, not all. */
export function fastestMs(allowed: number, run: () => void): number {
  let fastest = Number.POSITIVE_INFINITY
  for (let tries = 0; tries < 5 && fastest > allowed; tries++) {
    const start = performance.now()
    run()
    fastest = Math.min(fastest, performance.now() - start)
  }
  return fastest
}
