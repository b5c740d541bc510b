const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Process groups to kill when this process ends, however it ends (SIGKILL excepted). There is one list per process,
 * because there is one process to watch; its listeners are only installed while it is not empty.
 */
const groups = new Set<number>()

/** Registers the process group that `leader` leads. Returns the function that takes it off the list. */
export function killOnExit(leader: number): () => void {
  if (groups.size === 0) watch()
  groups.add(leader)
  return () => {
    if (groups.delete(leader) && groups.size === 0) unwatch()
  }
}

/** Sends a signal to a whole process group. False when no such group is left. */
export function signalGroup(leader: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-leader, signal)
  } catch {
    return false
  }
}

function watch(): void {
  process.on('exit', killAll)
  for (const signal of ENDING_SIGNALS) process.on(signal, onSignal)
}

function unwatch(): void {
  process.off('exit', killAll)
  for (const signal of ENDING_SIGNALS) process.off(signal, onSignal)
}

function killAll(): void {
  for (const leader of groups) signalGroup(leader, 'SIGKILL')
}

/** Our listener takes away the default action of the signal: unless others listen and end in their own way, redo it. */
function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return
  killAll()
  unwatch()
  process.kill(process.pid, signal)
}
