import { describe, expect, it } from 'vitest'
import { type CelMap, Duration, OptionalValue, TypeValue, Uint, type Value } from '../values/value.js'
import { compileSource, evaluateSource, outcomeOf } from './run-source.fixture.js'

const text = (length: number) => 'x'.repeat(length)
const list = (length: number): Value => Array.from({ length }, (_, i) => BigInt(i))

describe('arithmetic', () => {
  it.each<[string, unknown]>([
    ['9223372036854775807 + 1', '! integer overflow'],
    ['-9223372036854775808 - 1', '! integer overflow'],
    ['-(-9223372036854775808)', '! integer overflow'],
    ['-9223372036854775808 / -1', '! integer overflow'],
    ['-9223372036854775808 % -1', '! integer overflow'],
    ['-9223372036854775808 * -1', '! integer overflow'],
    ['18446744073709551615u + 1u', '! unsigned integer overflow'],
    ['0u - 1u', '! unsigned integer overflow'],
    ['7 / -2', -3n],
    ['-7 % 3', -1n],
    ['7 / 0', '! division by zero'],
    ['7u % 0u', '! modulus by zero'],
    ['1.0 / 0.0', Number.POSITIVE_INFINITY],
    ['0.0 / 0.0 == 0.0 / 0.0', false],
    ['1 + 1.0', '! no such overload: _+_(int, double)'],
    ['-duration("1s")', new Duration(-1_000_000_000n)],
    ['timestamp("1970-01-01T00:00:01.5Z") - timestamp(0)', new Duration(1_500_000_000n)],
    ['[1] + [2] + []', [1n, 2n]],
    ['b"a" + b"b"', new Uint8Array([97, 98])],
    ['"\u{1f600}".size()', 1n],
  ])('%s', (source, expected) => {
    expect(outcomeOf(source)).toEqual(expected)
  })
})

describe('comparison', () => {
  it.each<[string, unknown]>([
    ['1 == 1.0 && 1u == 1 && 1.0 == 1u', true],
    ['9007199254740993 == 9007199254740992.0', false],
    ['9007199254740993 in [9007199254740992.0]', false],
    ['9007199254740992 in [9007199254740992.0]', true],
    ['1 == "1"', false],
    ['null == false', false],
    ['[1, [2.0]] == [1u, [2]]', true],
    ['{1: "a"} == {1u: "a"}', true],
    ['{"a": 0.0/0.0} == {"a": 0.0/0.0}', false],
    ['0.0/0.0 in [0.0/0.0]', false],
    ['0.0/0.0 < 1.0 || 0.0/0.0 >= 1.0', '! NaN has no order'],
    ['0.0 == -0.0', true],
    ['"\u{ffff}" < "\u{10000}"', true],
    ['b"a" < b"ab"', true],
    ['[1] < [2]', '! no such overload: _<_(list, list)'],
    ['type(1) == int && type(type(1)) == type', true],
    ['optional.of(1) == optional.of(1.0)', true],
    ['optional.none() == optional.of(1)', false],
    ['Object{a: 1} == Object{a: 1.0}', true],
    ['Object{a: 1} == {"a": 1}', false],
    ['Object{a: 1} == Object.b{a: 1}', false],
    ['timestamp("2024-01-01T01:00:00+01:00") == timestamp("2024-01-01T00:00:00Z")', true],
    ['1 in [1.0] && 1.0 in [1u] && !("1" in [1])', true],
    ['[1] in [[1.0], 2] && !([2] in [[1]])', true],
    ['null in [1, null]', true],
    ['1 in {1u: true} && 1.0 in {1: true} && !(1.5 in {1: true})', true],
    ['1 in "1"', '! no such overload: @in(int, string)'],
  ])('%s', (source, expected) => {
    expect(outcomeOf(source)).toEqual(expected)
  })
})

