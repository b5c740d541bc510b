import { describe, expect, it } from 'vitest'
import { scaleRequest } from './check-requests.js'
import { printReport } from './print-report.js'
import { runBench, scenarioNames } from './run-bench.js'
import { median, quantile } from './statistics.js'

describe('the benchmark', () => {
  it('judges every request as it must, and reports what it promises', { timeout: 60_000 }, async () => {
    const lines: string[] = []
    const report = await runBench({
      code: 'src',
      pinned: false,
      rounds: 2,
      round: { requests: 100 },
      warmUp: { requests: 40 },
      openRounds: 1,
      openRound: { requests: 50 },
      coldTokens: 50,
      progress: line => lines.push(line),
    })
    expect(report.scenarios.map(({ name, requests, wrong }) => ({ name, requests, wrong }))).toEqual(
      scenarioNames.map(name => ({ name, requests: 200, wrong: 0 })),
    )
    for (const { name, ...numbers } of report.scenarios)
      for (const [key, value] of Object.entries(numbers))
        if (key !== 'wrong') expect(value, `${name} ${key}`).toBeGreaterThan(0)
    expect(report.scenarios[0]?.ratioToFloor).toBe(1)
    expect(report.openLoop.scenarios.map(({ name, wrong }) => ({ name, wrong }))).toEqual([
      { name: 'floor', wrong: 0 },
      { name: 'warm', wrong: 0 },
    ])
    expect(report.openLoop.p99RatioToFloor).toBeGreaterThan(0)
    expect(Object.keys(report.scenarios[0] ?? {})).toEqual(
      expect.arrayContaining(['name', 'throughput', 'cpuMicros', 'p50Ms', 'p99Ms', 'rssMb', 'ratioToFloor']),
    )
    expect(printReport(report)).toContain('cold-jwt')
    expect(lines.length).toBeGreaterThan(8)
  })

  it('sends 1 KiB of JSON-RPC', () => {
    const message = scaleRequest('token', 3).toString('latin1')
    const body = message.slice(message.indexOf('{"jsonrpc"'), message.lastIndexOf('}}') + 2)
    expect(body.length).toBe(1024)
  })
})

describe('statistics', () => {
  it.each([
    { values: [3, 1, 2], middle: 2 },
    { values: [4, 1, 2, 3], middle: 2.5 },
    { values: [7], middle: 7 },
  ])('the median of $values is $middle', ({ values, middle }) => expect(median(values)).toBe(middle))

  it.each([
    { q: 0.5, value: 5 },
    { q: 0.99, value: 9 },
    { q: 1, value: 9 },
    { q: 0, value: 0 },
  ])('the quantile $q of 0 to 9 is $value', ({ q, value }) =>
    expect(quantile([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], q)).toBe(value),
  )
})
