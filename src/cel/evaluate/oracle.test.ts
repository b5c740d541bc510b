import { isCelError, isCelList, isCelMap, isCelUint, run } from '@bufbuild/cel'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isMap } from '../values/type-of.js'
import { Uint, type Value } from '../values/value.js'
import { evaluateSource } from './run-source.fixture.js'

/**
 * Random expressions, mostly of the right types, must have the same answer here and from `@bufbuild/cel`: the same value,
 * or an error in both. Left out where the two differ: the oracle finds NaN neither less nor greater (cel-go: an error),
 * lets -(-2^63) pass, reads int("") as 0, and has no answer to whether a list is in a map (cel-go: it is not).
 */
const int = fc.oneof(
  fc.constantFrom('0', '1', '2', '-1', '9223372036854775807', 'n', 'xs[1]', 'm.a', 'm["b"]'),
  fc.integer({ min: -20, max: 20 }).map(String),
)
const double = fc.constantFrom('0.0', '1.0', '-0.5', '2.5', '1e300', 'd')
const uint = fc.constantFrom('0u', '1u', '7u', '18446744073709551615u')
const text = fc.constantFrom('""', '"a"', '"ab"', '"\u{1f600}x"', 's', '"true"', '"12"', '"1.5"')
const literalBool = fc.constantFrom('true', 'false', 'b', '(1/0 == 1)', 'has(m.a)', 'has(m.zz)', '(m.zz == 1)')

const { expression } = fc.letrec<{
  expression: string
  bool: string
  int: string
  text: string
  list: string
  any: string
}>(tie => {
  const oneOf = (...options: fc.Arbitrary<string>[]) =>
    fc.oneof({ depthSize: 'small', withCrossShrink: true }, ...options)
  const form = (template: string, ...parts: fc.Arbitrary<string>[]) =>
    fc
      .tuple(...parts)
      .map(values => values.reduce((source, value, i) => source.replaceAll(`$${i}`, () => value), template))
  const ranges = (list: fc.Arbitrary<string>) => oneOf(fc.constant('m'), list)
  const compared = fc.constantFrom('==', '!=', '<', '<=', '>', '>=')
  const arithmetic = fc.constantFrom('+', '-', '*', '/', '%')
  return {
    bool: oneOf(
      literalBool,
      form('($0 && $1)', tie('bool'), tie('bool')),
      form('($0 || $1)', tie('bool'), tie('bool')),
      form('!$0', tie('bool')),
      form('($0 ? $1 : $2)', tie('bool'), tie('bool'), tie('bool')),
      form('($0 $1 $2)', tie('int'), compared, tie('int')),
      form('(dyn($0) $1 $2)', double, compared, tie('int')),
      form('(dyn($0) $1 $2)', uint, compared, oneOf(tie('int'), double)),
      form('($0 $1 $2)', tie('text'), compared, tie('text')),
      form('(dyn($0) == $1)', tie('any'), tie('any')),
      form('($0 in $1)', tie('any'), tie('list')),
      form('$0.all(x, $1)', ranges(tie('list')), tie('bool')),
      form('$0.exists(x, x == $1)', ranges(tie('list')), tie('any')),
      form('$0.exists_one(x, x == $1)', ranges(tie('list')), tie('any')),
      form('$0.startsWith($1)', tie('text'), tie('text')),
      form('$0.contains($1)', tie('text'), tie('text')),
    ),
    int: oneOf(
      int,
      form('($0 $1 $2)', tie('int'), arithmetic, tie('int')),
      form('-$0', form('($0)', tie('int'))),
      form('size($0)', oneOf(tie('text'), tie('list'))),
      form('int($0)', oneOf(double, uint)),
      form('$0[$1]', fc.constantFrom('xs', '[4, 5, 6]'), tie('int')),
    ),
    text: oneOf(
      text,
      form('($0 + $1)', tie('text'), tie('text')),
      form('string($0)', oneOf(tie('int'), uint, tie('text'))),
    ),
    list: oneOf(
      fc.constantFrom('xs', '[]', '[1, 2.0, 3u]', '["a", "b"]', '[[1], [2]]'),
      form('[$0, $1]', tie('any'), tie('any')),
      form('($0 + $1)', tie('list'), tie('list')),
      form('$0.map(x, $1)', ranges(tie('list')), oneOf(fc.constant('x'), fc.constant('[x]'), tie('int'))),
      form('$0.filter(x, $1)', ranges(tie('list')), tie('bool')),
    ),
    any: oneOf(
      tie('int'),
      tie('bool'),
      tie('text'),
      tie('list'),
      double,
      uint,
      fc.constantFrom('null', '(0.0/0.0)', '{1: "a"}', '{"a": m}'),
    ),
    expression: oneOf(tie('bool'), tie('any')),
  }
})

describe('against @bufbuild/cel', () => {
  const entries: [string, bigint][] = [
    ['a', 1n],
    ['b', -7n],
  ]
  const ours: Record<string, Value> = { n: 5n, d: 2.5, s: 'ab', b: true, xs: [1n, 2n, 3n], m: new Map(entries) }
  const theirs = { n: 5n, d: 2.5, s: 'ab', b: true, xs: [1n, 2n, 3n], m: new Map(entries) }

  it('gives the same answer', () => {
    fc.assert(
      fc.property(expression, source => {
        const result = evaluateSource(source, ours)
        const wanted = run(source, theirs)
        expect(result.ok ? plain(result.value) : 'error').toEqual(isCelError(wanted) ? 'error' : oracle(wanted))
      }),
      { numRuns: 4000, seed: 20261121 },
    )
  })
})

function plain(value: Value): unknown {
  if (value instanceof Uint) return { uint: value.value }
  if (Array.isArray(value)) return value.map(plain)
  if (isMap(value)) return [...value].map(([key, item]) => [key, plain(item)])
  return Object.is(value, -0) ? 0 : value
}

function oracle(value: unknown): unknown {
  if (isCelUint(value)) return { uint: value.value }
  if (isCelList(value)) return [...value].map(oracle)
  if (isCelMap(value)) return [...value].map(([key, item]) => [isCelUint(key) ? key.value : key, oracle(item)])
  return Object.is(value, -0) ? 0 : value
}
