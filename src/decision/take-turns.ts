import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Eventually } from './eventually.js'

/** Milliseconds for which the other requests of the process are kept waiting at most, beside the step at hand. */
const turnMs = 10

/**
 * Does work step by step, and gives way to everybody else every 10 ms. Now if it takes no longer than that.
 *
 * @param until of `performance.now()`: when it has passed, what is left is not done, and `late` comes back
 */
export function takeTurns<R>(work: Generator<void, R>, until = Number.POSITIVE_INFINITY): Eventually<R | 'late'> {
  const turn = (): Eventually<R | 'late'> => {
    const end = performance.now() + turnMs
    for (;;) {
      const step = work.next()
      if (step.done === true) return step.value
      const now = performance.now()
      if (now > until) return 'late'
      if (now >= end) return nextTurn().then(turn)
    }
  }
  return turn()
}
