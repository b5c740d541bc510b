import type { Finding } from '../documents/finding.js'
import type { ConfigRecordsInKubernetes } from './config.js'
import type { ConfigSpec } from './config-document.js'

type Report = (
  severity: Finding['severity'],
  path: readonly (string | number)[],
  message: string,
  hint?: string,
) => void

const hourMs = 3_600_000

/** @param at makes a path absolute */
export function resolveKubernetesRecords(
  { decisionLog, clusters }: ConfigSpec,
  at: (path: string) => string,
  report: Report,
): ConfigRecordsInKubernetes | undefined {
  const { kubernetes } = decisionLog
  if (kubernetes === undefined) return undefined
  const { cluster, namespace, events, invocations, retentionHours, maxObjects } = kubernetes
  const path = ['decisionLog', 'kubernetes']
  const known = clusters[cluster]
  if (known === undefined) {
    const names = Object.keys(clusters).join(', ')
    report('error', [...path, 'cluster'], `no cluster is named "${cluster}"`, `there is: ${names}`)
    return undefined
  }
  if (events === 'none' && invocations === 'none')
    report('warning', path, 'nothing is told to the cluster', 'remove it, or write denials for events or invocations')
  const { kubeconfig, context } = known
  return {
    ...{ cluster, namespace, events, invocations, maxObjects },
    connection:
      kubeconfig === undefined ? { kind: 'inCluster' } : { kind: 'kubeconfig', file: at(kubeconfig), context },
    retentionMs: retentionHours * hourMs,
  }
}