describe('errors and decisions', () => {
  it.each<[string, unknown]>([
    ['false && 1/0 == 1', false],
    ['1/0 == 1 && false', false],
    ['1/0 == 1 || true', true],
    ['true || 1/0 == 1', true],
    ['true && 1/0 == 1', '! division by zero'],
    ['true && 1 && false', false],
    ['true && 1', '! no such overload: a condition is int, not bool'],
    ['1/0 == 1 || 2 % 0 == 1 || false', '! division by zero'],
    ['true ? 1 : 1/0', 1n],
    ['1 ? 1 : 2', '! no such overload: a condition is int, not bool'],
    ['has({"a": null}.a) && !has({}.a)', true],
    ['has(optional.none().a)', false],
    ['has("a".b)', '! no such overload: string has no fields, so .b cannot be read'],
    ['{}.a', '! no such key: a'],
    ['[1, 2].exists(x, x / 0 == 1 || x == 2)', true],
    ['[0, 2].exists(x, 2 / x == 1)', true],
    ['[0, 2].all(x, 2 / x == 2)', false],
    ['[2, 2].exists_one(x, x == 2)', false],
    ['[2, 0].exists_one(x, 2 / x == 1)', '! division by zero'],
    ['[1, 2, 3].map(x, x > 1, x * 2)', [4n, 6n]],
    ['{"a": 1, "b": 2}.filter(k, k != "a")', ['b']],
    ['["a", "b"].transformMap(i, v, i > 0, v)', new Map([[1n, 'b']])],
    ['{"a": 1}.transformMapEntry(k, v, {v: k})', new Map([[1n, 'a']])],
    ['{"a": 1, "b": 1}.transformMapEntry(k, v, {v: k})', '! a key comes into the map twice'],
    ['[1].map(x, [2].map(y, x + y))', [[3n]]],
    ['[1].map(x, [2].map(x, x))', [[2n]]],
    ['cel.bind(x, 1/0, true)', true],
    ['cel.bind(x, [1].map(y, y), [5].map(z, z + x.size()))', [6n]],
    ['cel.bind(x, 2, cel.bind(y, x + 1, x * y))', 6n],
    ['optional.of(1).orValue(1/0)', 1n],
    ['optional.none().orValue(1/0)', '! division by zero'],
    ['optional.none().or(optional.of(2)).value()', 2n],
    ['{"a": {"b": 1}}.?a.?c.orValue(3)', 3n],
    ['{"a": {"b": 1}}.?a.b', new OptionalValue(1n)],
    ['[1][?5].hasValue() || [1][?-1].hasValue()', false],
    ['optional.of(2).optMap(x, x + 1).value()', 3n],
    ['optional.of(2).optFlatMap(x, x)', '! no such overload: optional_type.optFlatMap(int)'],
    ['[?optional.none(), ?optional.of(1)]', [1n]],
    ['{?"a": optional.none()}', new Map()],
    ['Object{?a: optional.of(1)}.a', 1n],
    ['[?1]', '! no such overload: what follows ? in a literal must be an optional'],
    ['type(google.protobuf.Timestamp)', new TypeValue('type')],
    ['net.IP', '! no such attribute: net has no value'],
    ['uint("5")', new Uint(5n)],
    ['string(1e6) + string(0.5) + string(1.0)', '1e+060.51'],
    ['string(duration("1h30m0.5s"))', '5400.5s'],
    ['string(timestamp("2024-02-29T12:00:00.120Z"))', '2024-02-29T12:00:00.12Z'],
    ['timestamp("2023-02-29T12:00:00Z")', '! timestamp(): not a timestamp: use RFC 3339, as in 2024-01-31T12:00:00Z'],
    ['timestamp("2024-07-01T12:00:00Z").getHours("Europe/Berlin")', 14n],
    ['timestamp("2024-07-01T12:00:00Z").getMinutes("-02:30")', 30n],
    [
      'timestamp("2024-07-01T12:00:00Z").getHours("Mars/Base")',
      '! getHours(): not a time zone: use UTC, an offset like +01:00, or a name like Europe/Berlin',
    ],
  ])('%s', (source, expected) => {
    expect(outcomeOf(source)).toEqual(expected)
  })

  it('gives the place of an error', () => {
    const result = evaluateSource('true && a.b.c == 1', { a: new Map([['b', new Map()]]) })
    expect(result).toMatchObject({ ok: false, at: 11 })
  })

  it('finds the variable with the longest name', () => {
    const program = compileSource('a.b.c', { variables: new Set(['a', 'a.b']) })
    const b: CelMap = new Map([['c', 1n]])
    expect(program.evaluate(name => (name === 'a.b' ? b : null))).toMatchObject({ value: 1n })
  })

  it('lets local variables hide variables, functions and types', () => {
    expect(outcomeOf('[1].map(int, int)')).toEqual([1n])
    expect(outcomeOf('[{"of": 1}].map(optional, optional.of)')).toEqual([1n])
  })
})

