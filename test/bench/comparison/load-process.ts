import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { packageRoot } from '../../../src/package-root.js'
import type { LoadResult } from '../load.js'

export interface LoadOrder {
  readonly protocol: 'grpc' | 'http1'
  readonly port: number
  readonly connections: number
  /** Base64: of a CheckRequest, or of a whole HTTP/1.1 request. */
  readonly message: string
  /** Base64, of HTTP/1.1 only: the body of the right answer. */
  readonly expected: string
  /** Calls that are begun in a second, whatever becomes of them. Default: one per connection after the other. */
  readonly perSecond?: number
  readonly seconds: number
}

/** A load generator in a process of its own. */
export class LoadProcess {
  readonly #child: ChildProcess

  /** It runs on the cores that this process is kept on. */
  constructor() {
    const generator = join(packageRoot, 'test/bench/comparison/load-process-main.ts')
    this.#child = fork(generator, { execArgv: ['--import', 'tsx'], cwd: packageRoot })
  }

  /** One at a time. Throws when an answer is not the right one: its latency would say nothing. */
  async run(order: LoadOrder): Promise<LoadResult> {
    const result = await this.#order(order)
    const { wrong, requests, wrongAnswer } = result
    if (wrong > 0) throw new Error(`${wrong} of ${requests} answers were wrong ${wrongAnswer}`)
    return result
  }

  #order(order: LoadOrder): Promise<LoadResult & { readonly wrongAnswer: string }> {
    return new Promise((resolve, reject) => {
      const ended = () => reject(new Error('the load generator ended'))
      this.#child.once('exit', ended)
      this.#child.once('message', (result: LoadResult & { readonly wrongAnswer: string }) => {
        this.#child.off('exit', ended)
        resolve(result)
      })
      this.#child.send(order)
    })
  }

  stop(): void {
    this.#child.disconnect()
  }
}
