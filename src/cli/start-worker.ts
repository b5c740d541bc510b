import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { recordsDescriptor } from '../workers/records-descriptor.js'

const program = fileURLToPath(new URL('./worker-main.js', import.meta.url))

/**
 * A worker process with our own environment and flags of Node. Its log goes where ours goes; its records come through a
 * pipe; stdout is not its own, because records of the service stand there.
 */
export function startWorker(): ChildProcess {
  const stdio: ('ignore' | 'inherit' | 'ipc' | 'pipe')[] = ['ignore', 'ignore', 'inherit', 'ipc']
  stdio.splice(recordsDescriptor, 0, 'pipe')
  // One debugger at one port.
  const execArgv = process.execArgv.filter(flag => !flag.startsWith('--inspect'))
  return fork(program, [], { serialization: 'advanced', stdio, execArgv })
}
