import { describe, expect, it } from 'vitest'
import { type BenchPolicies, createBenchPolicies } from './bench-policies.js'
import { budgetNames, readBudgets } from './budgets.js'
import { compareCpu } from './compare-cpu.js'
import { compareLatency } from './compare-latency.js'
import { compareMemory } from './compare-memory.js'
import { compareStarts } from './compare-starts.js'
import { printComparison } from './print-comparison.js'
import { processUsage, tellsUsage } from './process-usage.js'
import { grpcJsFloor, type Start } from './servers.js'

const progress = () => undefined
const rounds = { leastRounds: 2, mostRounds: 2, spread: 1 }

describe.runIf(tellsUsage)('the comparison', () => {
  it('measures servers beside the first, and reports what it promises', { timeout: 120_000 }, async () => {
    const starts: readonly Start[] = [grpcJsFloor(), { ...grpcJsFloor(), name: 'its twin' }]
    const report = await withPolicies(async ({ message }) => ({
      pinned: false,
      cpu: await compareCpu(starts, message, {
        ...{ pinned: false, generations: 2, warmUpRequests: 100, roundRequests: 1500, rounds, progress },
      }),
      latency: await compareLatency(starts, message, {
        ...{ pinned: false, warmUpRequests: 50, perSecond: 400, rounds: 2, roundSeconds: 0.5, progress },
      }),
      memory: await compareMemory(starts, message, { pinned: false, decisions: 100 }),
      starts: await compareStarts(starts, message, { pinned: false, rounds: 2 }),
    }))
    for (const part of [report.cpu, report.latency, report.memory, report.starts])
      expect(part.map(({ name }) => name)).toEqual(['nothing on grpc-js', 'its twin'])
    expect(report.cpu[0]?.ratio).toEqual({ ratio: 1, low: 1, high: 1, rounds: 2 })
    for (const one of report.cpu) expect(one.micros, one.name).toBeGreaterThan(1)
    for (const one of report.latency) {
      expect(one.p99Ms, one.name).toBeGreaterThanOrEqual(one.p50Ms)
      expect(one.p999Ms, one.name).toBeGreaterThanOrEqual(one.p99Ms)
      expect(one.lateP999Ms, one.name).toBeGreaterThanOrEqual(0)
    }
    for (const one of report.memory) {
      expect(one.idleMb, one.name).toBeGreaterThan(10)
      expect(one.peakMb, one.name).toBeGreaterThanOrEqual(one.afterMb)
    }
    for (const one of report.starts) {
      expect(one.firstDecisionMs, one.name).toBeGreaterThan(one.readyMs)
      expect(one.firstCheckMs, one.name).toBeLessThan(one.firstDecisionMs)
    }
    const printed = printComparison(report)
    expect(printed).toContain('Processor time per decision')
    expect(printed).toContain('its twin')
    expect(printed).toContain('Resident memory after')
  })

  it('does not measure a server that denies', async () => {
    const denied = withPolicies(async ({ message }) => {
      const text = message.toString('latin1').replace('POST', 'LOCK')
      return compareMemory([grpcJsFloor()], Buffer.from(text, 'latin1'), { pinned: false, decisions: 5 })
    })
    await expect(denied).rejects.toThrow('nothing on grpc-js: 5 of 5 answers were not an allow')
  })

  it('says when there is no Go', () =>
    expect(printComparison({ pinned: true, withoutGo: 'go-floor: needs Go' })).toBe(
      'NOT MEASURED beside a server on Go: go-floor: needs Go',
    ))

  it('counts the processor time of any process', () => {
    const before = processUsage(process.pid)
    const until = performance.now() + 100
    while (performance.now() < until) Math.sqrt(until)
    const after = processUsage(process.pid)
    expect(after.cpuMicros).toBeGreaterThanOrEqual(before.cpuMicros)
    expect(Number.isInteger(after.rssBytes)).toBe(true)
    expect(after.peakRssBytes).toBeGreaterThanOrEqual(after.rssBytes)
  })
})

it('budgets.json names every budget', () => expect(Object.keys(readBudgets()).sort()).toEqual([...budgetNames].sort()))

async function withPolicies<Result>(use: (policies: BenchPolicies) => Promise<Result>): Promise<Result> {
  const policies = createBenchPolicies()
  try {
    return await use(policies)
  } finally {
    policies.remove()
  }
}
