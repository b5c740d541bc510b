import { existsSync, readFileSync } from 'node:fs'

export interface ProcessUsage {
  /** Of all threads, also those that have ended: the compilers and collectors of Node and Go are threads. */
  readonly cpuMicros: number
  readonly rssBytes: number
  /** The most it ever was. */
  readonly peakRssBytes: number
}

/** Of the system's clock, in which /proc counts: 100 per second on every Linux that Node runs on (USER_HZ). */
const microsPerTick = 10_000

/** Whether this system tells what any process has used. */
export const tellsUsage = existsSync('/proc/self/stat')

/** What a process has used so far (proc_pid_stat(5), proc_pid_status(5)); nothing has to be loaded into it for that. */
export function processUsage(pid: number): ProcessUsage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The name of the program stands in parentheses, and may contain anything; user and system time are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  return {
    cpuMicros: (Number(fields[11]) + Number(fields[12])) * microsPerTick,
    rssBytes: kilobytes(status, 'VmRSS') * 1024,
    peakRssBytes: kilobytes(status, 'VmHWM') * 1024,
  }
}

function kilobytes(status: string, name: string): number {
  const at = status.indexOf(`${name}:`)
  return at < 0 ? Number.NaN : Number.parseInt(status.slice(at + name.length + 1), 10)
}
