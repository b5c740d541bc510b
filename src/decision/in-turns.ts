import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Sliced } from '../sliced.js'
import { allOf, type Eventually } from './eventually.js'

/** Milliseconds for which the other requests of the process are kept waiting at most. */
const turnMs = 10
/** Answers that are waited for before more is begun. */
const mostPending = 128

/**
 * Does work that can be put aside, and gives way to everybody else every 10 ms. Now if it takes no longer than that.
 *
 * @param until of `performance.now()`; after a turn that ends later the work is left. Default: there is no end
 * @returns `late` when the time was up before it was done
 */
export function workInTurns<T>(work: Sliced<T>, until = Number.POSITIVE_INFINITY): Eventually<T | 'late'> {
  const end = performance.now() + turnMs
  do {
    const step = work.next()
    if (step.done === true) return step.value
  } while (performance.now() < end)
  return nextTurn().then(() => (performance.now() > until ? 'late' : workInTurns(work, until)))
}

/**
 * Judges each of many, in their order, and gives way to everybody else every 10 ms. Now if it takes no longer than that and
 * nothing has to be waited for.
 *
 * @param judge never throws, never rejects; takes less than a turn
 * @param until of `performance.now()`; after a turn that ends later nothing more is begun. Default: there is no end
 * @returns `late` when the time was up before the last one was begun
 */
export function inTurns<T, R>(items: readonly T[], judge: (item: T) => Eventually<R>): Eventually<readonly R[]>
export function inTurns<T, R>(
  items: readonly T[],
  judge: (item: T) => Eventually<R>,
  until: number,
): Eventually<readonly R[] | 'late'>
export function inTurns<T, R>(
  items: readonly T[],
  judge: (item: T) => Eventually<R>,
  until = Number.POSITIVE_INFINITY,
): Eventually<readonly R[] | 'late'> {
  const rest = items.values()
  const answers: Eventually<R>[] = []
  const pending: Promise<R>[] = []
  const turn = (): Eventually<readonly R[] | 'late'> => {
    const end = performance.now() + turnMs
    for (let next = rest.next(); next.done !== true; next = rest.next()) {
      const answer = judge(next.value)
      answers.push(answer)
      if (answer instanceof Promise) pending.push(answer)
      if (answers.length === items.length) break
      if (pending.length === mostPending) return Promise.all(pending.splice(0)).then(goOn)
      if (performance.now() >= end) return nextTurn().then(goOn)
    }
    return allOf(answers)
  }
  const goOn = () => (performance.now() > until ? 'late' : turn())
  return turn()
}
