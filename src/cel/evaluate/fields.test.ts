import { describe, expect, it } from 'vitest'
import { createCelEnvironment } from '../create-environment.js'
import { CelFields, type EvaluatedValue } from '../environment.js'

const environment = createCelEnvironment({ o: 'map' })
const known = new Map<string, EvaluatedValue>([
  ['a', { ok: true, value: 1n }],
  ['m', { ok: true, value: new Map([['x', 2n]]) }],
  ['bad', { ok: false, error: 'it broke (at 1:2)' }],
])

function outcome(source: string, names: readonly string[]): unknown {
  const compiled = environment.compile(source)
  if (!compiled.ok) return compiled.error.message
  const fields = new CelFields(names, name => (names.includes(name) ? known.get(name) : undefined))
  const evaluated = compiled.program.evaluate(() => fields)
  return evaluated.ok ? evaluated.value : `! ${evaluated.error}`
}

describe('fields that may have failed', () => {
  const broken = expect.stringMatching(/^! o\.bad could not be evaluated: it broke \(at 1:2\)/)

  it.each([
    ['o.a', 1n],
    ['o.m.x + o["m"]["x"]', 4n],
    ['has(o.a) && has(o.m.x) && !has(o.m.y) && !has(o.none)', true],
    ['o.none', '! no such key: none (at 1:2)'],
    ['o.bad', broken],
    ['o["bad"]', broken],
    ['has(o.bad)', broken],
    ['!has(o.bad) || o.a == 1', true],
    ['!has(o.bad)', broken],
    ['o.bad.x.y', broken],
    ['o.?bad.orValue(1)', broken],
    ['o[?"bad"].orValue(1)', broken],
    ['"bad" in o', broken],
    ['o == {}', broken],
    ['o != {}', broken],
    ['o.all(k, k != "z")', broken],
    ['size(o)', broken],
    ['cel.bind(v, o, has(v.a))', broken],
  ])('%s', (source, expected) => {
    expect(outcome(source, ['a', 'm', 'bad'])).toEqual(expected)
  })

  it.each([
    ['o == {"a": dyn(1), "m": dyn({"x": 2})}', true],
    ['o.?a.orValue(7) + o.?none.orValue(7)', 8n],
    ['size(o)', 2n],
    ['o.map(k, k)', ['a', 'm']],
    ['"a" in o', true],
  ])('are an ordinary object without one: %s', (source, expected) => {
    expect(outcome(source, ['a', 'm'])).toEqual(expected)
  })
})
