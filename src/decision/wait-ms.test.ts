import { describe, expect, it } from 'vitest'
import { answerMargin } from '../identity/answer-margin.js'
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

describe('the authenticator gives up before the door does', () => {
  it.each([25, 50, 100, 200, 300, 500, 650, 1000, 5000, 10_000])('with %d ms left', left => {
    const authenticator = left - answerMargin(left)
    expect(authenticator).toBeGreaterThan(0)
    expect(waitMs(1000 + left, 1000) - authenticator).toBeGreaterThanOrEqual(10)
  })
})
