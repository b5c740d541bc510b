import { randomNumbers, untilNext } from './random.js'

export interface QueueOptions {
  /** Requests per second. */
  readonly rate: number
  /** Microseconds of the core; each request takes one of these, by chance. */
  readonly services: readonly { readonly micros: number; readonly share: number }[]
  /** What else takes the core, for so long, so many times a second: collections of garbage, a load of policies. */
  readonly pauses: readonly { readonly ms: number; readonly perSecond: number }[]
  readonly seed: number
  readonly requests?: number
}

export interface Waiting {
  readonly p50Ms: number
  readonly p99Ms: number
}

/** One core, first come first served; requests come at random times. From arrival to answer, in milliseconds. */
export function simulateQueue({ rate, services, pauses, seed, requests = 60_000 }: QueueOptions): Waiting {
  const random = randomNumbers(seed)
  const due = pauses.map(({ perSecond }) => untilNext(random, perSecond))
  const times = new Float64Array(requests)
  let [now, free] = [0, 0]
  for (let at = 0; at < requests; at++) {
    now += untilNext(random, rate)
    for (const [which, { ms, perSecond }] of pauses.entries()) {
      let next = due[which] ?? Number.POSITIVE_INFINITY
      for (; next <= now; next += untilNext(random, perSecond)) free = Math.max(free, next) + ms / 1000
      due[which] = next
    }
    free = Math.max(free, now) + serviceOf(services, random()) / 1e6
    times[at] = (free - now) * 1000
  }
  times.sort()
  return { p50Ms: times[Math.floor(requests / 2)] ?? 0, p99Ms: times[Math.floor(requests * 0.99)] ?? 0 }
}

function serviceOf(services: QueueOptions['services'], chance: number): number {
  let left = chance
  for (const { micros, share } of services) {
    left -= share
    if (left < 0) return micros
  }
  return services.at(-1)?.micros ?? 0
}
