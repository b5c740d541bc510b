import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { packageRoot } from '../../src/package-root.js'

/** `dist` is what ships, and what is measured; `src` runs without a build, through tsx. */
export type Code = 'dist' | 'src'

/**
 * Room for objects that live a little longer. node:http2 promotes its streams; with the default heap a full collection
 * runs many times a second and hides everything else.
 */
export const nodeFlags: readonly string[] = ['--initial-old-space-size=256']

export interface ServerOptions {
  readonly name: string
  readonly code: Code
  /** Whether to keep it on the first core; the load generator takes the second. */
  readonly pinned: boolean
  readonly args: readonly string[]
  /** Further flags of Node, e.g. for a profile. */
  readonly nodeArgs?: readonly string[]
}

export interface Usage {
  readonly cpuMicros: number
  readonly rssBytes: number
}

const startLimitMs = 45_000

/** Whether processes can be kept on cores here: there are two, and `taskset`. */
export function canPin(): boolean {
  if (availableParallelism() < 2) return false
  try {
    execFileSync('taskset', ['-c', '0,1', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** A server under test, in a process of its own. */
export class ServerProcess {
  readonly name: string
  /** Of the listener ext-authz. */
  readonly port: number
  /** By the name of the listener. */
  readonly ports: ReadonlyMap<string, number>
  readonly #child: ChildProcess

  private constructor(name: string, ports: ReadonlyMap<string, number>, child: ChildProcess) {
    this.name = name
    this.port = ports.get('ext-authz') ?? 0
    this.ports = ports
    this.#child = child
  }

  static async start({ name, code, pinned, args, nodeArgs = [] }: ServerOptions): Promise<ServerProcess> {
    const preload = join(packageRoot, 'test/bench/report-usage.mjs')
    const loader = code === 'src' ? ['--import', 'tsx'] : []
    const command = [process.execPath, ...nodeFlags, ...nodeArgs, ...loader, '--import', preload, ...args]
    const [program = '', ...rest] = pinned ? ['taskset', '-c', '0', ...command] : command
    const child = spawn(program, rest, { cwd: packageRoot, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    try {
      return new ServerProcess(name, await portsOnceReady(name, child), child)
    } catch (error) {
      child.kill('SIGKILL')
      throw error
    }
  }

  usage(): Promise<Usage> {
    return new Promise((resolve, reject) => {
      this.#child.once('message', (message: unknown) =>
        isUsage(message) ? resolve(message) : reject(new Error('not a usage report')),
      )
      this.#child.send('usage')
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

/** Moves this process, the load generator, away from the servers. */
export function pinLoadGenerator(): void {
  execFileSync('taskset', ['-acp', '1', String(process.pid)], { stdio: 'ignore' })
}

/** The servers say on stderr where their listeners are, and when they are ready. */
export function portsOnceReady(name: string, child: ChildProcess): Promise<ReadonlyMap<string, number>> {
  const { stderr } = child
  if (stderr === null) throw new Error('no stderr')
  return new Promise((resolve, reject) => {
    const said: string[] = []
    const fail = (why: string) => reject(new Error(`the server "${name}" ${why}\n${said.join('\n')}`))
    const timer = setTimeout(() => fail('was not ready in time'), startLimitMs)
    child.once('exit', () => fail('ended at once'))
    const ports = new Map<string, number>()
    createInterface({ input: stderr }).on('line', line => {
      said.push(line)
      const [, listener, port] = /"listener":"([^"]+)","address":"127\.0\.0\.1:(\d+)"/.exec(line) ?? []
      if (listener !== undefined) ports.set(listener, Number(port))
      if (!line.includes('"message":"ready"') || !ports.has('ext-authz')) return
      clearTimeout(timer)
      resolve(ports)
    })
  })
}

function isUsage(message: unknown): message is Usage {
  return typeof message === 'object' && message !== null && 'cpuMicros' in message && 'rssBytes' in message
}
