import { describe, expect, it } from 'vitest'
import { Failure, OptionalValue, Uint, type Value } from '../values/value.js'
import { encoders } from './encoders.js'
import { kubernetesLists } from './kubernetes-lists.js'
import type { Library } from './library.js'
import { lists } from './lists.js'
import { optionals } from './optionals.js'
import { kubernetesRegex, regex } from './regex.js'
import { callOf, countingContext } from './run-expression.fixture.js'
import { sets } from './sets.js'
import { kubernetesStrings, strings } from './strings.js'

const long = 'a'.repeat(1_000_000)
const many = (count: number, make: (at: number) => Value): readonly Value[] =>
  Array.from({ length: count }, (_, at) => make(at))
const ints = many(3000, at => BigInt((at * 7919) % 3000))
const nested = many(400, at => [BigInt(at)])

/** Each needs far more than 1,000 units. */
const expensive: readonly (readonly [library: Library, id: string, args: readonly Value[]])[] = [
  [strings, 'string_char_at_int', [long, 5n]],
  [strings, 'string_index_of_string', [long, 'b']],
  [strings, 'string_last_index_of_string_int', [long, 'b', 999_999n]],
  [strings, 'string_replace_string_string', [long, '', long]],
  [strings, 'string_replace_string_string', ['a'.repeat(5000), 'a', 'b'.repeat(100_000)]],
  [strings, 'string_split_string', [long, '']],
  [strings, 'list_join_string', [many(20_000, () => ''), long]],
  [strings, 'string_lower_ascii', [long]],
  [strings, 'strings_quote', [long]],
  [strings, 'string_trim', [long]],
  [strings, 'string_reverse', [long]],
  [strings, 'string_format', ['%x', [long]]],
  [strings, 'string_format', ['%.999999f', [1.5]]],
  [strings, 'string_format', ['%s', [many(50_000, () => 5e-324)]]],
  [strings, 'string_format', ['%s', [new Map(ints.map(at => [String(at), at]))]]],
  [kubernetesStrings, 'string_format', ['%s', [[long]]]],
  [lists, 'lists_range', [9_000_000_000_000_000_000n]],
  [lists, 'lists_range', [16_000_000n]],
  [lists, 'list_int_sort', [ints]],
  [lists, 'list_distinct', [nested]],
  [lists, 'list_reverse', [ints]],
  [lists, 'list_flatten', [[ints, ints]]],
  [lists, 'list_slice', [ints, 0n, 3000n]],
  [kubernetesLists, 'list_int_sum_int', [ints]],
  [kubernetesLists, 'list_int_max_int', [ints]],
  [kubernetesLists, 'list_a_index_of_int', [ints, 'x']],
  [sets, 'list_sets_equivalent_list', [nested, nested]],
  [sets, 'list_sets_intersects_list', [ints, ints]],
  [optionals, 'optional_unwrap', [many(3000, () => new OptionalValue(1n))]],
  [encoders, 'base64_decode_string', [long]],
  [encoders, 'base64_encode_bytes', [new Uint8Array(1_000_000)]],
  [kubernetesRegex, 'string_find_string', [long, '(a*)*b']],
  [kubernetesRegex, 'string_find_all_string', ['x'.repeat(3000), 'x*z|x']],
  [kubernetesRegex, 'string_find_string', ['a', `(?:${'ab|'.repeat(200)}c)`]],
  [regex, 'regex_replace_string_string_string', ['a'.repeat(5000), 'a', 'b'.repeat(10_000)]],
]

/** Generous, for a busy machine; without a budget most of these take minutes, or all memory. */
const soon = 2000

describe('what needs more than the budget', () => {
  it.each(expensive.map(([library, id, args]) => [id, library, args] as const))(
    '%s is refused, soon',
    (id, library, args) => {
      const started = performance.now()
      expect(callOf(library, id, countingContext(1000))(...args)).toBeInstanceOf(Failure)
      expect(performance.now() - started).toBeLessThan(soon)
    },
  )

  it.each(expensive.map(([library, id, args]) => [id, library, args] as const))(
    '%s with a larger one ends soon too',
    (id, library, args) => {
      const context = countingContext(300_000)
      const started = performance.now()
      callOf(library, id, context)(...args)
      expect(performance.now() - started).toBeLessThan(soon)
    },
  )
})

const call = (library: Library, id: string, ...args: Value[]) => callOf(library, id)(...args)

