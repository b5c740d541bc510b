import { describe, expect, it } from 'vitest'
import { nodeTurnClock, TurnBudget } from './admission-turn.js'

/** A clock that only goes when it is told to, and ends a turn when it is told to. */
function turns(maxMs: number) {
  let time = 1000
  let idle = 0
  const ends: (() => void)[] = []
  const budget = new TurnBudget(maxMs, { now: () => time, idle: () => idle, atEnd: end => ends.push(end) })
  return {
    enter: () => budget.enter(),
    goOn: () => budget.goOn(),
    now: () => time,
    /** Somebody else has the loop. */
    pass(ms: number) {
      time += ms
    },
    idle(ms: number) {
      time += ms
      idle += ms
    },
    end() {
      for (const end of ends.splice(0)) end()
    },
    scheduled: () => ends.length,
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

/** One after which there is no reserve any more. */
function withoutReserve(maxMs: number) {
  const turn = turns(maxMs)
  enterMany(turn, maxMs * 10, 1)
  turn.end()
  return turn
}

describe('a turn', () => {
  it('of those that come without an end takes what fits into its time, and one more', () => {
    expect(enterMany(withoutReserve(100), 500, 2)).toBe(52)
  })

  it('may be longer now and then', () => {
    const turn = turns(100)
    expect(enterMany(turn, 200, 2)).toBe(200)
    turn.end()
    expect(enterMany(turn, 150, 2)).toBe(104)
  })

  it.each([
    ['cheap decisions', 10_000, 0.005, 10_000],
    ['a few costly ones', 3, 60, 3],
    ['many costly ones', 10, 60, 3],
    ['one that takes far too long', 2, 5000, 2],
  ])('of %s', (_name, count, ms, entered) => expect(enterMany(withoutReserve(100), count, ms)).toBe(entered))

  it('begins anew when it is over', () => {
    const turn = withoutReserve(100)
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

  it('may be longer again by as much as the loop was idle', () => {
    const turn = withoutReserve(100)
    turn.idle(60)
    expect(enterMany(turn, 500, 2)).toBe(82)
    turn.end()
    turn.idle(10_000)
    expect(enterMany(turn, 500, 2)).toBe(252)
  })
})

describe('a pause that is not of the requests', () => {
  it('in the midst of a turn refuses nobody', () => {
    const turn = withoutReserve(100)
    expect(enterMany(turn, 10, 2)).toBe(10)
    turn.pass(3000)
    expect(enterMany(turn, 10, 2)).toBe(10)
  })

  it('does not let the rest of the turn be longer than another one', () => {
    const turn = withoutReserve(100)
    enterMany(turn, 10, 2)
    turn.pass(3000)
    expect(enterMany(turn, 500, 2)).toBe(42)
  })

  it('that came to nothing gives nothing to those that come later', () => {
    const turn = turns(100)
    enterMany(turn, 1, 2)
    turn.end()
    turn.pass(1000)
    enterMany(turn, 1, 2)
    turn.end()
    expect(enterMany(turn, 500, 2)).toBe(252)
  })
})

/** Requests that come evenly, and are decided one after the other by a process that pauses. */
function simulate(perMs: number, decisionMs: number, pauses: readonly (readonly [at: number, ms: number])[]) {
  const refusalMs = decisionMs / 8
  const turn = turns(100)
  const begin = turn.now()
  const left = [...pauses]
  let [came, refused, refusedLate, longestMs] = [0, 0, 0, 0]
  const pause = () => {
    if (left[0] !== undefined && turn.now() - begin >= left[0][0]) turn.pass(left.shift()?.[1] ?? 0)
  }
  while (turn.now() - begin < 20_000) {
    pause()
    const due = Math.floor((turn.now() - begin) * perMs)
    if (due === came) {
      turn.idle(1 / perMs)
      continue
    }
    const from = turn.now()
    for (; came < due; came++) {
      pause()
      const entered = turn.enter()
      turn.pass(entered ? decisionMs : refusalMs)
      if (entered) continue
      refused++
      if (from - begin > 1000) refusedLate++
    }
    turn.end()
    if (from - begin > 2000) longestMs = Math.max(longestMs, turn.now() - from)
  }
  return { refused, refusedLate, came, longestMs }
}

const everyThreeSeconds = (ms: number) => Array.from({ length: 6 }, (_, i) => [i * 3000 + 777, ms] as const)

describe('at half of what can be decided', () => {
  it.each([
    ['no pause', []],
    ['collections of garbage', Array.from({ length: 60 }, (_, i) => [i * 300, 40] as const)],
    ['longer ones', Array.from({ length: 20 }, (_, i) => [i * 1000, 250] as const)],
    ['policies being compiled', everyThreeSeconds(600)],
    ['for a second', everyThreeSeconds(1000)],
  ])('%s refuses nobody', (_name, pauses) => {
    for (const decisionMs of [0.1, 2, 15])
      expect(simulate(0.5 / decisionMs, decisionMs, pauses)).toMatchObject({ refused: 0 })
  })
})

describe('three times what can be decided', () => {
  it.each([
    ['without pauses', [], 200],
    // What is refused costs something as well, and a turn after a pause takes its time.
    ['with pauses', everyThreeSeconds(500), 900],
  ])('%s keeps turns short', (_name, pauses, longest) => {
    for (const decisionMs of [0.1, 2, 15]) {
      const { refused, came, longestMs } = simulate(3 / decisionMs, decisionMs, pauses)
      expect(longestMs).toBeLessThan(longest)
      expect(refused / came).toBeGreaterThan(0.6)
      expect(refused / came).toBeLessThan(0.85)
    }
  })
})

/** Requests that come evenly, of which a turn reads so many at most: the others wait where nobody refuses them. */
function queue(perMs: number, decisionMs: number, mostPerTurn: number) {
  const refusalMs = decisionMs / 5
  const turn = turns(100)
  return (ms: number, rate = perMs) => {
    const begin = turn.now()
    let [done, decided, refused, longestMs] = [0, 0, 0, 0]
    const total = Math.floor(ms * rate)
    while (done < total) {
      const due = () => Math.min(total, Math.floor((turn.now() - begin) * rate))
      if (due() <= done) {
        turn.idle(1)
        continue
      }
      const first = begin + done / rate
      for (let read = 0; read < mostPerTurn && done < due(); read++, done++) {
        const entered = turn.enter()
        turn.pass(entered ? decisionMs : refusalMs)
        if (entered) decided++
        else refused++
      }
      turn.end()
      longestMs = Math.max(longestMs, turn.now() - first)
    }
    return { decided, refused, longestMs, tookMs: turn.now() - begin }
  }
}

describe('three times what can be decided, of which a turn reads only a part', () => {
  const cases: [name: string, decisionMs: number, mostPerTurn: number][] = [
    ['more than it can decide', 0.07, 3400],
    ['no more than it can decide within its time', 0.04, 2400],
    ['less', 0.04, 1700],
  ]
  it.each(cases)('%s: nobody waits for long', (_name, decisionMs, mostPerTurn) => {
    const send = queue(3 / decisionMs, decisionMs, mostPerTurn)
    const { decided, refused, longestMs, tookMs } = send(10_000)
    expect(longestMs).toBeLessThan(1000)
    expect(tookMs).toBeLessThan(10_100)
    // A good part of the time goes into decisions.
    expect(decided / (tookMs / decisionMs)).toBeGreaterThan(0.3)
    expect(refused).toBeGreaterThan(decided)
  })

  it.each(cases)('%s: a second later half of it is decided', (_name, decisionMs, mostPerTurn) => {
    const send = queue(3 / decisionMs, decisionMs, mostPerTurn)
    send(10_000)
    send(1000, 0.001)
    expect(send(5000, 0.5 / decisionMs).refused).toBe(0)
  })
})

it('those who wait for their answers are no crowd, and have all the time that there is', () => {
  const turn = withoutReserve(100)
  for (let i = 0; i < 20; i++) {
    expect(enterMany(turn, 1500, 0.5)).toBe(202)
    turn.end()
  }
})

it('a crowd that asks again whatever it hears leaves decisions a fifth of the time', () => {
  const turn = withoutReserve(100)
  let [decided, refused] = [0, 0]
  for (let i = 0; i < 30; i++) {
    for (let one = 0; one < 5000; one++) {
      const entered = turn.enter()
      turn.pass(entered ? 0.05 : 0.01)
      if (entered) decided++
      else refused++
    }
    turn.end()
  }
  expect((decided * 0.05) / (refused * 0.01)).toBeGreaterThan(0.25)
})

it('what goes on after a wait is nobody who comes', () => {
  const turn = withoutReserve(100)
  for (let i = 0; i < 20; i++) {
    for (let settled = 0; settled < 1000; settled++) turn.goOn()
    expect(enterMany(turn, 1000, 0.5)).toBe(202)
    turn.end()
  }
})

const busy = (ms: number) => {
  const end = performance.now() + ms
  while (performance.now() < end);
}

it('in a process, a turn is over when its answers can leave', async () => {
  const budget = new TurnBudget(5)
  for (let i = 0; i < 100 && budget.enter(); i++) busy(4)
  expect(budget.enter()).toBe(false)
  await Promise.resolve()
  expect(budget.enter()).toBe(false)
  await new Promise(resolve => setImmediate(resolve))
  expect(budget.enter()).toBe(true)
})

it('in a process, waiting is idle and working is not', async () => {
  const { idle } = nodeTurnClock
  const before = idle()
  busy(60)
  expect(idle()).toBe(before)
  // On a busy machine it sleeps for less than it is away.
  for (let i = 0; i < 100 && idle() - before < 20; i++) await new Promise(resolve => setTimeout(resolve, 20))
  expect(idle() - before).toBeGreaterThan(20)
})
