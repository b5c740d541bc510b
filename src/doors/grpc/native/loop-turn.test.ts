import { setImmediate } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { LoopTurn } from './loop-turn.js'

describe('a turn of the event loop', () => {
  it('is long when it has lasted for more than 10 ms since something was read', async () => {
    const turn = new LoopTurn()
    expect([turn.isLong(1000), turn.isLong(1010), turn.isLong(1011)]).toEqual([false, false, true])
    await setImmediate()
    expect(turn.isLong(1012)).toBe(false)
  })

  it('calls back once, when it is over', async () => {
    const turn = new LoopTurn()
    const [one, other] = [vi.fn(), vi.fn()]
    turn.isLong(0)
    turn.atEnd(one)
    turn.atEnd(other)
    await Promise.resolve()
    expect(one).not.toHaveBeenCalled()
    await setImmediate()
    expect([one, other].map(({ mock }) => mock.calls.length)).toEqual([1, 1])
    turn.isLong(0)
    await setImmediate()
    expect(one).toHaveBeenCalledTimes(1)
  })
})