describe('numbers of all kinds', () => {
  const mixed = [1n, 1, new Uint(1n), 2n ** 53n + 1n, 2 ** 53, Number.NaN, Number.NaN, 0, -0, 0n, 0.5]

  it('are equal by value, exactly, and NaN never', () => {
    expect(call(lists, 'list_distinct', mixed)).toEqual([1n, 2n ** 53n + 1n, 2 ** 53, Number.NaN, Number.NaN, 0, 0.5])
    expect(call(sets, 'list_sets_contains_list', mixed, [Number.NaN])).toBe(false)
    expect(call(sets, 'list_sets_contains_list', mixed, [new Uint(0n), 0.5])).toBe(true)
    expect(call(sets, 'list_sets_intersects_list', ['1', true, null], [1n, 0n])).toBe(false)
    expect(call(sets, 'list_sets_equivalent_list', [[Number.NaN]], [[Number.NaN]])).toBe(false)
  })

  it('are not sorted together, nor with NaN', () => {
    expect(call(lists, 'list_int_sort', [1n, new Uint(2n)])).toBeInstanceOf(Failure)
    expect(call(lists, 'list_double_sort', [1, Number.NaN])).toBeInstanceOf(Failure)
    expect(call(lists, 'list_int_sort', [[1n], [2n]])).toBeInstanceOf(Failure)
    expect(call(lists, 'list_int_sort', [null])).toBeInstanceOf(Failure)
    expect(call(lists, 'list_int_sortByAssociatedKeys', ['a'], [])).toBeInstanceOf(Failure)
  })

  it('do not overflow silently', () => {
    const most = new Uint(2n ** 64n - 1n)
    expect(call(kubernetesLists, 'list_uint_sum_uint', [most, new Uint(1n)])).toBeInstanceOf(Failure)
    expect(call(kubernetesLists, 'list_int_sum_int', [2n ** 63n - 1n, 1n])).toBeInstanceOf(Failure)
    expect(call(kubernetesLists, 'list_int_sum_int', ['a'])).toBeInstanceOf(Failure)
  })
})

describe('nesting', () => {
  let deep: Value = []
  for (let depth = 0; depth < 100_000; depth++) deep = [deep]

  it('does not use the stack', () => {
    expect(call(lists, 'list_flatten_int', [deep], 9_000_000_000_000_000_000n)).toEqual([])
    expect(call(sets, 'list_sets_contains_list', [deep], [deep])).toBe(true)
    expect(call(strings, 'string_format', '%s', [deep])).toBeInstanceOf(Failure)
  })
})

describe('a text that no engine can hold', () => {
  it('is a failure whatever the budget', () => {
    const unlimited = { charge: () => true }
    const run = (library: Library, id: string, ...args: Value[]) => callOf(library, id, unlimited)(...args)
    expect(
      run(
        strings,
        'string_format',
        '%.999999f'.repeat(600),
        many(600, () => 1.5),
      ),
    ).toBeInstanceOf(Failure)
    expect(run(strings, 'string_format', '%s', [many(600, () => long)])).toBeInstanceOf(Failure)
    expect(
      run(
        strings,
        'list_join',
        many(600, () => long),
      ),
    ).toBeInstanceOf(Failure)
    expect(run(strings, 'string_replace_string_string', long, 'a', long)).toBeInstanceOf(Failure)
    expect(run(regex, 'regex_replace_string_string_string', 'a'.repeat(600), 'a', long)).toBeInstanceOf(Failure)
    expect(run(lists, 'lists_range', 2n ** 62n)).toBeInstanceOf(Failure)
  })
})

describe('patterns', () => {
  it.each([
    ['(', 'is no pattern'],
    ['(?=a)', 'looks ahead'],
    ['(a)\\1', 'refers back'],
    ['a{1001}', 'repeats too often'],
    ['(?:[a-z]{100}){100}', 'repeats too often, nested'],
    [`${'(?:abcdefghij){1000}'.repeat(5)}`, 'is too large'],
    ['a'.repeat(1025), 'is too long'],
  ])('%s, which %s, is a failure that does not show it', pattern => {
    const result = call(kubernetesRegex, 'string_find_string', 'secret', pattern)
    expect(result).toBeInstanceOf(Failure)
    if (result instanceof Failure) expect(result.message).not.toContain(pattern)
  })

  it('from data do not push out each other without end', () => {
    for (let at = 0; at < 1000; at++)
      expect(call(kubernetesRegex, 'string_find_string', `x${at}`, `x${at}$`)).toBe(`x${at}`)
  })
})
