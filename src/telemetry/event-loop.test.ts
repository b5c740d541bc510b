import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { type EventLoopMonitor, monitorEventLoop } from './event-loop.js'
import { createMetrics } from './metrics.js'

const monitors: EventLoopMonitor[] = []
afterEach(() => {
  for (const monitor of monitors.splice(0)) monitor.stop()
})
const watch = (halfMs?: number) => {
  const monitor = monitorEventLoop(halfMs)
  monitors.push(monitor)
  return monitor
}

const block = (ms: number) => {
  const until = performance.now() + ms
  while (performance.now() < until);
}

describe('monitorEventLoop', () => {
  it('says how long nothing could be done, to everybody who asks', async () => {
    const monitor = watch()
    await sleep(60)
    block(250)
    await sleep(60)
    expect(monitor.read().max).toBeGreaterThan(0.15)
    const { p50, p99, max, busy } = monitor.read()
    expect(monitor.read()).toMatchObject({ p50, p99, max })
    expect(busy).toBeGreaterThan(0)
    expect(busy).toBeLessThanOrEqual(1)
    expect(p50).toBeLessThanOrEqual(p99)
    expect(p99).toBeLessThanOrEqual(max)
  })

  it('says how much of the time there was something to do, and forgets that too', async () => {
    const monitor = watch(100)
    await sleep(20)
    block(300)
    expect(monitor.read().busy).toBeGreaterThan(0.5)
    await expect.poll(() => monitor.read().busy, { timeout: 5000 }).toBeLessThan(0.5)
  })

  it('forgets', async () => {
    const monitor = watch(100)
    await sleep(40)
    block(400)
    await expect.poll(() => monitor.read().max, { timeout: 5000 }).toBeLessThan(0.3)
  })

  it('has nothing to say at first, and no NaN', () => {
    const { busy, ...delay } = watch().read()
    expect(delay).toEqual({ p50: 0, p99: 0, max: 0 })
    expect(busy).toBeGreaterThanOrEqual(0)
  })

  it('is in the metrics', async () => {
    const metrics = createMetrics({
      droppedRecords: () => 0,
      defaults: false,
      eventLoop: () => ({ p50: 0.001, p99: 0.2, max: 1.5, busy: 0.25 }),
    })
    const text = await metrics.text()
    for (const line of ['{quantile="0.5"} 0.001', '{quantile="0.99"} 0.2', '{quantile="1"} 1.5'])
      expect(text).toContain(`mcp_authz_event_loop_delay_seconds${line}`)
    expect(text).toContain('mcp_authz_event_loop_busy_ratio 0.25')
  })
})
