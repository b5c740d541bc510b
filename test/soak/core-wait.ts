import { readFileSync } from 'node:fs'

/** Of the time in which it could work. */
const contendedShare = 0.25

type Counted = readonly [workedNs: number, waitedNs: number]

/**
 * How long the main thread of a process waited for a core while it had something to do, as the scheduler of Linux counts
 * it. Where it does not, it waited for nothing: then the machine is no excuse.
 */
export class CoreWait {
  readonly #read: () => string
  readonly #began: Counted
  #last: Counted = [0, 0]

  constructor(pid: number, read = () => readFileSync(`/proc/${pid}/schedstat`, 'utf8')) {
    this.#read = read
    this.#began = this.#now()
  }

  /** From 0 to 1. */
  get share(): number {
    const [worked, waited] = this.#now()
    const [workedBefore, waitedBefore] = this.#began
    const all = worked - workedBefore + (waited - waitedBefore)
    return all > 0 ? (waited - waitedBefore) / all : 0
  }

  /** Whether others had so much of the machine that how fast it is says nothing. */
  get contended(): boolean {
    return this.share > contendedShare
  }

  /** Of a process that has ended, what was seen last. */
  #now(): Counted {
    try {
      const [worked = 0, waited = 0] = this.#read().trim().split(' ').map(Number)
      this.#last = [worked, waited]
    } catch {
      // Not on this system, or no longer.
    }
    return this.#last
  }
}
