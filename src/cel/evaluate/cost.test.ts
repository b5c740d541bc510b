import { describe, expect, it } from 'vitest'
import type { Value } from '../values/value.js'
import { evaluateSource } from './run-source.fixture.js'

const text = (length: number) => 'x'.repeat(length)
const variables: Record<string, Value> = {
  items: ['v'],
  empty: [],
  table: new Map([['key', 'v']]),
  nested: new Map([['a', new Map([['b', 1n]])]]),
  no: false,
  yes: true,
  x: 1n,
  long: text(500),
  short: 'idc',
  val1: 'val1',
  val2: 'val2222222',
  blob: new Uint8Array(500),
}

/** What cel-go counts for the same (its tests of runtime cost), to which ours must come within a factor of two. */
describe('the cost of an evaluation, as cel-go counts it', () => {
  it.each([
    ['items', 1],
    ['table["key"]', 2],
    ['items[0]', 2],
    ['table["k" + val1.substring(0, 0) + "ey"]', 6],
    ['has(nested.a.b)', 2],
    ['empty.all(x, true)', 2],
    ['items.all(x, true)', 5],
    ['(x > 2 ? items : items).all(y, true)', 6],
    ['table.all(k, table[k] == "w")', 9],
    ['(empty + empty).all(x, true)', 4],
    ['no || no || no || no', 4],
    ['yes && yes && yes && yes', 4],
    ['x < 2', 2],
    ['x in [1, 2, 3]', 1],
    ['x + 1', 2],
    ['size(short)', 2],
    ['short.size()', 2],
    ['string(blob)', 51],
    ['bytes(long)', 51],
    ['string(x)', 2],
    ['long == long', 52],
    ['long.contains(long)', 2502],
    ['long.matches("[0-9]")', 103],
    ['long.matches("\\\\d+a\\\\d+b")', 153],
    ['short.startsWith(long)', 3],
    ['short.endsWith(long)', 3],
    ['"abcdefg".contains(val1 + val2)', 6],
    ['[x, 2, 3]', 11],
    ['{"a": x}', 31],
    ['Object{a: x}', 41],
    ['[x, x, x].all(y, true)', 23],
    ['[x, x].map(y, y)', 39],
    ['[x, x].filter(y, y > 0)', 49],
    ['[x, x].exists(y, y > 1)', 25],
    ['[x, x].exists_one(y, y > 1)', 18],
  ])('%s', (source, expected) => {
    const { cost } = evaluateSource(source, variables)
    expect(cost).toBeGreaterThanOrEqual(expected / 2)
    expect(cost).toBeLessThanOrEqual(expected * 2)
  })

  it('stops exactly above the limit', () => {
    const source = '"abcdefg".contains(val1 + val2)'
    expect(evaluateSource(source, variables, 6)).toMatchObject({ ok: true, cost: 6 })
    expect(evaluateSource(source, variables, 5)).toMatchObject({ ok: false })
  })

  it('costs no more than what it did not do', () => {
    expect(evaluateSource('yes || long.contains(long)', variables).cost).toBe(1)
  })
})
