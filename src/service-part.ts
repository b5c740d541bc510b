import type { ChildProcess } from 'node:child_process'
import type { Config } from './config/config.js'
import { listen } from './doors/grpc/listen.js'
import type { Authenticator } from './identity/authenticator.js'
import type { DecisionLog } from './telemetry/decision-log.js'
import type { Logging } from './telemetry/logger.js'
import type { WorkerChannel } from './workers/worker-channel.js'
import type { ListenerAddress } from './workers/worker-messages.js'
import { WorkerPool } from './workers/worker-pool.js'

/**
 * What a process is of a service that has several. The primary has everything but doors: it listens, and hands what connects
 * to workers. They have the doors, and decide; their records and metrics go to the primary.
 */
export type ServicePart = PrimaryPart | WorkerPart

export interface PrimaryPart {
  readonly role: 'primary'
  /** How many workers there are. */
  readonly workers: number
  /** Starts the process of one. */
  launch(): ChildProcess
}

export interface WorkerPart {
  readonly role: 'worker'
  readonly channel: WorkerChannel
  /** Where the primary listens, in the order of the configuration. */
  readonly listeners: readonly ListenerAddress[]
  /** Milliseconds for which the doors stay closed until it is ready; 0 opens them at once. */
  readonly openWithinMs: number
}

/** The workers of a primary; undefined for any other process. */
export function createWorkerPool(
  part: ServicePart | undefined,
  config: Config,
  logging: Logging,
  onRecord: (line: string) => void,
): WorkerPool | undefined {
  if (part?.role !== 'primary') return undefined
  const log = logging.subsystem('service')
  return new WorkerPool({ config, count: part.workers, launch: () => part.launch(), listen, onRecord, log })
}

/** What is weaker with several processes than with one, a line each. */
export function dividedMemory(
  part: ServicePart | undefined,
  authenticator: Pick<Authenticator, 'dpopAlgorithms'> | undefined,
): readonly string[] {
  if (part?.role !== 'primary' || (authenticator?.dpopAlgorithms ?? []).length === 0) return []
  return [
    `identity: used DPoP proofs are remembered by each of the ${part.workers} workers for itself: one that was seen on its way is good once at each of them; set workers: 1 where that matters`,
  ]
}

/** Where the records of a worker go. */
export function workerRecords({ channel }: WorkerPart, { decisionLog }: Config, logging: Logging): DecisionLog {
  const log = logging.subsystem('telemetry')
  return channel.records(decisionLog.maxBufferedBytes, error =>
    log.error('decision records could not be handed to the primary', { error }),
  )
}

/** A listener of the configuration as a worker has it: its connections come from the primary. */
export function handedListeners(part: ServicePart | undefined, listeners: Config['listeners']) {
  if (part?.role !== 'worker') return listeners
  return listeners.map((listener, index) => {
    const bound = part.listeners[index]
    if (bound === undefined) throw new Error(`the listener ${listener.name} is not known to the primary`)
    return { ...listener, address: { ...listener.address, handed: part.channel.connectionsOf(index, bound) } }
  })
}
