import type { Sliced } from '../sliced.js'

/** Milliseconds in which changes that belong together come together. */
const gatherMs = 50
/** Milliseconds between two loads at least. */
const distanceMs = 200
/** A load is followed by this many times what it took without one, so that storms of changes take a fifth of a core. */
const restFactor = 4
/** Milliseconds of rest at most: a load of everything anew takes long, and is followed by others that people wait for. */
const longestRestMs = 5000
/** Milliseconds after which a load lets requests be decided before it goes on. */
const stepMs = 10
/** Milliseconds between two steps of a load, in which requests are decided. */
const breathMs = 10

export interface LoadSchedule {
  /** Something changed. Many of these in a row are one load; none of them puts it off. */
  request(): void
  stop(): void
}

/**
 * Decides when to load after a change: 50 ms later, and not sooner after the last load than 200 ms or four times what that
 * took, up to 5 s. So a change is in force well within a second, and a storm of them leaves the time to decide requests.
 * @param load goes on to its end, in steps of some 10 ms, which end where it yields; what is requested meanwhile is another load
 */
export function createLoadSchedule(load: () => Sliced<void>): LoadSchedule {
  let timer: NodeJS.Timeout | undefined
  let work: Sliced<void> | undefined
  let workedMs = 0
  let again = false
  let restUntil = 0
  const wait = (then: () => void, ms: number) => {
    timer = setTimeout(then, ms).unref()
  }
  const step = () => {
    timer = undefined
    const began = performance.now()
    work ??= load()
    let done = false
    let ended = began
    while (!done && ended - began < stepMs) {
      done = work.next().done === true
      ended = performance.now()
    }
    workedMs += ended - began
    if (!done) return wait(step, breathMs)
    restUntil = ended + Math.min(longestRestMs, Math.max(distanceMs, restFactor * workedMs))
    work = undefined
    workedMs = 0
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
      workedMs = 0
      again = false
    },
  }
}
