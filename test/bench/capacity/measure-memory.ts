import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

let collect: unknown

/** Bytes in use once garbage is collected. To be called in a process in which little else happens. */
export function usedBytes(): number {
  if (typeof collect !== 'function') {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc')
  }
  for (let again = 0; again < 2; again++) if (typeof collect === 'function') collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
