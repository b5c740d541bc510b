import { type BenchPolicies, createBenchPolicies } from './bench-policies.js'
import { type BehindEnvoy, compareBehindEnvoy } from './compare-behind-envoy.js'
import { type CpuCost, compareCpu } from './compare-cpu.js'
import { compareLatency, type Latency } from './compare-latency.js'
import { compareMemory, type Memory } from './compare-memory.js'
import { compareStarts, type StartTimes } from './compare-starts.js'
import { goFloor, grpcJsFloor, type Start, service } from './servers.js'
import type { UntilStable } from './stable-ratio.js'

export const comparisonParts = ['cpu', 'guardrails', 'latency', 'envoy', 'memory', 'start'] as const
export type ComparisonPart = (typeof comparisonParts)[number]

export interface ComparisonOptions {
  readonly parts: readonly ComparisonPart[]
  readonly pinned: boolean
  /** full is what numbers are quoted from. */
  readonly effort: 'full' | 'quick'
  /** Another checkout with its dist/, whose native service is measured as well: before and after a change, in one run. */
  readonly beside?: string
  progress(line: string): void
}

/** Parts that were not asked for are missing. */
export interface Comparison {
  readonly pinned: boolean
  /** Why nothing stands beside a server on Go, where that is so. */
  readonly withoutGo?: string
  readonly cpu?: readonly CpuCost[]
  readonly guardrails?: readonly CpuCost[]
  readonly latency?: readonly Latency[]
  readonly envoy?: BehindEnvoy
  readonly memory?: readonly Memory[]
  readonly starts?: readonly StartTimes[]
}

interface Effort {
  readonly generations: number
  readonly warmUpRequests: number
  readonly roundRequests: number
  readonly rounds: UntilStable
  readonly latency: { readonly rounds: number; readonly roundSeconds: number }
  readonly envoy: { readonly rounds: number; readonly roundSeconds: number }
  readonly starts: number
}

const efforts: Readonly<Record<ComparisonOptions['effort'], Effort>> = {
  full: {
    generations: 5,
    warmUpRequests: 100_000,
    roundRequests: 30_000,
    rounds: { leastRounds: 6, mostRounds: 12, spread: 0.04 },
    latency: { rounds: 7, roundSeconds: 5 },
    envoy: { rounds: 7, roundSeconds: 2 },
    starts: 9,
  },
  quick: {
    generations: 1,
    warmUpRequests: 40_000,
    roundRequests: 15_000,
    rounds: { leastRounds: 6, mostRounds: 6, spread: 0.1 },
    latency: { rounds: 3, roundSeconds: 2 },
    envoy: { rounds: 3, roundSeconds: 1 },
    starts: 3,
  },
}

/** Requests per second of the open loops: of gateways that ask us, and of clients of the gateway. */
export const checksPerSecond = 1000
export const callsPerSecond = 300
/** After which memory is read. */
export const decisionsBeforeMemory = 200_000

/** Everything beside servers that do nothing, in the same run. Without Go what stands beside it is left out, which is said. */
export async function runComparison(options: ComparisonOptions): Promise<Comparison> {
  const { parts, pinned, progress } = options
  const effort = efforts[options.effort]
  const policies = createBenchPolicies()
  try {
    const go = await goFloor(progress)
    const floor = 'built' in go ? [] : [go]
    const rivals = [...floor, ...services(policies, options)]
    const wants = (part: ComparisonPart) => parts.includes(part)
    const say = (part: string) => (line: string) => progress(`${part}: ${line}`)
    const { message, request } = policies
    return {
      pinned,
      ...('built' in go && { withoutGo: go.message }),
      ...(wants('cpu') && {
        cpu: await compareCpu([...rivals, grpcJsFloor()], message, { ...effort, pinned, progress: say('cpu') }),
      }),
      ...(wants('guardrails') && {
        guardrails: await compareCpu(guardrailSets(policies), message, {
          ...{ ...effort, pinned, progress: say('guardrails') },
        }),
      }),
      ...(wants('latency') && {
        latency: await compareLatency(rivals, message, {
          ...{ ...effort, ...effort.latency, pinned, perSecond: checksPerSecond, progress: say('latency') },
        }),
      }),
      ...(wants('envoy') && {
        envoy: await compareBehindEnvoy(rivals, message, request, {
          ...{ ...effort, ...effort.envoy, pinned, perSecond: callsPerSecond, progress: say('envoy') },
        }),
      }),
      ...(wants('memory') && {
        memory: await compareMemory(rivals, message, { pinned, decisions: decisionsBeforeMemory }),
      }),
      ...(wants('start') && {
        starts: await compareStarts([grpcJsFloor(), ...services(policies, options)], message, {
          ...{ pinned, rounds: effort.starts },
        }),
      }),
    }
  } finally {
    policies.remove()
  }
}

function services({ three }: BenchPolicies, { beside }: ComparisonOptions): readonly Start[] {
  const native = service({ transport: 'native', policies: three })
  const grpcJs = service({ transport: 'grpc-js', policies: three })
  if (beside === undefined) return [native, grpcJs]
  return [native, { ...service({ transport: 'native', policies: three, root: beside }), name: 'native beside' }, grpcJs]
}

/** The service with three Guardrails that match, with thirty, and with three beside 300 that do not. */
export function guardrailSets({ three, thirty, threeAndOthers }: BenchPolicies): readonly Start[] {
  const native = (name: string, policies: string) => ({ ...service({ transport: 'native', policies }), name })
  return [native('3 match', three), native('30 match', thirty), native('3 match, 300 do not', threeAndOthers)]
}
