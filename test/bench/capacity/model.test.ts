import { describe, expect, it } from 'vitest'
import { BoundedCache } from '../../../src/identity/bounded-cache.js'
import { cacheState } from './cache-model.js'
import { fleetFor } from './fleet.js'
import { readInputs } from './inputs.js'
import { transportMicros } from './process-cost.js'
import { simulateQueue } from './queue.js'
import { randomNumbers, untilNext } from './random.js'
import { simulateReplicas } from './replicas.js'
import { setCost } from './set-cost.js'
import { amount, firstToBreak, percent, printBreak, table } from './table.js'
import { estate, type Mix, mixes } from './traffic.js'
import { simulateWarmUp } from './warm-up.js'
import { zipf } from './zipf.js'

const inputs = readInputs()

describe('zipf', () => {
  it.each([
    { keys: 1, exponent: 1 },
    { keys: 1000, exponent: 0 },
    { keys: 1_000_000, exponent: 0.8 },
    { keys: 100_000_000, exponent: 1.2 },
  ])('deals $keys keys into few buckets that are all of them', ({ keys, exponent }) => {
    const buckets = zipf(keys, exponent)
    expect(buckets.reduce((sum, one) => sum + one.keys, 0)).toBe(keys)
    expect(buckets.reduce((sum, one) => sum + one.keys * one.weight, 0)).toBeCloseTo(1, 9)
    expect(buckets.length).toBeLessThan(300)
  })

  it('has no favourite where all are alike', () => {
    for (const { weight } of zipf(1000, 0)) expect(weight).toBeCloseTo(1 / 1000, 12)
  })
})

describe('the model of a cache', () => {
  it.each([
    { rate: 1000, keys: 20_000, exponent: 0.8, capacity: 1000, lifetime: 1e9 },
    { rate: 1000, keys: 20_000, exponent: 0.8, capacity: 1000, lifetime: 5 },
    { rate: 1000, keys: 2000, exponent: 0.8, capacity: 10_000, lifetime: 5 },
    { rate: 1000, keys: 50_000, exponent: 0.6, capacity: 5000, lifetime: 10 },
    { rate: 500, keys: 5000, exponent: 1, capacity: 500, lifetime: 2 },
    { rate: 200, keys: 100, exponent: 0, capacity: 1000, lifetime: 0.5 },
  ])('is near the cache of the program: $keys keys, $capacity entries, $lifetime s', use => {
    const real = runCache(use)
    const model = cacheState({ ...use, population: zipf(use.keys, use.exponent) })
    expect(Math.abs(model.hits - real.hits)).toBeLessThan(0.03)
    expect(Math.abs(model.entries - real.entries)).toBeLessThan(0.02 * use.keys)
    expect(model.misses).toBeCloseTo(use.rate * (1 - model.hits), 6)
  })

  it('knows nobody while nobody asks', () => {
    expect(cacheState({ rate: 0, population: zipf(10, 1), capacity: 5, lifetime: 5 }).hits).toBe(0)
  })
})

/** The program's own cache under such questions; the second half counts. */
function runCache(use: {
  readonly rate: number
  readonly keys: number
  readonly exponent: number
  readonly capacity: number
  readonly lifetime: number
}): { readonly hits: number; readonly entries: number } {
  const questions = 120_000
  const random = randomNumbers(7)
  const upTo = new Float64Array(use.keys)
  let total = 0
  for (let rank = 0; rank < use.keys; rank++) {
    total += (rank + 1) ** -use.exponent
    upTo[rank] = total
  }
  const cache = new BoundedCache<number>(use.capacity)
  let [now, hits] = [0, 0]
  for (let question = 0; question < questions; question++) {
    now += untilNext(random, use.rate)
    const key = String(firstAbove(upTo, random() * total))
    const madeAt = cache.get(key)
    if (madeAt === undefined || now - madeAt >= use.lifetime) cache.set(key, now)
    else if (question >= questions / 2) hits++
  }
  return { hits: hits / (questions / 2), entries: cache.size }
}

function firstAbove(sums: Float64Array, value: number): number {
  let [low, high] = [0, sums.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sums[middle] ?? 0) < value) low = middle + 1
    else high = middle
  }
  return low
}

describe('the model of a core', () => {
  const services = [{ micros: 100, share: 1 }]
  const waits = (rate: number) => simulateQueue({ rate, services, pauses: [], seed: 1 })

  it('takes as long as one request where there is no other', () => {
    expect(waits(1).p99Ms).toBeCloseTo(0.1, 3)
  })

  it('waits as Pollaczek and Khinchin say', () => {
    // Requests of one length, the core 80 % full: 2 of them on average before each, of which the median is less.
    const { p50Ms, p99Ms } = waits(8000)
    expect(p50Ms).toBeGreaterThan(0.15)
    expect(p50Ms).toBeLessThan(0.3)
    expect(p99Ms).toBeGreaterThan(0.9)
    expect(p99Ms).toBeLessThan(1.6)
  })

  it('waits for pauses', () => {
    const paused = simulateQueue({ rate: 1000, services, pauses: [{ ms: 50, perSecond: 1 }], seed: 1 })
    expect(paused.p50Ms).toBeLessThan(0.2)
    expect(paused.p99Ms).toBeGreaterThan(30)
  })
})

