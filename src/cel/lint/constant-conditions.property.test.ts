import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCelEnvironment } from '../create-environment.js'

const environment = createCelEnvironment({ n: 'dyn', b: 'bool' })

const constant = fc.constantFrom('0', '1', '2', '2.5', '3u', '-1')
const atom = fc.oneof(
  fc.tuple(fc.constantFrom('==', '!=', '<', '<=', '>', '>='), constant).map(([op, c]) => `n ${op} ${c}`),
  fc.tuple(constant, fc.constantFrom('==', '!=', '<', '<=', '>', '>=')).map(([c, op]) => `${c} ${op} n`),
  fc
    .array(fc.constantFrom('0', '1', '2', '-1'), { minLength: 1, maxLength: 3 })
    .map(items => `n in [${items.join(', ')}]`),
  fc.constantFrom('b', 'n == n + 0', 'n < n + 1', 'n >= n + 1', 'n != n + 0'),
)
const condition = fc.tuple(fc.boolean(), atom).map(([not, text]) => (not ? `!(${text})` : text))
const chain = fc
  .tuple(fc.constantFrom(' && ', ' || '), fc.array(condition, { minLength: 2, maxLength: 4 }))
  .map(([operator, operands]) => operands.join(operator))

const values = [-2n, -1n, 0n, 1n, 2n, 2.25, 2.5, 3n, 4n]

describe('always-true and always-false', () => {
  it('hold for every value that a condition is tried with', () => {
    fc.assert(
      fc.property(chain, source => {
        const compiled = environment.compile(source, 'bool')
        if (!compiled.ok) throw new Error(compiled.error.message)
        for (const { code } of environment.lint(source, 'bool')) {
          if (code !== 'always-true' && code !== 'always-false') continue
          for (const n of values) {
            for (const b of [true, false]) {
              const evaluated = compiled.program.evaluate(name => (name === 'n' ? n : b))
              // What is constant unless it fails may fail.
              if (evaluated.ok) expect(evaluated.value, `${source} with ${n} and ${b}`).toBe(code === 'always-true')
            }
          }
        }
      }),
      { numRuns: 800 },
    )
  })

  it('are found wherever numbers exclude each other', () => {
    let found = 0
    fc.assert(
      fc.property(chain, source => {
        if (environment.lint(source, 'bool').some(({ code }) => code.startsWith('always'))) found++
      }),
      { numRuns: 300, seed: 1 },
    )
    expect(found).toBeGreaterThan(30)
  })
})
