import { type IntervalHistogram, monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { Gauge, type Registry } from 'prom-client'

/** How late the event loop was, in seconds. While it is late, no decision is made. */
export interface EventLoopDelay {
  /** Share of the time in which it had something to do, from 0 to 1. */
  readonly busy: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export interface EventLoopMonitor {
  /** Of the last 30 to 60 seconds, however often and by however many it is asked. */
  read(): EventLoopDelay
  stop(): void
}

/** Milliseconds between two looks at the clock. Node counts them as delay; we take them off. */
const resolutionMs = 20
const nanoseconds = 1e9

/**
 * Watches the event loop. Two histograms are begun anew in turns, one every `halfMs` (default 30000), and the older one
 * answers: a histogram that each scrape clears would hide from one scraper what another has seen.
 */
export function monitorEventLoop(halfMs = 30_000): EventLoopMonitor {
  let older = begin()
  let younger = begin()
  let [usedSinceOlder, usedSinceYounger] = [performance.eventLoopUtilization(), performance.eventLoopUtilization()]
  const timer = setInterval(() => {
    older.reset()
    ;[older, younger] = [younger, older]
    ;[usedSinceOlder, usedSinceYounger] = [usedSinceYounger, performance.eventLoopUtilization()]
  }, halfMs).unref()
  return {
    read: () => ({
      busy: performance.eventLoopUtilization(usedSinceOlder).utilization,
      p50: seconds(older.percentile(50)),
      p99: seconds(older.percentile(99)),
      max: older.count === 0 ? 0 : seconds(older.max),
    }),
    stop() {
      clearInterval(timer)
      older.disable()
      younger.disable()
    },
  }
}

function begin(): IntervalHistogram {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs })
  histogram.enable()
  return histogram
}

function seconds(value: number): number {
  return Math.max(0, value / nanoseconds - resolutionMs / 1000)
}

/** `read` is asked when scraped. */
export function registerEventLoop(registry: Registry, read: () => EventLoopDelay): void {
  new Gauge({
    name: 'mcp_authz_event_loop_delay_seconds',
    help: 'How late the event loop was in the last 30 to 60 seconds: quantile 0.5, 0.99, and 1, the longest delay.',
    labelNames: ['quantile'] as const,
    registers: [registry],
    collect() {
      const { p50, p99, max } = read()
      this.set({ quantile: '0.5' }, p50)
      this.set({ quantile: '0.99' }, p99)
      this.set({ quantile: '1' }, max)
    },
  })
  new Gauge({
    name: 'mcp_authz_event_loop_busy_ratio',
    help: 'Share of the last 30 to 60 seconds in which the event loop had something to do; near 1 there is no room for more.',
    registers: [registry],
    collect() {
      this.set(read().busy)
    },
  })
}
