import type { AdversarialInput } from './adversarial-inputs.js'

export interface Growth {
  readonly name: string
  /**
   * Milliseconds of processor time for the smaller and the larger input; the fastest of several runs each. What else the
   * machine does while it waits counts for nothing, and interrupts do not slow down every run.
   */
  readonly small: number
  readonly large: number
  /** How many times the larger takes what it would if time grew with the size: 1 is linear, the ratio of sizes squared. */
  readonly factor: number
}

export interface GrowthOptions {
  readonly small: number
  readonly large: number
  readonly runs: number
}

/** Whatever takes less on the larger input is fast enough, and too short to be compared. Milliseconds. */
const negligibleMs = 1

export function measureGrowth(input: AdversarialInput, { small, large, runs }: GrowthOptions): Growth {
  const smallMs = fastest(input.prepare(small), runs)
  const largeMs = fastest(input.prepare(large), runs)
  const linear = (smallMs * large) / small
  return { name: input.name, small: smallMs, large: largeMs, factor: largeMs < negligibleMs ? 0 : largeMs / linear }
}

function fastest(run: () => unknown, runs: number): number {
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < runs; i++) {
    const before = process.cpuUsage()
    run()
    const { user, system } = process.cpuUsage(before)
    best = Math.min(best, (user + system) / 1000)
  }
  return best
}
