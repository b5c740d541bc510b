import { randomNumbers, untilNext } from './random.js'

export type Balancing = 'round robin' | 'least request'

export interface ReplicasOptions {
  readonly replicas: number
  /** Threads of gateways; each knows only of its own requests, as Envoy's workers do. */
  readonly gateways: number
  readonly balancing: Balancing
  /** Of the ordinary replicas. */
  readonly utilization: number
  readonly micros: number
  /** One replica takes this many times as long for everything. */
  readonly slowdown: number
  /** Milliseconds that the gateway waits. */
  readonly timeoutMs: number
  readonly seed: number
  readonly requests?: number
}

export interface ReplicasResult {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  /** Share of all requests that the slow one got, that it refused, and that were given up by the gateway. */
  readonly toSlow: number
  readonly refused: number
  readonly timedOut: number
}

/** What a refusal costs, as a share of a decision (docs/overload.md: a half to three quarters with the transport). */
const refusalCost = 0.6
const maxTurnSeconds = 0.1

interface Answer {
  readonly at: number
  readonly gateway: number
  readonly replica: number
}

/**
 * Requests over replicas of one core each, one event for each request. A replica that is more than `overload.maxTurnMs` behind
 * refuses, which is an answer: the gateway cannot tell that it is slow.
 */
export function simulateReplicas(options: ReplicasOptions): ReplicasResult {
  const { replicas, gateways, balancing, utilization, micros, slowdown, timeoutMs, requests = 120_000 } = options
  const random = randomNumbers(options.seed)
  const rate = (utilization * replicas * 1e6) / micros
  const free = new Float64Array(replicas)
  const active = Array.from({ length: gateways }, () => new Int32Array(replicas))
  const turns = Array.from({ length: gateways }, (_, at) => at)
  const answers = new EarliestFirst()
  const times = new Float64Array(requests)
  let [now, toSlow, refused, timedOut] = [0, 0, 0, 0]
  for (let at = 0; at < requests; at++) {
    now += untilNext(random, rate)
    for (let done = answers.upTo(now); done !== undefined; done = answers.upTo(now)) {
      const counts = active[done.gateway]
      if (counts !== undefined) counts[done.replica] = (counts[done.replica] ?? 1) - 1
    }
    const gateway = Math.floor(random() * gateways)
    const counts = active[gateway] ?? new Int32Array(replicas)
    const turn = (turns[gateway] ?? 0) + 1
    turns[gateway] = turn
    const replica = balancing === 'round robin' ? turn % replicas : leastOfTwo(counts, random)
    const behind = Math.max(0, (free[replica] ?? 0) - now)
    const refuses = behind > maxTurnSeconds
    const takes = ((refuses ? refusalCost : 1) * (replica === 0 ? slowdown : 1) * micros) / 1e6
    const ends = now + behind + takes
    free[replica] = ends
    counts[replica] = (counts[replica] ?? 0) + 1
    const ms = Math.min(timeoutMs, (ends - now) * 1000)
    answers.add({ at: now + ms / 1000, gateway, replica })
    times[at] = ms
    if (replica === 0) toSlow++
    if (ms >= timeoutMs) timedOut++
    else if (refuses) refused++
  }
  times.sort()
  const at = (share: number) => times[Math.floor(requests * share)] ?? 0
  const [p50Ms, p99Ms, p999Ms] = [at(0.5), at(0.99), at(0.999)]
  return { p50Ms, p99Ms, p999Ms, toSlow: toSlow / requests, refused: refused / requests, timedOut: timedOut / requests }
}

/** The default of Envoy's LEAST_REQUEST: two at random, and the one of them that has less under way. */
function leastOfTwo(counts: Int32Array, random: () => number): number {
  const one = Math.floor(random() * counts.length)
  const other = Math.floor(random() * counts.length)
  return (counts[other] ?? 0) < (counts[one] ?? 0) ? other : one
}

/** A heap of answers by their time. */
class EarliestFirst {
  readonly #heap: Answer[] = []

  add(answer: Answer): void {
    const heap = this.#heap
    heap.push(answer)
    let at = heap.length - 1
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = heap[above]
      if (parent === undefined || parent.at <= answer.at) break
      heap[at] = parent
      at = above
    }
    heap[at] = answer
  }

  /** The first that came by this time; undefined if there is none. */
  upTo(time: number): Answer | undefined {
    const heap = this.#heap
    const first = heap[0]
    if (first === undefined || first.at > time) return undefined
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      const [left, right] = [heap[child], heap[child + 1]]
      if (left === undefined) break
      if (right !== undefined && right.at < left.at) child++
      const smaller = heap[child]
      if (smaller === undefined || smaller.at >= last.at) break
      heap[at] = smaller
      at = child
    }
    heap[at] = last
    return first
  }
}
