import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const LOOK_EVERY_MS = 2
const PATIENCE_MS = 10_000

/**
 * Stops a process, and waits until none of its threads runs: SIGSTOP is under way when kill(2) returns, and on a busy machine
 * a thread answers another request meanwhile. Throws when there is no such process, or when it has not stopped after 10 seconds.
 */
export async function suspendProcess(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  const deadline = performance.now() + PATIENCE_MS
  // T: stopped by a signal; t: by a debugger; Z, X: has ended (proc_pid_stat(5), "state").
  while (!(await statesOf(pid)).every(state => 'TtZX'.includes(state))) {
    if (performance.now() > deadline) throw new Error(`process ${pid} has not stopped within ${PATIENCE_MS} ms`)
    await sleep(LOOK_EVERY_MS)
  }
}

/** Nothing happens where it has ended. */
export function resumeProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT')
  } catch {
    // It has ended.
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
