/** Milliseconds in which changes that belong together come together. */
const gatherMs = 50
/** Milliseconds between two loads at least. */
const distanceMs = 200
/** A load is followed by this many times its longest step without one, so that storms of changes leave time to decide. */
const restFactor = 4
/** Milliseconds between two steps of a load, in which requests are decided. */
const breathMs = 10

export interface LoadSchedule {
  /** Something changed. Many of these in a row are one load; none of them puts it off. */
  request(): void
  stop(): void
}

/**
 * Decides when to load after a change: 50 ms later, and not sooner than 200 ms, or four times its longest step, after
 * the last load. So a change is in force well within a second, and a storm of them leaves the time to decide requests.
 * @param load goes on to its end, with a pause wherever it yields; what is requested meanwhile is another load
 */
export function createLoadSchedule(load: () => Iterator<void>): LoadSchedule {
  let timer: NodeJS.Timeout | undefined
  let work: Iterator<void> | undefined
  let longestMs = 0
  let again = false
  let restUntil = 0
  const wait = (then: () => void, ms: number) => {
    timer = setTimeout(then, ms).unref()
  }
  const step = () => {
    timer = undefined
    const began = performance.now()
    work ??= load()
    const { done } = work.next()
    const ended = performance.now()
    longestMs = Math.max(longestMs, ended - began)
    if (done !== true) return wait(step, breathMs)
    restUntil = ended + Math.max(distanceMs, restFactor * longestMs)
    work = undefined
    longestMs = 0
    if (again) request()
  }
  const request = () => {
    again = work !== undefined
    if (!again && timer === undefined) wait(step, Math.max(gatherMs, restUntil - performance.now()))
  }
  return {
    request,
    stop() {
      clearTimeout(timer)
      timer = undefined
      work = undefined
      again = false
    },
  }
}
