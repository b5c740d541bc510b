import { type ChildProcess, spawn } from 'node:child_process'
import { portsOnceReady } from '../server-process.js'
import { type ProcessUsage, processUsage } from './process-usage.js'

export interface MeasuredServerOptions {
  readonly name: string
  readonly command: readonly string[]
  /** Whether to keep it on the first core, all its threads; the load generator takes the second. */
  readonly pinned: boolean
  readonly directory: string
  /** Beside the environment of this process. */
  readonly env?: Readonly<Record<string, string>>
}

/** A server of any make, in a process of its own, measured from outside. */
export class MeasuredServer {
  readonly name: string
  /** Where it is asked. */
  readonly port: number
  /** From the start of the process until it said that it is ready. */
  readonly readyMs: number
  readonly #child: ChildProcess

  private constructor(name: string, port: number, readyMs: number, child: ChildProcess) {
    this.name = name
    this.port = port
    this.readyMs = readyMs
    this.#child = child
  }

  static async start({ name, command, pinned, directory, env }: MeasuredServerOptions): Promise<MeasuredServer> {
    // taskset becomes the program that it starts, so that the process is the server's.
    const [program = '', ...args] = pinned ? ['taskset', '-c', '0', ...command] : command
    const begun = performance.now()
    const child = spawn(program, args, {
      ...{ cwd: directory, env: { ...process.env, ...env } },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    try {
      const ports = await portsOnceReady(name, child)
      return new MeasuredServer(name, ports.get('ext-authz') ?? 0, performance.now() - begun, child)
    } catch (error) {
      child.kill('SIGKILL')
      throw error
    }
  }

  get pid(): number {
    const { pid } = this.#child
    if (pid === undefined) throw new Error(`the server "${this.name}" has no process`)
    return pid
  }

  usage(): ProcessUsage {
    return processUsage(this.pid)
  }

  /** Sends a signal, and waits until the server says on stderr what is expected. */
  signalled(signal: NodeJS.Signals, expected: string): Promise<void> {
    const { stderr } = this.#child
    if (stderr === null) throw new Error('no stderr')
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`the server did not say ${expected}`)), 30_000)
      let said = ''
      const listen = (chunk: Buffer) => {
        said += chunk.toString('latin1')
        if (!said.includes(expected)) return
        clearTimeout(timer)
        stderr.off('data', listen)
        resolve()
      }
      stderr.on('data', listen)
      process.kill(this.pid, signal)
    })
  }

  async stop(): Promise<void> {
    const { exitCode, signalCode } = this.#child
    if (exitCode !== null || signalCode !== null) return
    const ended = new Promise(resolve => this.#child.once('exit', resolve))
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5000)
    await ended
    clearTimeout(timer)
  }
}
