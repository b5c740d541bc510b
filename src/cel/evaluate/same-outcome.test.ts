import { describe, expect, it } from 'vitest'
import type { Value } from '../values/value.js'
import type { UnknownPattern } from './frame.js'
import { compileSource } from './run-source.fixture.js'

const given: Record<string, Value> = { text: 'a,'.repeat(20_000), numbers: Array.from({ length: 5000 }, () => 1n) }
const activation = (name: string) => given[name]

/** Found by the fuzzer: which of several errors it was, and what it cost, depended on whether unknowns were looked for. */
describe('with nothing unknown, a partial evaluation is an evaluation', () => {
  const sources = [
    '[one, two]',
    '[text, one, two].size()',
    '{one: two, three: four}',
    '{1: 2, 1: one, two: 3}',
    '[one] + numbers.map(n, n + 1)',
    'string(one) + text.replace("a", "b")',
    'numbers.map(n, [][n])[one]',
    'text.size() + numbers.size()',
  ]
  it.each(sources)('%s', source => {
    const program = compileSource(source)
    const full = program.evaluate(activation)
    const partial = program.evaluatePartial(activation, [])
    const { ok, ...outcome } = full
    expect(partial).toEqual({ kind: ok ? 'value' : 'error', ...outcome })
  })

  it.each(sources.slice(0, 4))('the first error counts also where something else is unknown: %s', source => {
    const program = compileSource(source)
    const elsewhere: readonly UnknownPattern[] = [['elsewhere']]
    const full = program.evaluate(activation)
    const partial = program.evaluatePartial(activation, elsewhere)
    expect(full.ok).toBe(false)
    expect(partial.kind === 'error' && partial.error.message).toBe(full.ok ? '' : full.error.message)
  })
})

describe('a charge that is refused', () => {
  it('is not counted, because nothing was done for it', () => {
    const program = compileSource('text.lastIndexOf(text)')
    const full = program.evaluate(activation, 100_000)
    expect(full).toMatchObject({ ok: false, cost: 100_001 })
    expect(program.evaluatePartial(activation, [['elsewhere']], 100_000)).toMatchObject({
      kind: 'error',
      cost: 100_001,
    })
  })
})
