import type { Writable } from 'node:stream'
import { createService } from './service.js'
import { createLogging, type Logging } from './telemetry/logger.js'
import { workerConfig, workerEnvironment } from './worker-config.js'
import { WorkerChannel, type WorkerProcessChannel } from './workers/worker-channel.js'

export interface WorkerOptions {
  /** The process that this is. */
  readonly process: WorkerProcessChannel
  /** Where records go. Default: the descriptor that the primary gave us. */
  readonly openPipe?: () => Writable
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborted when the system asks this process alone to end. */
  readonly signal: AbortSignal
}

/**
 * A worker, from its first message to its end: it decides what its primary hands to it, until it is asked to end or its
 * primary is gone; then it ends what it has. Resolves to the exit code.
 */
export async function serveAsWorker({ process, env, signal, openPipe }: WorkerOptions): Promise<0 | 1> {
  const channel = new WorkerChannel(process, openPipe)
  const { number, config, listeners, openWithinMs } = await channel.start
  const logging = withoutRepeats(createLogging(config.log.level, undefined, number))
  const log = logging.subsystem('service')
  const told = new Promise<'signal'>(resolve => signal.addEventListener('abort', () => resolve('signal')))
  try {
    const service = createService({
      config: workerConfig(config),
      logging,
      env: workerEnvironment(env),
      part: { role: 'worker', channel, listeners, openWithinMs },
    })
    const started = service.start()
    const stopped = Promise.race([channel.stopped, told])
    // Whoever stops it need not wait until it has started.
    await Promise.race([started, stopped])
    if ((await stopped) === 'alone')
      log.error('the primary is gone; what is in flight is answered, then this worker ends')
    await service.stop()
    await started.catch(() => undefined)
    await channel.close()
    return 0
  } catch (error) {
    await channel.failed(error)
    return 1
  } finally {
    logging.flush()
  }
}

/** What is right or doubtful in the policies the primary says, which reads the same ones; errors each process says itself. */
function withoutRepeats(logging: Logging): Logging {
  const silent = (): void => undefined
  return {
    ...logging,
    subsystem: name => {
      const log = logging.subsystem(name)
      return name === 'policy' ? { ...log, info: silent, warn: silent } : log
    },
  }
}