describe('what an attacker sends', () => {
  const hostile: readonly [name: string, source: string, variables: Record<string, Value>][] = [
    ['nested loops over lists', 'a.all(x, a.all(y, x + y >= 0))', { a: list(1000) }],
    ['nested maps', 'a.map(x, a.map(y, [x, y]))', { a: list(1000) }],
    [
      'a list of long equal texts',
      'a.all(x, a.all(y, x == y))',
      { a: Array.from({ length: 300 }, () => text(10_000)) },
    ],
    ['a text joined with itself', 'a.map(x, s + s).size() > 0', { a: list(1000), s: text(1 << 20) }],
    ['lists joined with themselves', 'a.map(x, a + a + a).size() > 0', { a: list(3000) }],
    ['a needle in a haystack', 'a.exists(x, s.contains(t))', { a: list(1000), s: text(1 << 20), t: `${text(1000)}y` }],
    ['a pattern that backtracks', 's.matches("(x+x+)+y")', { s: text(1 << 20) }],
    ['a pattern of the caller', 'a.exists(x, s.matches(x))', { a: ['(x*)*y', '(a|x)*b'], s: text(1 << 20) }],
    ['the size of a long text', 'a.all(x, s.size() > 0)', { a: list(1000), s: text(1 << 20) }],
    ['membership in a long list', 'a.all(x, a.exists(y, "z" in a) || true)', { a: list(2000) }],
    [
      'deep equality',
      'a.all(x, b == c)',
      { a: list(10_000), b: [list(1000), list(1000)], c: [list(1000), list(1000)] },
    ],
    ['absorption', 'true || a.all(x, a.all(y, true)) || a.all(x, a.all(y, true))', { a: list(2000) }],
  ]

  it.each(hostile)('stops at the budget: %s', (_, source, variables) => {
    const start = performance.now()
    const result = evaluateSource(source, variables)
    expect(performance.now() - start).toBeLessThan(2000)
    if (source.startsWith('true') || source.includes('matches')) return
    expect(result).toMatchObject({ ok: false, error: { message: 'the evaluation costs more than its budget allows' } })
  })

  it.each(['||', '&&'])('does not let %s absorb the end of the budget', operator => {
    const decisive = operator === '||'
    const result = evaluateSource(`a.all(x, a.all(y, true)) ${operator} ${decisive}`, { a: list(2000) }, 1000)
    expect(result).toMatchObject({ ok: false, error: { message: 'the evaluation costs more than its budget allows' } })
  })

  it.each([
    ['additions', `1${' + 1'.repeat(20_000)}`, 20_001n],
    ['operands of &&', `true${' && true'.repeat(20_000)}`, true],
    ['selects', `a${'.a'.repeat(20_000)}`, '! no such key: a'],
    ['calls', `[[1]]${'.map(x, x)'.repeat(2000)}`, [[1n]]],
    ['indexes', `a${'["a"]'.repeat(5000)}`, '! no such key'],
    ['negations', `${'!'.repeat(40)}true`, true],
    ['conditions', `${'false ? 1 : '.repeat(50)}2`, 2n],
  ])('takes long chains of %s', (_, source, expected) => {
    expect(outcomeOf(source, { a: new Map() })).toEqual(expected)
  })

  it('compares values that are nested very deeply', () => {
    let a: Value = 1n
    let b: Value = 1.0
    for (let i = 0; i < 100_000; i++) [a, b] = [[a], [b]]
    expect(outcomeOf('a == b', { a, b })).toBe(true)
  })

  it('never reads what objects inherit', () => {
    expect(outcomeOf('has(a.constructor) || has(a.__proto__) || "toString" in a', { a: new Map() })).toBe(false)
  })
})

describe('what shows at load', () => {
  it.each([
    ['s.matches("(")', 1],
    ['matches(s, "a**")', 1],
    ['duration("1 day") < d', 1],
    ['timestamp("yesterday") < t', 1],
    ['s.matches("^a+$") && duration("1h") < d', 0],
  ])('%s', (source, problems) => {
    expect(compileSource(source).problems).toHaveLength(problems)
  })

  it('works constants out once', () => {
    const cost = (source: string) => evaluateSource(source, { x: 2n }).cost
    expect(cost('x == 1 + 2 * 3')).toBe(cost('x == 7'))
    expect(cost('x in [1, 2, 3]')).toBe(2)
    expect(cost('timestamp("2024-01-01T00:00:00Z").getFullYear() == 2024')).toBe(0)
  })
})
