import { answerMargin } from './answer-margin.js'

/** The longest time that a timer can be set to (Node.js, timers: a signed 32-bit number of milliseconds). */
const maxTimer = 2 ** 31 - 1

/**
 * What a promise gives, or `late` shortly before the deadline (milliseconds since the epoch; undefined: none). The work goes
 * on after that, so that the caller's next try finds it done. The promise must not reject.
 */
export function inTime<T>(work: Promise<T>, deadline: number | undefined, now: () => number, late: T): Promise<T> {
  if (deadline === undefined) return work
  const left = deadline - now()
  const wait = Math.min(Math.max(0, left - answerMargin(left)), maxTimer)
  return new Promise(resolve => {
    const timer = setTimeout(() => resolve(late), wait)
    work.then(resolve).finally(() => clearTimeout(timer))
  })
}
