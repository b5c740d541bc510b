import type { LoadResult } from '../load.js'
import { median } from '../statistics.js'
import { startAll } from './compare-cpu.js'
import { LoadProcess } from './load-process.js'
import type { Start } from './servers.js'
import { ratioOf, type StableRatio } from './stable-ratio.js'

export interface LatencyOptions {
  readonly pinned: boolean
  readonly warmUpRequests: number
  readonly perSecond: number
  readonly rounds: number
  readonly roundSeconds: number
  progress(line: string): void
}

export interface Latency {
  readonly name: string
  /** Medians of the rounds. */
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  /** Of processor time per decision at this rate, where system calls serve one request each. */
  readonly cpuMicros: number
  /** How late the generator was, at p99.9: what of the latencies may be its own. */
  readonly lateP999Ms: number
  /** p99 beside the first one's, of the same round. */
  readonly p99Ratio: StableRatio
}

/** Latency from the time at which a request was due, at a fixed rate and at random times, of several servers in turns. */
export async function compareLatency(
  starts: readonly Start[],
  message: Buffer,
  options: LatencyOptions,
): Promise<readonly Latency[]> {
  const { pinned, warmUpRequests, perSecond, rounds, roundSeconds, progress } = options
  const contenders = await startAll(starts, message, pinned)
  const generator = new LoadProcess()
  const samples = starts.map((): (LoadResult & { readonly cpuMicros: number })[] => [])
  try {
    for (const contender of contenders) await contender.warmUp(warmUpRequests)
    const order = { protocol: 'grpc', connections: 4, message: message.toString('base64'), expected: '' } as const
    // The generator's own compiler has work to do as well.
    for (const { server } of contenders) await generator.run({ ...order, port: server.port, perSecond, seconds: 1 })
    for (let round = 1; round <= rounds; round++) {
      for (const [at, { server }] of contenders.entries()) {
        const before = server.usage()
        const result = await generator.run({ ...order, port: server.port, perSecond, seconds: roundSeconds })
        const cpuMicros = (server.usage().cpuMicros - before.cpuMicros) / result.requests
        samples[at]?.push({ ...result, cpuMicros })
      }
      progress(
        `round ${round}/${rounds}: p99 ${starts.map(({ name }, at) => `${name} ${samples[at]?.at(-1)?.p99Ms.toFixed(2)} ms`).join(', ')}`,
      )
    }
  } finally {
    generator.stop()
    for (const contender of contenders) await contender.stop()
  }
  return starts.map(({ name }, at) => {
    const own = samples[at] ?? []
    const middle = (of: (sample: (typeof own)[number]) => number) => median(own.map(of))
    return {
      name,
      p50Ms: middle(one => one.p50Ms),
      p99Ms: middle(one => one.p99Ms),
      p999Ms: middle(one => one.p999Ms),
      cpuMicros: middle(one => one.cpuMicros),
      lateP999Ms: middle(one => one.lateP999Ms),
      p99Ratio: ratioOf(own.map((one, round) => one.p99Ms / (samples[0]?.[round]?.p99Ms ?? Number.NaN))),
    }
  })
}
