import { beforeAll, describe, expect, it } from 'vitest'
import { type AdversarialInput, manyBytes, manyMembers } from './adversarial-inputs.js'
import { type GrowthOptions, measureGrowth } from './growth.js'
import { bodySizes, parserBodies } from './parser-bodies.js'
import { measureParser, measureParsers } from './parser-cost.js'
import { patiently } from './patiently.js'
import { printParserReport } from './print-report.js'

describe('reading a message', () => {
  // The compiler must have seen every kind of text before anything counts.
  beforeAll(async () => {
    await measureParsers({ rounds: 2, roundMs: 10 })
  }, 60_000)

  const bodies = bodySizes.flatMap(size =>
    parserBodies(size).map(body => [`${body.name}, ${size} bytes`, body] as const),
  )

  it.each(bodies)('costs at most three times JSON.parse: %s', { timeout: 60_000 }, async (_name, body) => {
    const measure = () => measureParser(body, { rounds: 21, roundMs: 5 })
    expect((await patiently(measure, ({ ratio }) => ratio <= 3)).ratio).toBeLessThanOrEqual(3)
  })

  it('is reported', async () => {
    const [body] = parserBodies(1024)
    if (body === undefined) throw new Error('no bodies')
    const report = printParserReport([await measureParser(body, { rounds: 1, roundMs: 1 })])
    expect(report).toMatch(/^mixed +\d+ +\d+\.\d +\d+\.\d +\d+\.\d\d$/m)
  })

  it.each(bodySizes)('is measured with bodies of about %i bytes', size => {
    for (const { bytes } of parserBodies(size)) {
      expect(bytes.length).toBeGreaterThan(size * 0.8)
      expect(bytes.length).toBeLessThanOrEqual(size)
    }
  })
})

describe('time grows no faster than the size', () => {
  const most = 2.5
  const grows = async (input: AdversarialInput, options: GrowthOptions) => {
    const measure = () => measureGrowth(input, options)
    return (await patiently(measure, ({ factor }) => factor <= most)).factor
  }

  it.each(manyBytes.map(input => [input.name, input] as const))('%s', { timeout: 60_000 }, async (_name, input) => {
    // Just below the limit of 4 MiB, so that it is not the limit that answers.
    expect(await grows(input, { small: 250 * 1024, large: 4000 * 1024, runs: 4 })).toBeLessThanOrEqual(most)
  })

  it.each(manyMembers.map(input => [input.name, input] as const))('%s', { timeout: 60_000 }, async (_name, input) => {
    expect(await grows(input, { small: 600, large: 9600, runs: 10 })).toBeLessThanOrEqual(most)
  })

  it('and what grows with the square is found out', () => {
    const square: AdversarialInput = {
      name: 'square',
      prepare: size => () => {
        let sum = 0
        for (let i = 0; i < 200 * size ** 2; i++) sum += i % 7
        return sum
      },
    }
    expect(measureGrowth(square, { small: 50, large: 400, runs: 3 }).factor).toBeGreaterThan(most)
  })
})
