import { describe, expect, it } from 'vitest'
import { compareCase, type Difference } from './compare-case.js'
import { explanationOf, type KnownDifference, knownDifferences } from './known-differences.js'
import { readCases, readInputs } from './recorded-cases.js'
import { readTagged } from './tagged-value.js'

const inputs = readInputs().map(input =>
  Object.fromEntries(Object.entries(input).map(([name, value]) => [name, readTagged(value)])),
)
const cases = readCases()
const differences = cases.flatMap(recorded => compareCase(recorded, inputs[recorded.input] ?? {}))
const explained = differences.map(difference => ({ difference, known: explanationOf(difference) }))

const unexplained = (...what: Difference['what'][]): Difference[] =>
  explained.flatMap(({ difference, known }) =>
    known === undefined && what.includes(difference.what) ? [difference] : [],
  )

/** Random expressions over random values, which cel-go evaluated as an API server of Kubernetes 1.36 would. */
describe('random expressions, as cel-go in Kubernetes', () => {
  it('are many, and mostly have a value', () => {
    expect(cases.length).toBeGreaterThanOrEqual(5000)
    const values = cases.filter(({ outcome }) => outcome.kind === 'value')
    expect(values.length / cases.length).toBeGreaterThan(0.6)
  })

  it('compile where they do there', () => expect(unexplained('compiles')).toEqual([]))
  it('have the same type', () => expect(unexplained('type')).toEqual([]))
  it('have the same value', () => expect(unexplained('value')).toEqual([]))
  it('fail in the same way', () => expect(unexplained('error')).toEqual([]))
  it('cost no less than half as much', () => expect(unexplained('too cheap')).toEqual([]))
  it('cost no more than twice as much', () => expect(unexplained('too dear')).toEqual([]))
})

describe('known differences', () => {
  const used = (known: KnownDifference): number => explained.filter(one => one.known === known).length

  it.each(knownDifferences)('$reason', known => {
    expect(used(known)).toBeGreaterThan(0)
  })

  it('are few: of answers two in a hundred, of costs six', () => {
    const costs = differences.filter(({ what }) => what === 'too dear' || what === 'too cheap').length
    expect(costs / cases.length).toBeLessThan(0.06)
    expect((differences.length - costs) / cases.length).toBeLessThan(0.025)
  })
})
