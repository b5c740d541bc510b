import { describe, expect, it } from 'vitest'
import { TurnBudget } from './admission-turn.js'

/** A clock that only goes when it is told to, and ends a turn when it is told to. */
function turns(maxMs: number) {
  let time = 1000
  let ends: (() => void)[] = []
  const budget = new TurnBudget(maxMs, { now: () => time, atEnd: end => ends.push(end) })
  return {
    enter: () => budget.enter(),
    pass(ms: number) {
      time += ms
    },
    end() {
      for (const end of ends.splice(0)) end()
    },
    scheduled: () => ends.length,
    clear() {
      ends = []
    },
  }
}

/** What becomes of `count` requests of one turn that take `ms` each. */
function enterMany(turn: ReturnType<typeof turns>, count: number, ms: number): number {
  let entered = 0
  for (let i = 0; i < count; i++) {
    if (!turn.enter()) continue
    entered++
    turn.pass(ms)
  }
  return entered
}

describe('a turn', () => {
  it('takes what fits into its time, and one more', () => {
    expect(enterMany(turns(100), 500, 2)).toBe(52)
  })

  it.each([
    ['cheap decisions', 10_000, 0.005, 10_000],
    ['a few costly ones', 3, 60, 3],
    ['many costly ones', 10, 60, 3],
    ['one that takes far too long', 2, 5000, 2],
  ])('of %s', (_name, count, ms, entered) => expect(enterMany(turns(100), count, ms)).toBe(entered))

  it('begins anew when it is over', () => {
    const turn = turns(100)
    enterMany(turn, 500, 2)
    expect(turn.enter()).toBe(false)
    turn.end()
    expect(enterMany(turn, 500, 2)).toBe(52)
  })

  it('asks once for its end', () => {
    const turn = turns(100)
    enterMany(turn, 500, 2)
    expect(turn.scheduled()).toBe(1)
  })
})

describe('a pause that is not of the requests', () => {
  it('before the turn refuses nobody', () => {
    const turn = turns(100)
    turn.enter()
    turn.end()
    turn.pass(10_000)
    expect(enterMany(turn, 40, 2)).toBe(40)
  })

  it('in the midst of it refuses nobody', () => {
    const turn = turns(100)
    expect(enterMany(turn, 10, 2)).toBe(10)
    turn.pass(3000)
    expect(enterMany(turn, 10, 2)).toBe(10)
  })

  it('does not let the rest of the turn be longer than another one', () => {
    const turn = turns(100)
    enterMany(turn, 10, 2)
    turn.pass(3000)
    expect(enterMany(turn, 500, 2)).toBe(42)
  })
})

it('in a process, a turn is over when its answers can leave', async () => {
  const budget = new TurnBudget(5)
  const busy = (ms: number) => {
    const end = performance.now() + ms
    while (performance.now() < end);
  }
  budget.enter()
  busy(4)
  budget.enter()
  busy(4)
  budget.enter()
  busy(4)
  expect(budget.enter()).toBe(false)
  await Promise.resolve()
  expect(budget.enter()).toBe(false)
  await new Promise(resolve => setImmediate(resolve))
  expect(budget.enter()).toBe(true)
})
