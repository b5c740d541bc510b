import fc from 'fast-check'
import { Histogram, Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { TimesByLabel } from './times-by-label.js'

const options = { name: 'took_seconds', help: 'How long\nit took.', buckets: [0.001, 0.5, 2] }

describe('TimesByLabel', () => {
  it('exposes what the histogram of the library would, to the last byte and value', async () => {
    const time = fc.oneof(
      fc.constantFrom(0, 0.001, 0.5, 2, 2.000_000_1, -1, 1e-9, 1e12),
      fc.double({ min: 0, max: 3, noNaN: true }),
    )
    const observed = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'with "quotes"\\\n', ''), time), { maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(observed, async times => {
        const [registry, expected] = [new Registry(), new Registry()]
        const own = new TimesByLabel(registry, { ...options, label: 'stage' })
        const library = new Histogram({ ...options, labelNames: ['stage'], registers: [expected] })
        for (const [stage, seconds] of times) {
          own.add(stage, seconds)
          library.observe({ stage }, seconds)
        }
        expect(await registry.metrics()).toBe(await expected.metrics())
        expect(await registry.getMetricsAsJSON()).toEqual(await expected.getMetricsAsJSON())
      }),
    )
  })

  it('says into which bucket a time fell', () => {
    const times = new TimesByLabel(new Registry(), { ...options, label: 'stage' })
    expect([0, 0.001, 0.001_1, 2, 2.1].map(seconds => times.add('a', seconds))).toEqual([0, 0, 1, 2, 3])
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('does not count %s', async seconds => {
    const registry = new Registry()
    const times = new TimesByLabel(registry, { ...options, label: 'stage' })
    expect(() => times.add('a', seconds)).toThrow(TypeError)
    expect(await registry.metrics()).not.toContain('took_seconds_count')
  })
})
