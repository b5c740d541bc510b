import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { packageRoot } from '../package-root.js'
import { recordsDescriptor } from '../workers/records-descriptor.js'

const program = join(packageRoot, 'dist/cli/worker-main.js')

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