describe('the model of replicas', () => {
  const options = {
    replicas: 20,
    gateways: 16,
    utilization: 0.5,
    micros: 100,
    timeoutMs: 2000,
    seed: 3,
    requests: 40_000,
  }
  const run = (balancing: 'round robin' | 'least request', slowdown: number) =>
    simulateReplicas({ ...options, balancing, slowdown })

  it('deals evenly where none is slow', () => {
    for (const balancing of ['round robin', 'least request'] as const) {
      const { toSlow, refused, timedOut } = run(balancing, 1)
      expect(toSlow).toBeGreaterThan(0.045)
      expect(toSlow).toBeLessThan(0.055)
      expect(refused + timedOut).toBe(0)
    }
  })

  it('in turns, a slow one gets its share and refuses what it cannot do', () => {
    const { toSlow, refused, p99Ms } = run('round robin', 10)
    expect(toSlow).toBeCloseTo(0.05, 2)
    expect(refused).toBeGreaterThan(0.01)
    expect(p99Ms).toBeGreaterThan(50)
  })

  it('by least request, it gets less', () => {
    const [turns, least] = [run('round robin', 10), run('least request', 10)]
    expect(least.toSlow).toBeLessThan(turns.toSlow * 0.8)
    expect(least.refused).toBeLessThan(turns.refused)
  })
})

describe('the model of a process that has forgotten', () => {
  const mix: Mix = mixes.find(one => one.name === 'batch agents') ?? fail()
  const forget = (verifyMicros: number, spreadSeconds: number) =>
    simulateWarmUp({ mix, rate: 5000, micros: 100, verifyMicros, spreadSeconds })

  it('asks for more of its core for a while', () => {
    const { seconds, peakUtilization, peakVerifications, refused } = forget(50, 0)
    expect(peakUtilization).toBeGreaterThan(0.5)
    expect(peakVerifications).toBeGreaterThan(1000)
    expect(seconds).toBeGreaterThan(0)
    expect(refused).toBe(0)
  })

  it('is gentler where tokens change one after the other', () => {
    expect(forget(50, 60).peakVerifications).toBeLessThan(forget(50, 0).peakVerifications / 2)
  })

  it('refuses where a core does not suffice, and takes longer', () => {
    const [few, many] = [forget(50, 0), forget(2000, 0)]
    expect(many.refused).toBeGreaterThan(0)
    expect(many.seconds).toBeGreaterThan(few.seconds)
  })
})

describe('a fleet', () => {
  const [mix = fail()] = mixes
  const options = { ...estate, mix, transport: 'native', authorizer: 'watch' } as const
  const fleet = fleetFor(inputs, options)

  it('is as large as it must be, the same in each zone', () => {
    expect(fleet.processes % estate.zones).toBe(0)
    expect(fleet.utilization).toBeLessThanOrEqual(estate.utilization)
    const { load } = fleet
    expect(load.micros * load.rate * fleet.processes).toBeGreaterThan(0.45e6 * (fleet.processes - estate.zones))
  })

  it('grows with the traffic', () => {
    const twice = fleetFor(inputs, { ...options, decisionsPerSecond: 2 * estate.decisionsPerSecond })
    expect(twice.processes).toBeGreaterThan(1.8 * fleet.processes)
  })
})

describe('the inputs', () => {
  it('have a transport that takes something', () => {
    for (const transport of ['grpc-js', 'native'] as const)
      expect(transportMicros(inputs, transport)).toBeGreaterThan(0)
  })

  it('make sets of policies that cost about what they were measured to cost', () => {
    for (const one of inputs.loads) {
      const { heapBytes, loadSeconds } = setCost(inputs, one)
      if (one.heapBytes > 20e6) expect(heapBytes / one.heapBytes, JSON.stringify(one)).toBeGreaterThan(0.6)
      if (one.heapBytes > 20e6) expect(heapBytes / one.heapBytes, JSON.stringify(one)).toBeLessThan(1.6)
      if (one.loadMs > 1000) expect((1000 * loadSeconds) / one.loadMs, JSON.stringify(one)).toBeGreaterThan(0.4)
      if (one.loadMs > 1000) expect((1000 * loadSeconds) / one.loadMs, JSON.stringify(one)).toBeLessThan(2.5)
    }
  })
})

describe('tables', () => {
  it('stand numbers to the right', () => {
    expect(table(['a', 'b'], [['x', '1,000']])).toBe('| a | b |\n| --- | --: |\n| x | 1,000 |')
  })

  it.each([
    [0.123, '0.12'],
    [1.25, '1.3'],
    [12.4, '12'],
    [1234, '1,230'],
    [1_234_567, '1,230,000'],
    [0, '0'],
  ])('%d is %s', (value, text) => expect(amount(value)).toBe(text))

  it.each([
    [0, '0 %'],
    [0.004, '0.40 %'],
    [0.5, '50 %'],
  ])('%d is %s', (share, text) => expect(percent(share)).toBe(text))

  it('name what is nearest to its end', () => {
    const far = { what: 'a', used: 1, limit: 10, setting: 's' }
    const near = { what: 'b', used: 30, limit: 10, setting: 't' }
    expect(printBreak(firstToBreak([far, near]))).toBe('b, beyond its end (3 ×): t')
    expect(printBreak(far)).toBe('a, at 10 % of its end: s')
  })
})

function fail(): never {
  throw new Error('there is no such traffic')
}
