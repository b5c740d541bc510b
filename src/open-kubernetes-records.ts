import { hostname } from 'node:os'
import type { ConfigRecordsInKubernetes } from './config/config.js'
import { createApiServer } from './kube/create-api-server.js'
import type { DecisionLog } from './telemetry/decision-log.js'
import { limitRepeats } from './telemetry/limit-repeats.js'
import type { Logger } from './telemetry/logger.js'
import { KubernetesRecords } from './telemetry/record-sinks/kubernetes-records.js'

/** Longer than for a question that a decision waits for: nobody waits for these. */
const timeoutMs = 5000
const maxInFlight = 8
/** An API server that is away must not fill the log. */
const rareLines = { burst: 2, intervalMs: 600_000 }

/**
 * Decisions told to a cluster, over a connection of their own: however slow the API server is with them, or how often it
 * says that it has enough, nothing that decisions ask waits longer.
 * @param flushMs milliseconds that the end may take at most
 */
export function openKubernetesRecords(
  { cluster, connection, ...rest }: ConfigRecordsInKubernetes,
  log: Logger,
  flushMs: number,
): DecisionLog {
  const warn = limitRepeats((message, suppressed) => {
    log.warn(message, { cluster, ...(suppressed > 0 && { suppressed }) })
  }, rareLines)
  const api = createApiServer({
    ...{ cluster, connection, timeoutMs, maxInFlight },
    onEvent: event => {
      if (event.type === 'connectFailed') warn(`the API server cannot be reached for decisions: ${event.message}`)
      else if (event.type === 'credentials' && event.message !== '') warn(`no credentials for it: ${event.message}`)
    },
  })
  const records = new KubernetesRecords({
    ...rest,
    ...{ store: api, flushMs },
    // In a pod the host's name is that of the pod.
    replica: process.env.HOSTNAME || hostname(),
    onFailure: ({ status, message }) => {
      const hint = status === 403 || status === 404 ? '; apply deploy/kubernetes/decision-records.yaml' : ''
      warn(`decisions could not be told to the cluster: ${message}${hint}`)
    },
  })
  return {
    write: line => records.write(line),
    close: async limitMs => {
      await records.close(limitMs)
      api.close()
    },
    dropped: 0,
    sealed: undefined,
    get samples() {
      return records.samples
    },
  }
}
