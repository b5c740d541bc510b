import { describe, expect, it } from 'vitest'
import { PreciseClock } from './precise-clock.js'

function readings() {
  let wall = 1_700_000_000_000
  const clock = new PreciseClock(() => Math.floor(wall))
  return {
    clock,
    set: (to: number) => {
      wall = to
    },
  }
}

describe('PreciseClock', () => {
  it('comes as near to the truth as it was allowed to look', () => {
    const { clock, set } = readings()
    // The monotonic clock shows 100 at 1_700_000_000_000.9, which the other one shows as .000.
    set(1_700_000_000_000.9)
    clock.adjust(100)
    expect(clock.at(100)).toEqual([1_700_000_000, 0])
    set(1_700_000_000_001)
    clock.adjust(100.1)
    expect(clock.at(100.1)).toEqual([1_700_000_000, 1_000_000])
    // A number has room for a quarter of a microsecond of today's date.
    expect(Math.round(clock.at(100.2)[1] / 1000)).toBe(1100)
  })

  it('follows a clock that is set back or forward', () => {
    const { clock, set } = readings()
    clock.adjust(100)
    set(1_600_000_000_000)
    clock.adjust(101)
    expect(clock.at(101)).toEqual([1_600_000_000, 0])
    set(1_800_000_000_000)
    clock.adjust(102)
    expect(clock.at(102)).toEqual([1_800_000_000, 0])
  })

  it('never gives a whole second as nanoseconds', () => {
    const { clock } = readings()
    clock.adjust(0)
    const [, nanoseconds] = clock.at(999.999_999_9)
    expect(nanoseconds).toBeLessThan(1_000_000_000)
  })
})
