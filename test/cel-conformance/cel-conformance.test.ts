import { getTestRegistry } from '@bufbuild/cel-spec/testdata/registry.js'
import { describe, expect, it } from 'vitest'
import { errorTable } from './error-kinds.js'
import { judgeCase } from './judge-case.js'
import { exclusionReasons, protobufNeed } from './protobuf-need.js'
import { runSuite } from './run-suite.js'
import { type SpecCase, specCases } from './spec-case.js'

/** Passed and excluded, by file. None of the first list needs protobuf at all. */
const counts: Readonly<Record<string, readonly [passed: number, excluded: number]>> = {
  basic: [43, 0],
  bindings_ext: [5, 0],
  conversions: [109, 0],
  encoders_ext: [4, 0],
  fields: [60, 0],
  fp_math: [30, 0],
  integer_math: [64, 0],
  lists: [39, 0],
  logic: [30, 0],
  macros: [44, 0],
  macros2: [46, 0],
  math_ext: [199, 0],
  namespace: [3, 0],
  plumbing: [5, 0],
  string: [51, 0],
  timestamps: [76, 0],
  block_ext: [25, 12],
  comparisons: [334, 72],
  dynamic: [17, 209],
  enums: [0, 85],
  optionals: [59, 11],
  parse: [193, 26],
  proto2: [0, 108],
  proto2_ext: [0, 18],
  proto3: [0, 75],
  string_ext: [206, 3],
  type_deductions: [37, 10],
  wrappers: [0, 36],
}

const cases = specCases()

describe('the conformance suite of CEL', () => {
  const report = runSuite(cases)

  it('has no case that fails', () => expect(report.failed).toEqual([]))

  it('has every case in the report', () => {
    expect(cases.length).toBe(2344)
    expect(report.passed.length + report.excluded.length).toBe(cases.length)
    const byFile = Object.entries(report.counts.files).map(([file, { passed, excluded }]) => [file, [passed, excluded]])
    expect(Object.fromEntries(byFile)).toEqual(counts)
  })

  it('excludes only what speaks of protobuf', () => {
    const registry = getTestRegistry()
    const words = [...registry].flatMap(({ typeName }) => typeName.split('.').slice(-1))
    const speaksOf = new RegExp(`\\b(?:${[...new Set(words)].join('|')}|proto\\.(?:get|has)Ext)\\b`)
    const { excluded } = report
    expect(excluded.map(({ reason }) => reason).filter(reason => !exclusionReasons.includes(reason))).toEqual([])
    const silent = excluded.filter(({ expr, needs }) => !speaksOf.test(expr) && !speaksOf.test(needs))
    expect(silent).toEqual([])
    // What the engine gets right by chance is not called passed, because it would be wrong of the same message elsewhere.
    expect(excluded.filter(({ rightAnyway }) => rightAnyway).length).toBe(118)
  })
})

describe('without the checker', () => {
  it('every case that is evaluated has the same answer', () => {
    const dynamic = cases.filter(({ test }) => !test.checkOnly && test.resultMatcher.case !== 'typedResult')
    const failed = dynamic.flatMap(({ test }) => {
      const problem = judgeCase({ ...test, disableCheck: true })
      return problem === undefined || protobufNeed(test) !== undefined ? [] : [`${test.expr}: ${problem}`]
    })
    expect(failed).toEqual([])
  })
})

describe('the judge', () => {
  const fair = cases.filter(({ test }) => protobufNeed(test) === undefined)
  const with_ = (one: SpecCase, changes: Partial<SpecCase['test']>) => ({ ...one.test, ...changes })
  const letThrough = (changed: readonly SpecCase['test'][]) =>
    changed.filter(test => judgeCase(test) === undefined).map(({ expr }) => expr)

  it('sees a wrong value everywhere', () => {
    const planted = {
      case: 'value',
      value: { $typeName: 'cel.expr.Value', kind: { case: 'typeValue', value: 'x' } },
    } as const
    const values = fair.filter(({ test }) => test.resultMatcher.case !== 'evalError' && !test.checkOnly)
    expect(values.length).toBeGreaterThan(1400)
    expect(letThrough(values.map(one => with_(one, { resultMatcher: planted })))).toEqual([])
  })

  it('sees a wrong type everywhere', () => {
    const typed = fair.flatMap(({ test }) => (test.resultMatcher.case === 'typedResult' ? [test] : []))
    expect(typed.length).toBeGreaterThan(30)
    const wrong = typed.map(test => ({ ...test, expr: `[[[[[${test.expr}]]]]]`, checkOnly: true }))
    expect(letThrough(wrong)).toEqual([])
  })

  const errors = fair.flatMap(({ test }) => (test.resultMatcher.case === 'evalError' ? [test] : []))

  it('does not take a missing function, a wrong syntax or an unknown name for the error that is wanted', () => {
    expect(errors.length).toBeGreaterThan(180)
    for (const expr of ['missing(1)', '1.missing()', '1 +', 'nobody', '"a".matches("(")', 'dyn(1).missing()']) {
      const lazy = errors
        .map(test => ({ ...test, expr, disableCheck: true }))
        .filter(({ resultMatcher }) => {
          const text = resultMatcher.case === 'evalError' ? resultMatcher.value.errors[0]?.message : undefined
          return text !== 'unbound function'
        })
      expect(letThrough(lazy), expr).toEqual([])
      expect(letThrough(lazy.map(test => ({ ...test, disableCheck: false }))), expr).toEqual([])
    }
  })

  it('wants a value where there is one', () => {
    expect(letThrough(errors.map(test => ({ ...test, expr: 'true' })))).toEqual([])
  })

  it('has no line in its table that no case needs', () => {
    const texts = new Set(
      errors.flatMap(({ resultMatcher }) =>
        resultMatcher.case === 'evalError' ? resultMatcher.value.errors.map(({ message }) => message) : [],
      ),
    )
    expect(errorTable.texts.filter(text => !texts.has(text))).toEqual([])
    const expressions = new Set(errors.map(({ expr }) => expr))
    expect(errorTable.expressions.filter(expr => !expressions.has(expr))).toEqual([])
  })
})

describe('what a case needs of protobuf', () => {
  const base = cases[0]?.test
  if (base === undefined) throw new Error('the suite is empty')
  const container = 'cel.expr.conformance.proto3'
  it.each([
    ['TestAllTypes{}', container, 'makes a protobuf message'],
    ['TestAllTypes{}', '', undefined],
    ['NotAMessage{}', container, undefined],
    ['"TestAllTypes"', container, undefined],
    ['x.TestAllTypes', container, undefined],
    ['type(x) == TestAllTypes', container, 'names a protobuf message'],
    ['google.protobuf.Timestamp', '', undefined],
    ['google.protobuf.Int32Value{value: 1}', '', 'makes a protobuf message'],
    ['TestAllTypes.NestedEnum.BAR', container, 'names a protobuf enum'],
    ['GlobalEnum(1)', container, 'names a protobuf enum'],
    ['proto.getExt(x, a.b)', '', 'reads an extension field of protobuf'],
    ['proto.other(x, a.b)', '', undefined],
    ['1 +', container, undefined],
  ])('%s in %s: %s', (expr, inside, reason) => {
    expect(protobufNeed({ ...base, expr, container: inside })?.reason).toBe(reason)
  })
})
