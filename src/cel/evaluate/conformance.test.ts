import { getConformanceSuite, type IncrementalTestSuite } from '@bufbuild/cel-spec/testdata/tests.js'
import { describe, expect, it } from 'vitest'
import { parseDuration } from '../values/duration.js'
import { mapKey } from '../values/map-key.js'
import { Message } from '../values/message.js'
import { parseTimestamp } from '../values/timestamp.js'
import { type MapKey, TypeValue, Uint, type Value } from '../values/value.js'
import { compileSource } from './run-source.fixture.js'

/**
 * The simple tests of cel-spec, unchecked (`dyn` everywhere). Left out: what needs protobuf messages, and what we take
 * another way, with its reason.
 */
const files = [
  'basic',
  'bindings_ext',
  'comparisons',
  'conversions',
  'encoders_ext',
  'fields',
  'fp_math',
  'integer_math',
  'lists',
  'logic',
  'macros',
  'macros2',
  'math_ext',
  'namespace',
  'optionals',
  'parse',
  'plumbing',
  'string',
  'string_ext',
  'timestamps',
]

/** How many pass, and how many need protobuf messages and are left out. */
const counts: Readonly<Record<string, { passed: number; left: number }>> = {
  basic: { passed: 43, left: 0 },
  bindings_ext: { passed: 5, left: 0 },
  comparisons: { passed: 334, left: 72 },
  conversions: { passed: 109, left: 0 },
  encoders_ext: { passed: 4, left: 0 },
  fields: { passed: 60, left: 0 },
  fp_math: { passed: 30, left: 0 },
  integer_math: { passed: 64, left: 0 },
  lists: { passed: 39, left: 0 },
  logic: { passed: 30, left: 0 },
  macros: { passed: 44, left: 0 },
  macros2: { passed: 46, left: 0 },
  math_ext: { passed: 199, left: 0 },
  namespace: { passed: 3, left: 0 },
  optionals: { passed: 59, left: 11 },
  parse: { passed: 193, left: 26 },
  plumbing: { passed: 5, left: 0 },
  string: { passed: 51, left: 0 },
  string_ext: { passed: 206, left: 3 },
  timestamps: { passed: 76, left: 0 },
}

type SpecTest = IncrementalTestSuite['tests'][number]['original']
type SpecValue = Extract<SpecTest['resultMatcher'], { case: 'value' }>['value']

function testsOf(suite: IncrementalTestSuite): SpecTest[] {
  return [...suite.tests.map(test => test.original), ...suite.suites.flatMap(testsOf)]
}

/** undefined for values that need protobuf messages. */
function expectedValue(value: SpecValue): Value | undefined {
  const { kind } = value
  switch (kind.case) {
    case 'nullValue':
      return null
    case 'boolValue':
    case 'doubleValue':
    case 'stringValue':
    case 'int64Value':
    case 'bytesValue':
      return kind.value
    case 'uint64Value':
      return new Uint(kind.value)
    case 'typeValue':
      return new TypeValue(kind.value)
    case 'listValue': {
      const items = kind.value.values.map(expectedValue)
      return items.some(item => item === undefined) ? undefined : items.filter(item => item !== undefined)
    }
    case 'mapValue': {
      const map = new Map<MapKey, Value>()
      for (const entry of kind.value.entries) {
        const key = entry.key && expectedValue(entry.key)
        const item = entry.value && expectedValue(entry.value)
        const known = key === undefined ? undefined : mapKey(key)
        if (known === undefined || item === undefined) return undefined
        map.set(known, item)
      }
      return map
    }
    case 'objectValue':
      return timeOf(kind.value.typeUrl, kind.value.value)
    default:
      return undefined
  }
}

/** google.protobuf.Timestamp and Duration on the wire: seconds (1) and nanos (2) as varints. */
function timeOf(typeUrl: string, bytes: Uint8Array): Value | undefined {
  const name = typeUrl.slice(typeUrl.lastIndexOf('.') + 1)
  if (name !== 'Timestamp' && name !== 'Duration') return undefined
  const fields = [0n, 0n, 0n]
  for (let at = 0; at < bytes.length; ) {
    const field = (bytes[at++] ?? 0) >> 3
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++] ?? 0
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    fields[field] = BigInt.asIntN(64, value)
  }
  const [, seconds = 0n, nanos = 0n] = fields
  const parsed =
    name === 'Duration'
      ? parseDuration(`${seconds * 1_000_000_000n + nanos}ns`)
      : parseTimestamp(
          new Date(Number(seconds) * 1000).toISOString().replace(/000Z$/, `${nanos}`.padStart(9, '0').concat('Z')),
        )
  return 'nanos' in parsed ? parsed : undefined
}

/** Reasons to leave a test out: what its expression or its expected value needs. */
const excluded: readonly (readonly [RegExp, string])[] = [
  [
    /TestAllTypes|GlobalEnum|NestedEnum|google\.protobuf\.(?!Timestamp\b|Duration\b)|\bStruct\b|NullValue/,
    'a protobuf message',
  ],
]

describe('the conformance suite of CEL, unchecked', () => {
  const suites = getConformanceSuite().suites.filter(suite => files.includes(suite.name))

  it('is there', () => {
    expect(suites.map(suite => suite.name).sort()).toEqual([...files].sort())
  })

  it.each(suites.map(suite => [suite.name, suite] as const))('%s', (_, suite) => {
    const differences: string[] = []
    let passed = 0
    let left = 0
    for (const test of testsOf(suite)) {
      const { expr, resultMatcher, container } = test
      const bindings = new Map<string, Value>()
      let needsMessage = excluded.some(([pattern]) => pattern.test(expr) || pattern.test(container))
      for (const [name, binding] of Object.entries(test.bindings)) {
        const value = binding.kind.case === 'value' ? expectedValue(binding.kind.value) : undefined
        if (value === undefined) needsMessage = true
        else bindings.set(name, value)
      }
      const expected = resultMatcher.case === 'value' ? expectedValue(resultMatcher.value) : undefined
      if (needsMessage || (resultMatcher.case === 'value' && expected === undefined)) {
        left++
        continue
      }
      let outcome: string | Value
      try {
        const variables = new Set([...bindings.keys(), ...test.typeEnv.map(({ name }) => name)])
        const result = compileSource(expr, { container, variables }).evaluate(name => bindings.get(name))
        outcome = result.ok ? result.value : `! ${result.error.message}`
      } catch (error) {
        outcome = `! load ${error}`
      }
      const failed = typeof outcome === 'string' && outcome.startsWith('! ')
      const good =
        resultMatcher.case === 'evalError'
          ? failed
          : resultMatcher.case === undefined || resultMatcher.case === 'typedResult'
            ? outcome === true
            : !failed && same(outcome, expected)
      if (good) passed++
      else differences.push(`${test.name}: ${expr} => ${show(outcome)} wanted ${resultMatcher.case} ${show(expected)}`)
    }
    expect(differences).toEqual([])
    expect({ passed, left }).toEqual(counts[suite.name])
  })
})

function same(a: Value | undefined, b: Value | undefined): boolean {
  try {
    expect(a).toEqual(b)
    return true
  } catch {
    return false
  }
}

function show(value: unknown): string {
  if (value instanceof Message) return `message ${value.type}`
  return (
    JSON.stringify(value, (_, part) =>
      typeof part === 'bigint' ? `${part}n` : part instanceof Map ? [...part] : part,
    ) ?? 'undefined'
  )
}
