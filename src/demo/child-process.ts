import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { killOnExit, signalGroup } from './kill-on-exit.js'
import { createOutputTail, splitLines } from './output-tail.js'

const KEPT_LINES = 500
const SHOWN_LINES = 30
const PROBE_EVERY_MS = 50

export interface ChildOptions {
  /** For messages. */
  readonly name: string
  readonly command: string
  readonly args?: readonly string[]
  /** Added to the environment of this process; `undefined` removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  /** How far it steps back for others that want a core, 0 to 19 (nice(1)). Default: as this process does. */
  readonly niceness?: number
  /** Called for every line of standard output and standard error. */
  readonly onLine?: (line: string) => void
}

export interface ChildExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Child {
  readonly name: string
  readonly pid: number
  /** The last 500 lines of output, both streams in order of arrival. */
  readonly lines: readonly string[]
  readonly exited: Promise<ChildExit>
  /**
   * Resolves when `isReady` says so. Throws, with the end of the output, when the program ends first or after
   * `timeoutMs` (default 15 s). An error thrown by `isReady` counts as "not yet".
   */
  waitUntilReady(isReady: () => boolean | Promise<boolean>, timeoutMs?: number): Promise<void>
  /** SIGTERM to the program and what it started, SIGKILL after `graceMs` (default 3 s). May be called twice. */
  stop(graceMs?: number): Promise<ChildExit>
}

/**
 * Starts a program in a process group of its own, so that what it starts ends with it. It is killed when this process
 * ends. Throws when it cannot be started at all.
 */
export async function startChild(options: ChildOptions): Promise<Child> {
  const { name, command } = options
  const output = createOutputTail(KEPT_LINES)
  const onLine = (line: string): void => {
    output.add(line)
    options.onLine?.(line)
  }
  const [program, args] = withNiceness(command, options.args ?? [], options.niceness)
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  for (const stream of [child.stdout, child.stderr]) {
    const lines = splitLines(onLine)
    stream.on('data', (chunk: Buffer) => lines.write(chunk))
    stream.on('end', () => lines.end())
  }
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', cause => reject(new Error(`${name}: cannot start ${command}: ${cause.message}`, { cause })))
  })
  const pid = child.pid
  if (pid === undefined) throw new Error(`${name}: the system gave no process id`)
  if (options.niceness !== undefined) await stepBack(pid, options.niceness)
  const forget = killOnExit(pid)
  let ended: ChildExit | undefined
  const exited = new Promise<ChildExit>(resolve => {
    // "close", not "exit": by then all output has been read.
    child.once('close', (code, signal) => {
      ended = { code, signal }
      // What it started may still be there.
      signalGroup(pid, 'SIGKILL')
      forget()
      resolve(ended)
    })
  })
  child.on('error', cause => onLine(`${name}: ${cause.message}`))

  const failure = (what: string): Error => {
    const tail = output.tail(SHOWN_LINES)
    return new Error(`${name} ${what}${tail === '' ? ' It printed nothing.' : ` Its last output:\n${tail}`}`)
  }
  return {
    name,
    pid,
    lines: output.lines,
    exited,
    async waitUntilReady(isReady, timeoutMs = 15_000) {
      const deadline = performance.now() + timeoutMs
      for (;;) {
        if (ended !== undefined) {
          throw failure(`ended before it was ready (${ended.signal ?? `exit code ${ended.code}`}).`)
        }
        if (await isReadyNow(isReady)) return
        if (performance.now() >= deadline) throw failure(`was not ready after ${timeoutMs} ms.`)
        await Promise.race([sleep(PROBE_EVERY_MS), exited])
      }
    },
    async stop(graceMs = 3_000) {
      if (ended !== undefined) return ended
      signalGroup(pid, 'SIGTERM')
      const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), graceMs)
      try {
        return await exited
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

async function isReadyNow(isReady: () => boolean | Promise<boolean>): Promise<boolean> {
  try {
    return await isReady()
  } catch {
    return false
  }
}

/** All its threads get it only if it has it from the start. nice(1) becomes the program, so that the process id is the same. */
function withNiceness(command: string, args: readonly string[], niceness?: number): [string, string[]] {
  return niceness === undefined ? [command, [...args]] : ['nice', ['-n', String(niceness), command, ...args]]
}

/** Where Linux groups processes by session (sched(7), autogroup), nice(1) counts within one only, and ours have one each. */
async function stepBack(pid: number, niceness: number): Promise<void> {
  // Without groups, on another system, or where nothing may be changed, nice(1) has to do.
  await writeFile(`/proc/${pid}/autogroup`, String(niceness)).catch(() => {})
}
