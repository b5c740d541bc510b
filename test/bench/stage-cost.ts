import { median } from './statistics.js'
import { type StageName, stageNames, type WarmCall } from './warm-call.js'

/** What the stages of the typical warm call take, each on its own, and what share of the whole that is. */
export interface StageCost {
  /** Microseconds per call; medians of the rounds. */
  readonly micros: Readonly<Record<StageName, number>>
  /** Identity and RBAC together by the whole: medians of the ratios of the rounds. */
  readonly ofPipeline: number
  readonly ofBare: number
  readonly ofDecision: number
  /** The same with all of stage 7 in the place of RBAC: what the catalogue makes of the call included. */
  readonly withCatalogOfPipeline: number
}

export interface StageCostOptions {
  readonly rounds: number
  /** About how long all stages together are measured in one round, in milliseconds. */
  readonly roundMs: number
}

/** Few calls at a time, so that they are as young as a request is when it is judged. */
const batch = 16

/**
 * The stages are measured in turns, a batch of calls each, in one process, so that what disturbs the machine disturbs all.
 * The median of the batches of a round leaves out those in which memory was tidied up; that favours nobody, as most garbage
 * is that of the pipeline.
 */
export function measureStages(call: WarmCall, { rounds, roundMs }: StageCostOptions): StageCost {
  const samples = Array.from({ length: rounds }, () => measureRound(call, roundMs))
  const middle = (of: (sample: Record<StageName, number>) => number) => median(samples.map(of))
  return {
    micros: perStage(stage => middle(sample => sample[stage])),
    ofPipeline: middle(({ identity, rbac, pipeline }) => (identity + rbac) / pipeline),
    ofBare: middle(({ identity, rbac, bare }) => (identity + rbac) / bare),
    ofDecision: middle(({ identity, rbac, decision }) => (identity + rbac) / decision),
    withCatalogOfPipeline: middle(({ identity, authorization, pipeline }) => (identity + authorization) / pipeline),
  }
}

/** Until the compiler of the machine has done its work. Milliseconds. */
export function warmUpStages(call: WarmCall, ms: number): void {
  measureRound(call, ms)
}

function measureRound(call: WarmCall, ms: number): Record<StageName, number> {
  const times = perStage<number[]>(() => [])
  const end = performance.now() + ms
  do for (const stage of stageNames) times[stage].push(timeBatch(call, stage))
  while (performance.now() < end)
  return perStage(stage => median(times[stage]))
}

/** Microseconds per call. */
function timeBatch(call: WarmCall, stage: StageName): number {
  const run = call.prepare(stage, batch)
  const start = performance.now()
  for (let input = 0; input < batch; input++) run(input)
  return ((performance.now() - start) * 1000) / batch
}

function perStage<T>(of: (stage: StageName) => T): Record<StageName, T> {
  return {
    pipeline: of('pipeline'),
    bare: of('bare'),
    decision: of('decision'),
    identity: of('identity'),
    rbac: of('rbac'),
    authorization: of('authorization'),
  }
}
