import { median } from '../statistics.js'
import { startAll } from './compare-cpu.js'
import { LoadProcess } from './load-process.js'
import { passed, startMeasuredEnvoy } from './measured-envoy.js'
import type { Start } from './servers.js'
import { ratioOf, type StableRatio } from './stable-ratio.js'

export interface EnvoyOptions {
  readonly pinned: boolean
  readonly warmUpRequests: number
  readonly rounds: number
  readonly roundSeconds: number
  /** Of the open loop. */
  readonly perSecond: number
  progress(line: string): void
}

export interface BehindEnvoy {
  /** Milliseconds of a call that Envoy lets pass without asking; median. */
  readonly openMs: number
  readonly servers: readonly {
    readonly name: string
    /** Calls per second, as fast as it goes; median. */
    readonly throughput: number
    /** What asking adds to the median, in milliseconds, at a fixed rate. */
    readonly addedMs: number
    readonly p99Ms: number
    /** Beside the first one, of the same round. */
    readonly throughputRatio: StableRatio
    readonly addedRatio: StableRatio
  }[]
}

interface Sample {
  readonly throughput: number
  readonly addedMs: number
  readonly p99Ms: number
}

const connections = 16

/** What clients of a real Envoy see of several authorizers, in turns; Envoy without ext_authz is zero. */
export async function compareBehindEnvoy(
  starts: readonly Start[],
  message: Buffer,
  request: Buffer,
  options: EnvoyOptions,
): Promise<BehindEnvoy> {
  const { pinned, warmUpRequests, rounds, roundSeconds, perSecond, progress } = options
  const contenders = await startAll(starts, message, pinned)
  const generator = new LoadProcess()
  const stops = [() => generator.stop(), ...contenders.map(contender => () => contender.stop())]
  try {
    for (const contender of contenders) await contender.warmUp(warmUpRequests)
    const envoy = await startMeasuredEnvoy(
      contenders.map(({ server }) => server.port),
      pinned,
    )
    stops.push(() => envoy.stop())
    const through = (port: number, seconds: number, rate?: number) =>
      generator.run({
        ...{ protocol: 'http1', port, connections, seconds, message: request.toString('base64') },
        expected: passed.toString('base64'),
        ...(rate !== undefined && { perSecond: rate }),
      })
    for (const port of [envoy.openPort, ...envoy.ports]) await through(port, roundSeconds)
    const open: number[] = []
    const samples = starts.map((): Sample[] => [])
    for (let round = 1; round <= rounds; round++) {
      const { p50Ms } = await through(envoy.openPort, roundSeconds, perSecond)
      open.push(p50Ms)
      for (const [at, port] of envoy.ports.entries()) {
        const paced = await through(port, roundSeconds, perSecond)
        const { requests, seconds } = await through(port, roundSeconds)
        samples[at]?.push({ throughput: requests / seconds, addedMs: paced.p50Ms - p50Ms, p99Ms: paced.p99Ms })
      }
      const said = (at: number) => {
        const { throughput = 0, addedMs = 0 } = samples[at]?.at(-1) ?? {}
        return `${starts[at]?.name} ${throughput.toFixed(0)}/s +${addedMs.toFixed(2)} ms`
      }
      progress(`round ${round}/${rounds}: ${starts.map((_, at) => said(at)).join(', ')}`)
    }
    return { openMs: median(open), servers: starts.map(({ name }, at) => summary(name, samples[at], samples[0])) }
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}

function summary(name: string, own: readonly Sample[] = [], first: readonly Sample[] = []) {
  const middle = (of: (sample: Sample) => number) => median(own.map(of))
  const beside = (of: (sample: Sample) => number) =>
    ratioOf(
      own.map((sample, round) => {
        const other = first[round]
        return other === undefined ? Number.NaN : of(sample) / of(other)
      }),
    )
  return {
    name,
    throughput: middle(one => one.throughput),
    addedMs: middle(one => one.addedMs),
    p99Ms: middle(one => one.p99Ms),
    throughputRatio: beside(one => one.throughput),
    addedRatio: beside(one => one.addedMs),
  }
}
