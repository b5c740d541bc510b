import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { registerStages, timedOneIn } from './stage-timer.js'

const countsIn = async (registry: Registry) =>
  (await registry.metrics()).split('\n').filter(line => /^mcp_authz_stage_duration_seconds_count/.test(line))

describe('the times of stages', () => {
  it('are those between one stage and the next', async () => {
    const registry = new Registry()
    const begin = registerStages(registry, () => 0)
    const timer = begin()
    timer?.stage('framing')
    timer?.stage('identity')
    await new Promise(resolve => setTimeout(resolve, 20))
    timer?.stage(undefined)
    timer?.stage(undefined)
    expect(await countsIn(registry)).toEqual([
      'mcp_authz_stage_duration_seconds_count{stage="framing"} 1',
      'mcp_authz_stage_duration_seconds_count{stage="identity"} 1',
    ])
    const text = await registry.metrics()
    // It waited; the stage before it did not.
    expect(text).toContain('mcp_authz_stage_duration_seconds_bucket{le="0.01",stage="identity"} 0')
    expect(text).toContain('mcp_authz_stage_duration_seconds_bucket{le="0.01",stage="framing"} 1')
  })

  it('say nothing of what was not reached', async () => {
    const registry = new Registry()
    registerStages(registry, () => 0)()?.stage('framing')
    expect(await countsIn(registry)).toEqual([])
  })

  it.each([
    ['the shortest gap', 0, 1],
    ['the middle', 0.5, timedOneIn],
    ['the longest gap', 0.999_999, 2 * timedOneIn - 1],
  ])('are taken of one decision in so many: %s', (_name, random, every) => {
    const begin = registerStages(new Registry(), () => random)
    const timed = Array.from({ length: every * 3 }, begin).flatMap((one, at) => (one === undefined ? [] : [at + 1]))
    expect(timed).toEqual([every, 2 * every, 3 * every])
  })

  it('are taken of one decision in so many on average', () => {
    let seed = 1
    const random = () => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed / 2_147_483_647
    }
    const begin = registerStages(new Registry(), random)
    let timed = 0
    for (let i = 0; i < 10_000 * timedOneIn; i++) if (begin() !== undefined) timed++
    expect(timed).toBeGreaterThan(9_700)
    expect(timed).toBeLessThan(10_300)
  })
})
