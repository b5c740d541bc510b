import { median } from './statistics.js'

export interface CostRatio {
  /** Microseconds of processor time per run; medians of the rounds. */
  readonly ours: number
  readonly theirs: number
  /** Ours by theirs, median of the rounds. */
  readonly ratio: number
}

export interface CostRatioOptions {
  readonly rounds: number
  /** Least length of one measurement of one side, in milliseconds. */
  readonly roundMs: number
}

/**
 * What one function costs beside another. Both are measured in turns in one process, so that what disturbs the machine
 * disturbs both.
 */
export function measureRatio(ours: () => void, theirs: () => void, { rounds, roundMs }: CostRatioOptions): CostRatio {
  const [ourCount = 1, theirCount = 1] = [ours, theirs].map(run =>
    Math.ceil(roundMs / millisecondsOf(run, roundMs * 5)),
  )
  const samples = Array.from({ length: rounds }, () => ({
    ours: time(ours, ourCount),
    theirs: time(theirs, theirCount),
  }))
  return {
    ours: median(samples.map(one => one.ours)),
    theirs: median(samples.map(one => one.theirs)),
    ratio: median(samples.map(one => one.ours / one.theirs)),
  }
}

/** Of one run, once the compiler has done its work. */
function millisecondsOf(run: () => void, ms: number): number {
  const start = performance.now()
  let runs = 0
  while (performance.now() - start < ms) {
    run()
    runs++
  }
  return ms / runs
}

/** Microseconds of processor time per run. */
function time(run: () => void, count: number): number {
  const before = process.cpuUsage()
  for (let i = 0; i < count; i++) run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / count
}
