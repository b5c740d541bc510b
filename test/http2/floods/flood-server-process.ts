import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { BoundAddress } from '../../../src/doors/grpc/grpc-transport.js'
import type { Limits } from '../../../src/doors/grpc/native/limits.js'

export interface ServerUsage {
  readonly cpuMicros: number
  /** In use, without garbage. */
  readonly usedBytes: number
  /** The most that the process ever took. */
  readonly peakBytes: number
  /** What it said about connections that went too far, since it was asked last. */
  readonly troubles: readonly string[]
}

const started = z.object({ port: z.int() })
const used = z.object({
  cpuMicros: z.number(),
  usedBytes: z.number(),
  peakBytes: z.number(),
  troubles: z.array(z.string()),
})

export class FloodServer {
  readonly address: BoundAddress
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.address = { kind: 'tcp', host: '127.0.0.1', port }
  }

  static async start(limits: Partial<Limits> = {}): Promise<FloodServer> {
    const file = fileURLToPath(new URL('flood-server.ts', import.meta.url))
    const child = fork(file, [JSON.stringify(limits)], { execArgv: ['--import', 'tsx', '--expose-gc'] })
    const { port } = started.parse(await next(child))
    return new FloodServer(child, port)
  }

  async usage(): Promise<ServerUsage> {
    const answer = next(this.#child)
    this.#child.send('usage')
    return used.parse(await answer)
  }

  stop(): void {
    this.#child.kill()
  }
}

function next(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const gone = () => reject(new Error('the server has ended'))
    child.once('exit', gone)
    child.once('message', message => {
      child.off('exit', gone)
      resolve(message)
    })
  })
}
