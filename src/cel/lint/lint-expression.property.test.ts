import fc from 'fast-check'
import { expect, it } from 'vitest'
import { formatExpression } from '../syntax/format-expression.js'
import { parseExpression } from '../syntax/parse-expression.js'
import { randomExpr } from '../types/random-expr.fixture.js'
import { facts } from './lint.fixture.js'
import { lintExpression } from './lint-expression.js'

it('never fails, and says where in the source, whatever the tree', () => {
  const nothing = { types: new Map(), references: new Map() }
  fc.assert(
    fc.property(randomExpr(5), expr => {
      const source = formatExpression(expr)
      const parsed = parseExpression(source, { limits: { bytes: 1_000_000, depth: 250 } })
      if (!parsed.ok) return
      const issues = lintExpression(parsed.expr, nothing, { facts, costOf: () => 2, budget: 1 })
      for (const { at, message } of issues) {
        expect(at).toBeGreaterThanOrEqual(0)
        expect(at).toBeLessThan(source.length)
        expect(message).not.toBe('')
      }
      expect(issues.length).toBeLessThanOrEqual(50)
    }),
    { numRuns: 500 },
  )
})
