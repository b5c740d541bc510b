import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { signalGroup } from './kill-on-exit.js'

const LOOK_EVERY_MS = 2
const PATIENCE_MS = 10_000

/**
 * Stops the process group that `leader` leads, and waits until no thread of its leader runs: SIGSTOP is under way when kill(2)
 * returns, and on a busy machine a thread answers another request meanwhile (signal(7), "stopped process").
 * Throws when there is no such group, or when it has not stopped after 10 seconds.
 */
export async function suspendGroup(leader: number): Promise<void> {
  if (!signalGroup(leader, 'SIGSTOP')) throw new Error(`there is no process group ${leader} to stop`)
  await stopped(leader)
}

export function resumeGroup(leader: number): void {
  signalGroup(leader, 'SIGCONT')
}

/** As {@link suspendGroup}, for one process alone. */
export async function suspendProcess(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  await stopped(pid)
}

/** Nothing happens where it has ended. */
export function resumeProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT')
  } catch {
    // It has ended.
  }
}

async function stopped(pid: number): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  // T: stopped by a signal; t: by a debugger; Z, X: has ended (proc_pid_stat(5), "state").
  while (!(await statesOf(pid)).every(state => 'TtZX'.includes(state))) {
    if (performance.now() > deadline) throw new Error(`process ${pid} has not stopped within ${PATIENCE_MS} ms`)
    await sleep(LOOK_EVERY_MS)
  }
}

/** The state of each of its threads, a letter each. */
async function statesOf(pid: number): Promise<readonly string[]> {
  if (process.platform !== 'linux') {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'state=', '-p', String(pid)])
    return [stdout.trim().charAt(0)]
  }
  const tasks = `/proc/${pid}/task`
  return Promise.all(
    (await readdir(tasks)).map(thread =>
      readFile(`${tasks}/${thread}/stat`, 'utf8').then(
        // The name before it, in brackets, may hold brackets and blanks.
        text => text.charAt(text.lastIndexOf(')') + 2),
        () => 'X', // it ended between the two looks
      ),
    ),
  )
}
