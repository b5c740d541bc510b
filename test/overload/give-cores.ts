import { execFileSync } from 'node:child_process'
import { canPin, pinLoadGenerator } from '../bench/server-process.js'

/** A core for the server and one for the load: three times what one can do is asked by another that has to keep up. */
export function giveCores(serverPid: number): void {
  if (!canPin()) return
  pinLoadGenerator()
  execFileSync('taskset', ['-a', '-c', '-p', '0', String(serverPid)], { stdio: 'ignore' })
}
