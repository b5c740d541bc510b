import { randomInt } from 'node:crypto'
import { expect, it } from 'vitest'
import { runHttp2Fuzz } from './run-http2-fuzz.js'

/** A second or two each on a machine that is idle. The long form is `tsx test/http2/fuzz/main.ts --minutes 30`. */
const own = ['structured', 'mutated']
const foreign = ['hpack', 'node client', 'frames']

const cases = [
  ['a fixed seed', 4711, own, 120],
  ['a fixed seed, against node:http2', 4712, foreign, 100],
  ['a random seed', randomInt(2 ** 31), own, 60],
  ['a random seed, against node:http2', randomInt(2 ** 31), foreign, 50],
] as const

it.each(cases)('%s: %i', async (_name, seed, tracks, iterations) => {
  const end = performance.now() + 20_000
  const report = await runHttp2Fuzz({
    seed,
    tracks,
    more: iteration => iteration < iterations && performance.now() < end,
  })
  expect(report.found).toBeUndefined()
  expect(report.iterations).toBeGreaterThan(10)
})
