import { setImmediate } from 'node:timers/promises'
import { createDecide } from '../../decision/create-decide.js'
import type { Principal } from '../../identity/principal.js'
import type { Guardrail } from '../../policy/guardrail.js'
import { RuleIndex } from '../../policy/rule-index.js'
import { createServerTable } from '../../policy/server-table.js'
import type { PolicySnapshot } from '../../policy/snapshot.js'
import type { DecisionSpan, DecisionTracer, TracedStage } from '../../telemetry/tracing/decision-tracer.js'
import { assume, assumedPrincipal } from '../assumed-principal.js'
import { withPermissions } from '../diff/permissions.js'
import type { BenchCall } from './bench-call.js'
import { type Bench, type Measured, measure, quantile, together } from './measure.js'

export interface BenchOptions {
  readonly snapshot: PolicySnapshot
  readonly calls: readonly BenchCall[]
  /** Milliseconds that all of it takes, roughly. */
  readonly ms: number
  onProgress?(done: number, of: number): void
  readonly signal?: AbortSignal
}

/** What decisions cost. Figures but ratios and shares are of this machine, at this moment. */
export interface BenchReport {
  readonly calls: readonly CallCost[]
  readonly all: Cost
  /** Share of the time, from 0 to 1; the rest is the answer and the record. */
  readonly stages: Readonly<Record<TracedStage | 'rest', number>>
  /** The costliest first. */
  readonly guardrails: readonly GuardrailCost[]
}

export interface Cost {
  readonly decisions: number
  /** Per second of one processor core. */
  readonly perSecond: number
  readonly p50Micros: number
  readonly p99Micros: number
  /** How many times as much processor time as where everything is allowed and no rule looks. */
  readonly floorRatio: number
}

export interface CallCost extends Cost {
  readonly server: string
  readonly what: string
}

export interface GuardrailCost {
  readonly name: string
  readonly evaluations: number
  /** Microseconds of each evaluation. */
  readonly micros: number
  /** CEL cost units of each evaluation. */
  readonly units: number
  /** Of the time of all decisions, from 0 to 1. */
  readonly share: number
}

/** Of the time: to become warm; with rules and without, in turn; by stage; by Guardrail. */
const shares = { warm: 0.15, measured: 0.55, stages: 0.15, guardrails: 0.15 } as const
/** Decisions after which code is compiled and caches are full. */
const warmAfter = 3000
/** Turns that with and without rules take, so that a busy moment of the machine meets both. */
const turns = 4

/** Decides calls in this process, one after the other, and measures. */
export async function benchPolicies(options: BenchOptions): Promise<BenchReport> {
  const { snapshot, calls, ms, signal, onProgress } = options
  const groups = new Map<string, BenchCall[]>()
  for (const call of calls) {
    const key = JSON.stringify([call.server, call.what])
    groups.set(key, [...(groups.get(key) ?? []), call])
  }
  const bench = benchOf(snapshot)
  const floor = benchOf(withoutRules(snapshot))
  await measure(bench, calls, ms * shares.warm * 0.6, warmAfter)
  await measure(floor, calls, ms * shares.warm * 0.4, warmAfter)
  const each = (ms * shares.measured) / Math.max(1, groups.size) / turns / 2
  const costs: CallCost[] = []
  const wholes: [Measured[], Measured[]] = [[], []]
  let done = 0
  for (const group of groups.values()) {
    const [ours, floors]: [Measured[], Measured[]] = [[], []]
    for (let turn = 0; turn < turns; turn++) {
      ours.push(await measure(bench, group, each))
      floors.push(await measure(floor, group, each))
    }
    await setImmediate()
    if (signal?.aborted === true) throw new Error('interrupted')
    onProgress?.(++done, groups.size)
    const [first] = group
    if (first !== undefined)
      costs.push({ server: first.server, what: first.what, ...costOf(together(ours), together(floors)) })
    wholes[0].push(...ours)
    wholes[1].push(...floors)
  }
  return {
    calls: costs.sort((a, b) => a.perSecond - b.perSecond),
    all: costOf(together(wholes[0]), together(wholes[1])),
    stages: await stagesOf(snapshot, calls, ms * shares.stages),
    guardrails: await guardrailsOf(snapshot, calls, ms * shares.guardrails),
  }
}

function costOf(ours: Measured, floor: Measured): Cost {
  const perDecision = ({ seconds, decisions }: Measured) => seconds / Math.max(1, decisions)
  return {
    decisions: ours.decisions,
    perSecond: ours.seconds === 0 ? 0 : ours.decisions / ours.seconds,
    p50Micros: quantile(ours.micros, 0.5),
    p99Micros: quantile(ours.micros, 0.99),
    floorRatio: perDecision(floor) === 0 ? 1 : perDecision(ours) / perDecision(floor),
  }
}

