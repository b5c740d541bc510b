/** Numbers from 0 to 1 that look random and are the same for the same seed (Park and Miller). */
export function randomNumbers(seed: number): () => number {
  let state = seed % 2_147_483_647
  if (state <= 0) state += 2_147_483_646
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

/** Of a Poisson process of `rate` events: the time to the next one. */
export function untilNext(random: () => number, rate: number): number {
  return -Math.log(1 - random()) / rate
}
