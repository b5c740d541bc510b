import { describe, expect, it } from 'vitest'
import { waitMs } from './wait-ms.js'

describe('waitMs', () => {
  const cases: [string, number | undefined, number][] = [
    ['no deadline', undefined, 10_000],
    ["Envoy's default of 200 ms", 1200, 180],
    ['one second: at most 50 ms are kept', 2000, 950],
    ['20 ms: at least 5 ms are kept', 1020, 15],
    ['no time left', 1003, 0],
    ['over already', 500, 0],
    ['an hour is cut', 3_601_000, 10_000],
  ]
  it.each(cases)('%s', (_name, deadline, expected) => expect(waitMs(deadline, 1000)).toBe(expected))
})
