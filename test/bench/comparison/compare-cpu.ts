import { median } from '../statistics.js'
import { Contender, type CpuSample } from './contender.js'
import type { Start } from './servers.js'
import { isStable, ratioOf, type StableRatio, type UntilStable } from './stable-ratio.js'

export interface CpuOptions {
  readonly pinned: boolean
  /**
   * How often all servers are started anew. Two processes of the same program differ by some percent for as long as they
   * live, since what the compiler makes of it depends on what came first.
   */
  readonly generations: number
  readonly warmUpRequests: number
  /** Of one server. Time is counted in hundredths of a second, so that a round must take many of them. */
  readonly roundRequests: number
  readonly rounds: UntilStable
  progress(line: string): void
}

export interface CpuCost {
  readonly name: string
  /** Of processor time per decision; medians. */
  readonly micros: number
  /** At saturation. */
  readonly perSecond: number
  /** Near 1 the generator, and not the server, is what was measured. */
  readonly generatorBusy: number
  /** Processor time beside the first one's. With several generations: of the medians of each. */
  readonly ratio: StableRatio
}

/** Processor time per decision of several servers, in turns; the first is what the others stand beside. */
export async function compareCpu(
  starts: readonly Start[],
  message: Buffer,
  options: CpuOptions,
): Promise<readonly CpuCost[]> {
  const samples = starts.map((): CpuSample[] => [])
  const generations = starts.map((): number[][] => [])
  for (let generation = 1; generation <= options.generations; generation++) {
    const measured = await measureGeneration(starts, message, options)
    for (const [at, rounds] of measured.entries()) {
      samples[at]?.push(...rounds)
      generations[at]?.push(ratiosToFirst(rounds, measured[0]))
    }
    options.progress(
      `generation ${generation}/${options.generations}: ${starts.map(({ name }, at) => `${name} ${middle(measured[at] ?? [], one => one.micros).toFixed(1)} µs`).join(', ')}`,
    )
  }
  return starts.map(({ name }, at) => {
    const own = samples[at] ?? []
    const each = generations[at] ?? []
    return {
      name,
      micros: middle(own, one => one.micros),
      perSecond: middle(own, one => one.perSecond),
      generatorBusy: middle(own, one => one.generatorBusy),
      ratio: each.length > 1 ? ratioOf(each.map(median)) : ratioOf(each[0] ?? []),
    }
  })
}

/** Samples of each server, by round. Nothing is left behind, whatever happens. */
async function measureGeneration(starts: readonly Start[], message: Buffer, options: CpuOptions): Promise<Rounds> {
  const contenders = await startAll(starts, message, options.pinned)
  try {
    for (const contender of contenders) await contender.warmUp(options.warmUpRequests)
    return await measureRounds(contenders, options)
  } finally {
    for (const contender of contenders) await contender.stop()
  }
}

/** Samples of each contender, by round. */
export type Rounds = readonly (readonly CpuSample[])[]

/** Measures servers that run, in turns, until each ratio to the first one is stable. */
export async function measureRounds(
  contenders: readonly Contender[],
  { roundRequests, rounds }: Pick<CpuOptions, 'roundRequests' | 'rounds'>,
): Promise<Rounds> {
  const samples = contenders.map((): CpuSample[] => [])
  do {
    for (const [at, contender] of contenders.entries())
      samples[at]?.push(await contender.cpuPerDecision({ requests: roundRequests, seconds: 60 }))
  } while (!samples.every(own => isStable(ratioOf(ratiosToFirst(own, samples[0])), rounds)))
  return samples
}

export async function startAll(starts: readonly Start[], message: Buffer, pinned: boolean): Promise<Contender[]> {
  const started = await Promise.allSettled(starts.map(start => Contender.start(start, message, pinned)))
  const contenders = started.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []))
  const failed = started.find(one => one.status === 'rejected')
  if (failed === undefined) return contenders
  for (const contender of contenders) await contender.stop()
  throw failed.reason
}

/** Of the same rounds: what disturbs the machine disturbs both sides. */
export function ratiosToFirst(own: readonly CpuSample[], first: readonly CpuSample[] = []): number[] {
  return own.map(({ micros }, at) => micros / (first[at]?.micros ?? Number.NaN))
}

function middle(samples: readonly CpuSample[], of: (sample: CpuSample) => number): number {
  return median(samples.map(of))
}
