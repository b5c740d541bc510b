import type { Registry } from 'prom-client'
import { TimesByLabel } from './times-by-label.js'
import type { TracedStage } from './tracing/decision-tracer.js'

/** Takes the time of the stages of one decision. */
export interface StageTimer {
  /** A stage begins, and the one before it ends; undefined only ends. */
  stage(name: TracedStage | undefined): void
}

/** One decision in so many is timed, on average. */
export const timedOneIn = 32

/** Seconds. Most stages of a warm decision take some microseconds, one that asks an API server takes milliseconds. */
const buckets = [
  ...[0.000_001, 0.000_002_5, 0.000_005, 0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5],
  ...[0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25, 1, 5],
]

/**
 * Registers the times of stages. What is returned is asked at the begin of each decision, and has a timer for some of them
 * only: seven looks at the clock and six observations would be a tenth of a warm decision.
 * @param random from 0 to below 1. Default Math.random
 */
export function registerStages(registry: Registry, random: () => number = Math.random): () => StageTimer | undefined {
  const duration = new TimesByLabel(registry, {
    name: 'mcp_authz_stage_duration_seconds',
    help: `Time of the stages of decisions, waiting included, of about one decision in ${timedOneIn}.`,
    label: 'stage',
    buckets,
  })
  // Traffic repeats itself: every thirty-second decision could always be the same call.
  const gap = () => 1 + Math.floor(random() * (2 * timedOneIn - 1))
  let left = gap()
  return () => {
    if (--left > 0) return undefined
    left = gap()
    return new Timer(duration)
  }
}

class Timer implements StageTimer {
  readonly #times: TimesByLabel
  #name: TracedStage | undefined
  #since = 0

  constructor(times: TimesByLabel) {
    this.#times = times
  }

  stage(name: TracedStage | undefined): void {
    const now = performance.now()
    if (this.#name !== undefined) this.#times.add(this.#name, (now - this.#since) / 1000)
    this.#name = name
    this.#since = now
  }
}
