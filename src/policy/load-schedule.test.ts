import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createLoadSchedule } from './load-schedule.js'

describe('a load in steps', () => {
  /** Milliseconds that loads have taken; timers stand still meanwhile. */
  let worked = 0
  beforeEach(() => {
    vi.useFakeTimers()
    worked = 0
    vi.spyOn(performance, 'now').mockImplementation(() => Date.now() + worked)
  })
  afterEach(() => {
    vi.restoreAllMocks()
    vi.useRealTimers()
  })

  /** Loads in three steps, or in one if nothing takes any time. */
  function schedule(stepMs = 10) {
    const steps: string[] = []
    let loads = 0
    const load = function* () {
      const name = ++loads
      for (let step = 1; step < 3; step++) {
        steps.push(`${name}.${step}`)
        worked += stepMs
        yield
      }
      steps.push(`${name}.3`)
    }
    return { steps, ...createLoadSchedule(load) }
  }

  it('leaves time in between', () => {
    const { steps, request } = schedule()
    request()
    vi.advanceTimersByTime(50)
    expect(steps).toEqual(['1.1'])
    vi.advanceTimersByTime(9)
    expect(steps).toEqual(['1.1'])
    vi.advanceTimersByTime(1)
    expect(steps).toEqual(['1.1', '1.2'])
    vi.advanceTimersByTime(10_000)
    expect(steps).toEqual(['1.1', '1.2', '1.3'])
  })

  it('goes on at once where it has taken no time', () => {
    const { steps, request } = schedule(4)
    request()
    vi.advanceTimersByTime(50)
    expect(steps).toEqual(['1.1', '1.2', '1.3'])
  })

  it('is followed by another if something changed meanwhile, after the rest', () => {
    const { steps, request } = schedule()
    request()
    vi.advanceTimersByTime(60)
    request()
    request()
    vi.advanceTimersByTime(10 + 199)
    expect(steps).toEqual(['1.1', '1.2', '1.3'])
    vi.advanceTimersByTime(10_000)
    expect(steps).toEqual(['1.1', '1.2', '1.3', '2.1', '2.2', '2.3'])
  })

  it('is given up by stop, and begun anew by the next request', () => {
    const { steps, request, stop } = schedule()
    request()
    vi.advanceTimersByTime(50)
    stop()
    vi.advanceTimersByTime(10_000)
    expect(steps).toEqual(['1.1'])
    request()
    vi.advanceTimersByTime(10_000)
    expect(steps).toEqual(['1.1', '2.1', '2.2', '2.3'])
  })
})
