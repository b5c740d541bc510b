import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CelJson } from '../environment.js'
import { randomExpr } from '../types/random-expr.fixture.js'
import { bytesOf, type CostSession, sessionOf, sessionOfSource, variableTypes } from './cost-session.fixture.js'
import type { InputSizes, Kind } from './input-sizes.js'
import { randomInputs, randomSource, sourceVariables } from './random-source.fixture.js'
import { exactly, type SizeRange } from './range.js'

type Inputs = Readonly<Record<string, CelJson>>

/** Only what all inputs together fit into. */
function bytesAlone(inputs: Inputs): InputSizes {
  return { inputBytes: Math.max(16, ...Object.values(inputs).map(bytesOf)) }
}

/** And the very sizes of the variables. */
function knownSizes(inputs: Inputs): InputSizes {
  return {
    ...bytesAlone(inputs),
    of: ([name = '', ...rest], kind) => (rest.length > 0 ? undefined : sizeOf(inputs[name], kind)),
  }
}

function sizeOf(input: CelJson | undefined, kind: Kind): SizeRange | undefined {
  if (typeof input === 'string') return kind === 'text' ? exactly(input.length) : undefined
  if (input instanceof Map) return kind === 'map' ? exactly(input.size) : undefined
  return Array.isArray(input) && kind === 'list' ? exactly(input.length) : undefined
}

/** Operators and macros that go on where a part of them failed: then less is done than would be. */
const absorbs = /&&|\|\||\.(?:all|exists)\(/

let evaluated = 0
let succeeded = 0

function holds(session: CostSession, inputs: Inputs, source: string): void {
  const result = session.run(inputs)
  evaluated++
  for (const sizes of [bytesAlone(inputs), knownSizes(inputs)]) {
    const { min, max } = session.estimate(sizes)
    expect(min).toBeLessThanOrEqual(max)
    expect(result.cost, source).toBeLessThanOrEqual(max)
    if (result.ok && !absorbs.test(source)) {
      succeeded++
      expect(result.cost, source).toBeGreaterThanOrEqual(min)
    }
  }
}

describe('an estimate', () => {
  const variables = variableTypes(sourceVariables)

  it.each(['bool', 'int', 'text', 'texts', 'ints', 'map', 'dyn'] as const)('holds what %s expressions cost', kind => {
    fc.assert(
      fc.property(randomSource(kind, 3), randomInputs, (source, inputs) => {
        const session = sessionOfSource(source, variables)
        if (session !== undefined) holds(session, inputs, source)
      }),
      { numRuns: 1000 },
    )
  })

  it('was held against evaluations, most of which succeed', () => {
    expect(evaluated).toBeGreaterThan(4000)
    expect(succeeded).toBeGreaterThan(2000)
  })

  it('holds what any tree costs that is well typed', () => {
    const types = variableTypes({
      x: 'dyn',
      y: 'dyn',
      s: 'string',
      i: 'int',
      l: 'list(dyn)',
      m: 'map(string, dyn)',
      d: 'dyn',
    })
    const values = fc.record({
      x: fc.constantFrom<CelJson>('text', 3n, ['a']),
      y: fc.constantFrom<CelJson>(new Map([['b', 'c']]), ['a', 'b'], null),
      s: fc.string(),
      i: fc.bigInt({ min: -3n, max: 3n }),
      l: fc.array(fc.string()),
      m: fc.constant(new Map([['b', 'text']])),
      d: fc.constantFrom<CelJson>(true, ['x', 'y', 'z']),
    })
    fc.assert(
      fc.property(randomExpr(4), values, (expr, inputs) => {
        const session = sessionOf(expr, types)
        if (session === undefined) return
        expect(session.run(inputs).cost).toBeLessThanOrEqual(session.estimate(bytesAlone(inputs)).max)
      }),
      { numRuns: 3000 },
    )
  })
})
