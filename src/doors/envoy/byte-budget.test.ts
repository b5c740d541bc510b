import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteBudget, defaultBudgetBytes } from './byte-budget.js'

describe('a budget of bytes', () => {
  it('is 256 MiB where nobody says otherwise', () => {
    const budget = new ByteBudget()
    expect(budget.take(defaultBudgetBytes)).toBe(true)
    expect(budget.take(1)).toBe(false)
    expect(defaultBudgetBytes).toBe(268_435_456)
  })

  it('takes nothing where there is no room for all of it', () => {
    const budget = new ByteBudget(10)
    expect(budget.take(6)).toBe(true)
    expect(budget.take(5)).toBe(false)
    expect(budget.taken).toBe(6)
    expect(budget.take(4)).toBe(true)
    expect(budget.take(0)).toBe(true)
  })

  it('has room again for what was given back', () => {
    const budget = new ByteBudget(10)
    budget.take(10)
    budget.give(3)
    expect(budget.take(4)).toBe(false)
    expect(budget.take(3)).toBe(true)
  })

  it('may be nothing at all', () => {
    const budget = new ByteBudget(0)
    expect(budget.take(0)).toBe(true)
    expect(budget.take(1)).toBe(false)
  })

  it('does not take back what it did not give', () => {
    const budget = new ByteBudget(10)
    budget.take(2)
    expect(() => budget.give(3)).toThrow(RangeError)
    expect(budget.taken).toBe(2)
  })

  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])('refuses %d', bytes => {
    const budget = new ByteBudget(10)
    expect(() => budget.take(bytes)).toThrow(RangeError)
    expect(() => budget.give(bytes)).toThrow(RangeError)
    expect(() => new ByteBudget(bytes)).toThrow(RangeError)
    expect(budget.taken).toBe(0)
  })

  it('never holds more than its bound, and comes back to nothing', () => {
    const amounts = fc.array(fc.tuple(fc.boolean(), fc.nat(60)))
    fc.assert(
      fc.property(fc.nat(200), amounts, (max, steps) => {
        const budget = new ByteBudget(max)
        const held: number[] = []
        for (const [taking, bytes] of steps) {
          if (!taking) budget.give(held.pop() ?? 0)
          else if (budget.take(bytes)) held.push(bytes)
          const sum = held.reduce((all, one) => all + one, 0)
          expect(budget.taken).toBe(sum)
          expect(sum).toBeLessThanOrEqual(max)
        }
        for (const bytes of held) budget.give(bytes)
        expect(budget.taken).toBe(0)
      }),
    )
  })
})
