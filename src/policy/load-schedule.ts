/** Milliseconds in which changes that belong together come together. */
const gatherMs = 50
/** Milliseconds between two loads at least. */
const distanceMs = 200
/** A load is followed by this many times its own duration without one, so that loading takes a fifth of the time at most. */
const restFactor = 4

export interface LoadSchedule {
  /** Something changed. Many of these in a row are one load; none of them puts it off. */
  request(): void
  stop(): void
}

/**
 * Decides when to load after a change: 50 ms later, and not sooner than 200 ms, or four times as long as it took, after
 * the last load. So a change is in force well within a second, and a storm of them leaves the time to decide requests.
 */
export function createLoadSchedule(load: () => void): LoadSchedule {
  let timer: NodeJS.Timeout | undefined
  let restUntil = 0
  const run = () => {
    timer = undefined
    const began = performance.now()
    load()
    const ended = performance.now()
    restUntil = ended + Math.max(distanceMs, restFactor * (ended - began))
  }
  return {
    request() {
      timer ??= setTimeout(run, Math.max(gatherMs, restUntil - performance.now())).unref()
    },
    stop() {
      clearTimeout(timer)
      timer = undefined
    },
  }
}
