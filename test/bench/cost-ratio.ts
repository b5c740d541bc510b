import { median } from './statistics.js'

export interface CostRatio {
  /** Microseconds of processor time per run; medians of the rounds. */
  readonly ours: number
  readonly theirs: number
  /** Ours by theirs, median of the rounds. */
  readonly ratio: number
}

/** What is measured, once. Only what does not end at once is waited for. */
export type Run = () => void | Promise<void>

export interface CostRatioOptions {
  readonly rounds: number
  /** Least length of one measurement of one side, in milliseconds. */
  readonly roundMs: number
}

/**
 * What one function costs beside another. Both are measured in turns in one process, so that what disturbs the machine
 * disturbs both.
 */
export async function measureRatio(ours: Run, theirs: Run, { rounds, roundMs }: CostRatioOptions): Promise<CostRatio> {
  const ourCount = Math.ceil(roundMs / (await millisecondsOf(ours, roundMs * 5)))
  const theirCount = Math.ceil(roundMs / (await millisecondsOf(theirs, roundMs * 5)))
  const samples: { readonly ours: number; readonly theirs: number }[] = []
  for (let round = 0; round < rounds; round++)
    samples.push({ ours: await time(ours, ourCount), theirs: await time(theirs, theirCount) })
  return {
    ours: median(samples.map(one => one.ours)),
    theirs: median(samples.map(one => one.theirs)),
    ratio: median(samples.map(one => one.ours / one.theirs)),
  }
}

/** Of one run, once the compiler has done its work. */
async function millisecondsOf(run: Run, ms: number): Promise<number> {
  const start = performance.now()
  let runs = 0
  while (performance.now() - start < ms) {
    const done = run()
    if (done instanceof Promise) await done
    runs++
  }
  return ms / runs
}

/** Microseconds of processor time per run. */
async function time(run: Run, count: number): Promise<number> {
  const before = process.cpuUsage()
  for (let i = 0; i < count; i++) {
    const done = run()
    if (done instanceof Promise) await done
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / count
}
