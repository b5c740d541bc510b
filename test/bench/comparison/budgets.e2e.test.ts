import { availableParallelism } from 'node:os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { canPin } from '../server-process.js'
import { median } from '../statistics.js'
import { type BenchPolicies, createBenchPolicies } from './bench-policies.js'
import { type BudgetName, readBudgets, tolerance } from './budgets.js'
import { measureRounds, ratiosToFirst } from './compare-cpu.js'
import { compareMemory } from './compare-memory.js'
import { measureStart, type Times } from './compare-starts.js'
import { Contender } from './contender.js'
import { tellsUsage } from './process-usage.js'
import { guardrailSets } from './run-comparison.js'
import { goFloor, grpcJsFloor, type Start, service } from './servers.js'
import { type StableRatio, type UntilStable, untilClear } from './stable-ratio.js'

const budgets = readBudgets()
const go = await goFloor(line => process.stderr.write(`${line}\n`))
const pinned = canPin()

describe.runIf(tellsUsage)(`the service keeps to its budgets on ${availableParallelism()} cores`, () => {
  let policies: BenchPolicies
  const contenders = new Map<string, Contender>()

  beforeAll(async () => {
    policies = createBenchPolicies()
    for (const start of [...('built' in go ? [] : [go]), grpcJsFloor(), ...guardrailSets(policies)]) {
      const contender = await Contender.start(start, policies.message, pinned)
      contenders.set(start.name, contender)
      await contender.warmUp(20_000)
    }
  }, 180_000)

  afterAll(async () => {
    for (const contender of contenders.values()) await contender.stop()
    policies?.remove()
  })

  const withGo = 'built' in go ? it.skip : it
  withGo('native beside go', () => expectCpu('native beside go', '3 match', 'go'))
  it('native beside grpc-js', () => expectCpu('native beside grpc-js', '3 match', 'nothing on grpc-js'))
  it('30 guardrails', () => expectCpu('30 guardrails', '30 match', '3 match'))
  it('300 others', () => expectCpu('300 others', '3 match, 300 do not', '3 match'))

  it('memory', async () => {
    const starts = [service({ transport: 'native', policies: policies.three })]
    const options = { pinned, decisions: 100_000 }
    // What a process holds depends on when garbage was collected last.
    const measure = async () => (await compareMemory(starts, policies.message, options))[0]?.afterMb ?? Number.NaN
    expectWithin('memory', await untilClear(limitOf('memory'), measure, { leastRounds: 1, mostRounds: 3 }))
  })

  it.each([
    ['first decision', (times: Times) => times.firstDecisionMs],
    ['first check', (times: Times) => times.firstCheckMs],
  ] as const)('%s', async (name, timeOf) => {
    const measure = async (start: Start) => timeOf(await measureStart(start, policies.message, pinned))
    const native = service({ transport: 'native', policies: policies.three })
    const measureRound = async () => (await measure(native)) / (await measure(grpcJsFloor()))
    expectWithin(name, await untilClear(limitOf(name), measureRound, { leastRounds: 4, mostRounds: 9 }))
  })

  async function expectCpu(name: BudgetName, ours: string, theirs: string): Promise<void> {
    const pair = [running(theirs), running(ours)]
    const measureRound = async () => {
      const [first, second = []] = await measureRounds(pair, { roundRequests: 8_000, rounds: one })
      return median(ratiosToFirst(second, first))
    }
    expectWithin(name, await untilClear(limitOf(name), measureRound, { leastRounds: 6, mostRounds: 25 }))
  }

  function running(name: string): Contender {
    const contender = contenders.get(name)
    if (contender === undefined) throw new Error(`${name} does not run`)
    return contender
  }
})

const one: UntilStable = { leastRounds: 1, mostRounds: 1, spread: 1 }

function limitOf(name: BudgetName): number {
  return budgets[name].budget * tolerance
}

function expectWithin(name: BudgetName, { ratio, low, high, rounds }: StableRatio): void {
  const { budget, of } = budgets[name]
  const measured = `${ratio.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)} in ${rounds} rounds)`
  process.stderr.write(`${name}: ${measured}, budget ${budget}: ${of}\n`)
  expect(ratio, `${name}: ${of}; measured ${measured}, the budget is ${budget}`).toBeLessThanOrEqual(limitOf(name))
  // Less than that would mean that something was not done.
  expect(ratio).toBeGreaterThan(budget / 10)
}
