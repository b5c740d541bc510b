import { getConformanceSuite, type IncrementalTestSuite } from '@bufbuild/cel-spec/testdata/tests.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCelEnvironment } from './create-environment.js'
import type { CelOutput } from './environment.js'

/**
 * The simple tests of cel-spec for what we offer: without protobuf messages, optionals and the math, encoders,
 * bindings and block extensions. A test that needs an extra binding or a container is left out.
 */
const files = [
  'basic',
  'comparisons',
  'conversions',
  'fp_math',
  'integer_math',
  'lists',
  'logic',
  'macros',
  'macros2',
  'parse',
  'string',
  'string_ext',
  'timestamps',
]

/** Where we refuse at load, on purpose, what the suite decides at run time. */
const stricter = [
  /^undeclared reference to/,
  /^a condition must be bool/,
  /needs a time zone$/,
  /^objects like .* are not supported$/,
]

type SpecTest = IncrementalTestSuite['tests'][number]['original']
type Matched = SpecTest['resultMatcher']
type SpecValue = Extract<Matched, { case: 'value' }>['value']

const environment = createCelEnvironment({})

function testsOf(suite: IncrementalTestSuite): SpecTest[] {
  return [...suite.tests.map(test => test.original), ...suite.suites.flatMap(testsOf)]
}

/** undefined for values that have no form outside of CEL (bytes, types, messages). */
function expectedValue(value: SpecValue): CelOutput | undefined {
  const { kind } = value
  switch (kind.case) {
    case 'nullValue':
      return null
    case 'boolValue':
    case 'doubleValue':
    case 'stringValue':
    case 'int64Value':
    case 'uint64Value':
      return kind.value
    case 'listValue': {
      const items = kind.value.values.map(expectedValue)
      return items.some(item => item === undefined) ? undefined : items.filter(item => item !== undefined)
    }
    case 'mapValue': {
      const entries = new Map<string, CelOutput>()
      for (const entry of kind.value.entries) {
        const key = entry.key && expectedValue(entry.key)
        const item = entry.value && expectedValue(entry.value)
        if (key === undefined || item === undefined) return undefined
        entries.set(String(key), item)
      }
      return entries
    }
    default:
      return undefined
  }
}

describe('the conformance suite of CEL', () => {
  const suites = getConformanceSuite().suites.filter(suite => files.includes(suite.name))

  it('is there', () => {
    expect(suites.map(suite => suite.name).sort()).toEqual([...files].sort())
  })

  it.each(suites.map(suite => [suite.name, suite] as const))('%s', (_, suite) => {
    let passed = 0
    const differences: string[] = []
    for (const test of testsOf(suite)) {
      const { expr, resultMatcher } = test
      if (Object.keys(test.bindings).length > 0 || test.typeEnv.length > 0 || test.container !== '') continue
      const compiled = environment.compile(expr)
      if (!compiled.ok && stricter.some(pattern => pattern.test(compiled.error.message))) continue
      const result = compiled.ok
        ? compiled.program.evaluate(() => undefined)
        : { ok: false, error: compiled.error.message }
      if (resultMatcher.case === 'evalError') {
        if (!result.ok) passed++
        else differences.push(`${expr}: should be an error`)
        continue
      }
      const expected = resultMatcher.case === 'value' ? expectedValue(resultMatcher.value) : true
      if (expected === undefined) continue
      if (result.ok && 'value' in result && environmentEqual(result.value, expected)) passed++
      else
        differences.push(
          `${test.name}: ${expr}: ${JSON.stringify(result, (__, v) => (typeof v === 'bigint' ? `${v}` : v))}`,
        )
    }
    expect(differences).toEqual([])
    expect(passed).toBeGreaterThan(10)
  })
})

function environmentEqual(a: CelOutput, b: CelOutput): boolean {
  try {
    expect(a).toEqual(b)
    return true
  } catch {
    return false
  }
}

describe('any text', () => {
  const open = createCelEnvironment({ args: 'map', xs: 'list', any: 'dyn' })
  const token = fc.constantFrom(
    'args',
    'xs',
    'any',
    '.',
    '[',
    ']',
    '(',
    ')',
    '{',
    '}',
    ',',
    ':',
    '?',
    '1',
    '0',
    '1u',
    '2.5',
    '"a"',
    "r'\\d'",
    'b"x"',
    '+',
    '-',
    '*',
    '/',
    '%',
    '!',
    '==',
    '!=',
    '<',
    '<=',
    '&&',
    '||',
    ' in ',
    '.all(x, ',
    '.map(x, ',
    '.size()',
    '.max()',
    'size(',
    'string(',
    'int(',
    'x',
    'has(',
    '.matches(',
    '.split(',
    'true',
    'null',
    'timestamp(',
    'duration(',
    '.getHours("UTC")',
    '\n',
    '// ',
    '.format([',
  )

  it('either compiles or is refused with a position; what compiles evaluates to a value or an error', () => {
    fc.assert(
      fc.property(fc.array(token, { minLength: 1, maxLength: 12 }), tokens => {
        const compiled = open.compile(tokens.join(''))
        if (!compiled.ok) {
          expect(compiled.error.line).toBeGreaterThan(0)
          expect(compiled.error.column).toBeGreaterThan(0)
          return
        }
        const result = compiled.program.evaluate(name =>
          name === 'args' ? new Map([['a', 1n]]) : name === 'xs' ? ['a', 2n, null] : undefined,
        )
        if (!result.ok) expect(result.error).not.toBe('the expression could not be evaluated')
      }),
      { numRuns: 3000 },
    )
  })

  it('agrees with itself: negation, order of || and &&, comparison', () => {
    const operand = fc.constantFrom(
      '1',
      '2',
      '-1',
      '1u',
      '1.0',
      '2.5',
      '"a"',
      '"b"',
      'null',
      '[1]',
      '[1, 2]',
      '{"a": 1}',
      'xs',
      'any',
      'args.a',
      'args.b',
    )
    const run = (source: string) => {
      const compiled = open.compile(source)
      const result = compiled.ok
        ? compiled.program.evaluate(name => (name === 'args' ? new Map([['a', 1n]]) : name === 'xs' ? [1n] : undefined))
        : undefined
      return result?.ok ? result.value : 'error'
    }
    fc.assert(
      fc.property(operand, operand, (a, b) => {
        const equal = run(`${a} == ${b}`)
        expect(run(`${b} == ${a}`)).toBe(equal)
        expect(run(`!(${a} != ${b})`)).toBe(equal)
        if (equal !== 'error') expect(run(`${a} in [${b}]`)).toBe(equal)
        const less = run(`dyn(${a}) < ${b}`)
        expect(run(`dyn(${b}) > ${a}`)).toBe(less)
        expect(run(`(${a} == ${b}) || (dyn(${a}) < ${b})`)).toBe(run(`(dyn(${a}) < ${b}) || (${a} == ${b})`))
        expect(run(`(${a} == ${b}) && (dyn(${a}) < ${b})`)).toBe(run(`(dyn(${a}) < ${b}) && (${a} == ${b})`))
      }),
    )
  })
})
