import { Worker } from 'node:worker_threads'

/** Longer than anything takes, also on a busy machine. */
const patienceMs = 30_000

/**
 * Ends the process when an iteration does not end: a thread of its own looks whether the number of the iteration still
 * changes. It names the number, from which the input can be made again.
 */
export class StallWatch {
  readonly #iteration = new Int32Array(new SharedArrayBuffer(4))
  readonly #worker: Worker

  constructor(seed: number) {
    const workerData = { iteration: this.#iteration, seed, patienceMs, pid: process.pid }
    this.#worker = new Worker(program, { eval: true, workerData })
    this.#worker.unref()
  }

  at(iteration: number): void {
    this.#iteration[0] = iteration
  }

  async stop(): Promise<void> {
    await this.#worker.terminate()
  }
}

const program = `
const { workerData } = require('node:worker_threads')
const { writeSync } = require('node:fs')
let last = -1
setInterval(() => {
  const now = Atomics.load(workerData.iteration, 0)
  if (now === last) {
    writeSync(2, 'no end after ' + workerData.patienceMs + ' ms: seed ' + workerData.seed + ', iteration ' + now + '\\n')
    process.kill(workerData.pid, 'SIGKILL')
  }
  last = now
}, workerData.patienceMs)
`
