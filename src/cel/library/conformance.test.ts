import { getConformanceSuite, type IncrementalTestSuite } from '@bufbuild/cel-spec/testdata/tests.js'
import { describe, expect, it } from 'vitest'
import { equal } from '../values/equal.js'
import { Failure, TypeValue, Uint, type Value } from '../values/value.js'
import { encoders } from './encoders.js'
import { math } from './math.js'
import { freeContext, runExpression } from './run-expression.fixture.js'
import { strings } from './strings.js'

type SpecTest = IncrementalTestSuite['tests'][number]['original']
type SpecValue = Extract<SpecTest['resultMatcher'], { case: 'value' }>['value']

function testsOf(suite: IncrementalTestSuite): SpecTest[] {
  return [...suite.tests.map(test => test.original), ...suite.suites.flatMap(testsOf)]
}

function celValue({ kind }: SpecValue): Value {
  switch (kind.case) {
    case 'uint64Value':
      return new Uint(kind.value)
    case 'nullValue':
      return null
    case 'boolValue':
    case 'doubleValue':
    case 'stringValue':
    case 'int64Value':
    case 'bytesValue':
      return kind.value
    case 'typeValue':
      return new TypeValue(kind.value)
    case 'listValue':
      return kind.value.values.map(celValue)
    default:
      throw new Error(`no value for ${kind.case}`)
  }
}

/** The official suite (cel-spec v0.25), where a case is only calls: what has messages is for the whole engine. */
describe.each([
  ['string_ext', [strings], 205],
  ['math_ext', [math], 190],
  ['encoders_ext', [encoders], 4],
] as const)('%s', (name, libraries, atLeast) => {
  const cases = getConformanceSuite()
    .suites.filter(suite => suite.name === name)
    .flatMap(testsOf)
    .filter(test => !test.expr.includes('TestAllTypes'))

  it('has cases', () => expect(cases.length).toBeGreaterThanOrEqual(atLeast))

  it.each(cases.map(test => [test.expr, test] as const))('%s', (_, test) => {
    const variables = Object.fromEntries(
      Object.entries(test.bindings).flatMap(([variable, { kind }]) =>
        kind.case === 'value' ? [[variable, celValue(kind.value)] as const] : [],
      ),
    )
    const result = runExpression(test.expr, libraries, variables)
    if (test.resultMatcher.case === 'evalError') {
      expect(result).toBeInstanceOf(Failure)
      return
    }
    if (result instanceof Failure) throw new Error(result.message)
    const expected = test.resultMatcher.case === 'value' ? celValue(test.resultMatcher.value) : true
    expect(equal(result, expected, freeContext()), `${JSON.stringify(String(result))}`).toBe(true)
    expect(typeof result).toBe(typeof expected)
  })
})
