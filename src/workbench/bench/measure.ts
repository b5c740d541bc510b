import type { Decide } from '../../decision/decision.js'
import type { BenchCall } from './bench-call.js'

/** What deciding some calls took. */
export interface Measured {
  readonly decisions: number
  /** Seconds of the processor, garbage collection included. */
  readonly seconds: number
  /** Microseconds, of each decision. */
  readonly micros: Float64Array
}

/** Decides calls by some policies. */
export type Bench = (call: BenchCall) => ReturnType<Decide>

const mostSamples = 200_000
/** Decisions between two looks at the clock that ends it. */
const stretch = 16

/**
 * Decides the same calls in turn for so long. Microseconds are of the clock, seconds of the processor.
 * @param least decisions for which a busy machine gets up to four times as long; default 0
 */
export async function measure(bench: Bench, calls: readonly BenchCall[], ms: number, least = 0): Promise<Measured> {
  const micros = new Float64Array(mostSamples)
  const cpu = process.cpuUsage()
  const start = performance.now()
  const isOver = (spent: number) => spent >= ms && (decisions >= least || spent >= 4 * ms)
  let decisions = 0
  for (let at = 0; !isOver(performance.now() - start); )
    for (let left = stretch; left > 0; left--) {
      const call = calls[at++ % calls.length]
      if (call === undefined) break
      const before = performance.now()
      const decided = bench(call)
      if (decided instanceof Promise) await decided
      micros[decisions % mostSamples] = (performance.now() - before) * 1000
      decisions++
    }
  const { user, system } = process.cpuUsage(cpu)
  return {
    decisions,
    seconds: (user + system) / 1e6,
    micros: micros.subarray(0, Math.min(decisions, mostSamples)).sort(),
  }
}

/** Several measurements as one. */
export function together(parts: readonly Measured[]): Measured {
  const all = Float64Array.from(parts.flatMap(({ micros }) => [...micros])).sort()
  return {
    decisions: parts.reduce((sum, { decisions }) => sum + decisions, 0),
    seconds: parts.reduce((sum, { seconds }) => sum + seconds, 0),
    micros: all,
  }
}

/** Of sorted values, the one that so large a share is not above; 0 of none. */
export function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