/** The pipeline of the service with its record, who asks being known. */
function benchOf(snapshot: PolicySnapshot, tracer?: DecisionTracer): Bench {
  let principal: Principal = assumedPrincipal({ user: '' })
  let now = 0
  const authenticator = { ...assume(principal), authenticate: () => ({ ok: true, principal }) as const }
  const judgedBy = { ...snapshot, authenticator }
  const decide = createDecide({
    snapshot: () => judgedBy,
    upstream: 'withheld',
    now: () => now,
    onDecided: ({ record }) => void record(),
    ...(tracer !== undefined && { tracer: () => tracer }),
  })
  return call => {
    principal = call.principal
    now = call.now
    return decide(call.request)
  }
}

/** The same Servers and catalogues, where everything is given and nothing is taken away. */
function withoutRules(snapshot: PolicySnapshot): PolicySnapshot {
  const given = withPermissions(snapshot, false)
  const names = given.servers.all.map(({ name }) => name)
  return {
    ...given,
    servers: createServerTable(given.servers.all.map(server => ({ ...server, require: [] }))),
    grants: new RuleIndex([], names),
    guardrails: new RuleIndex([], names),
    resultGuardrails: new RuleIndex([], names),
    enrichments: new RuleIndex([], names),
    broken: new RuleIndex([], names),
  }
}

async function stagesOf(
  snapshot: PolicySnapshot,
  calls: readonly BenchCall[],
  ms: number,
): Promise<BenchReport['stages']> {
  const spent = { framing: 0, identity: 0, message: 0, authorization: 0, guardrails: 0, upstream: 0, rest: 0 }
  let current: keyof typeof spent = 'rest'
  let since = 0
  const to = (next: keyof typeof spent) => {
    const now = performance.now()
    spent[current] += now - since
    since = now
    current = next
  }
  const span: DecisionSpan = {
    traceId: '0'.repeat(32),
    stage: name => to(name ?? 'rest'),
    member: () => span,
    end: () => to('rest'),
  }
  const bench = benchOf(snapshot, { start: () => span })
  const timed: Bench = call => {
    since = performance.now()
    current = 'rest'
    const decided = bench(call)
    if (!(decided instanceof Promise)) to('rest')
    return decided
  }
  await measure(timed, calls, ms)
  const whole = Object.values(spent).reduce((sum, one) => sum + one, 0)
  const share = (part: number) => (whole === 0 ? 0 : part / whole)
  const { framing, identity, message, authorization, guardrails, upstream, rest } = spent
  return {
    ...{ framing: share(framing), identity: share(identity), message: share(message) },
    ...{
      authorization: share(authorization),
      guardrails: share(guardrails),
      upstream: share(upstream),
      rest: share(rest),
    },
  }
}

async function guardrailsOf(
  snapshot: PolicySnapshot,
  calls: readonly BenchCall[],
  ms: number,
): Promise<readonly GuardrailCost[]> {
  const spent = new Map<string, { evaluations: number; ms: number; units: number }>()
  const timed = (guardrail: Guardrail): Guardrail => {
    const own = { evaluations: 0, ms: 0, units: 0 }
    spent.set(guardrail.name, own)
    return {
      ...guardrail,
      evaluate(activation, budget) {
        const [left, since] = [budget.left, performance.now()]
        const judgement = guardrail.evaluate(activation, budget)
        own.ms += performance.now() - since
        own.units += left - Math.max(0, budget.left)
        own.evaluations++
        return judgement
      },
    }
  }
  const names = snapshot.servers.all.map(({ name }) => name)
  const all = new Set(names.flatMap(name => snapshot.guardrails.ofServer(name)))
  const bench = benchOf({ ...snapshot, guardrails: new RuleIndex([...all].map(timed), names) })
  const { micros, decisions } = await measure(bench, calls, ms)
  const whole = micros.reduce((sum, one) => sum + one, 0) * (decisions / Math.max(1, micros.length))
  return [...spent]
    .filter(([, { evaluations }]) => evaluations > 0)
    .map(([name, { evaluations, ms: own, units }]) => ({
      ...{ name, evaluations, micros: (own * 1000) / evaluations, units: units / evaluations },
      share: whole === 0 ? 0 : (own * 1000) / whole,
    }))
    .sort((a, b) => b.share - a.share)
}
