import type { Finding } from '../documents/finding.js'
import type { ConfigCluster, ConfigSource } from './config.js'
import type { ConfigSpec } from './config-document.js'

type Report = (
  severity: Finding['severity'],
  path: readonly (string | number)[],
  message: string,
  hint?: string,
) => void

/** What a ConfigMap may hold unless its source says otherwise: whoever may write one must not become who trusts whom. */
const configMapKinds = ['Grant', 'Guardrail', 'Enrichment'] as const

/** Kinds that decide who is trusted and what is protected. */
const trustedKinds: ReadonlySet<string> = new Set([
  'Server',
  'Identity',
  'ToolCatalog',
  'AuthenticationConfiguration',
  'Role',
  'ClusterRole',
  'RoleBinding',
  'ClusterRoleBinding',
  'List',
])

export function resolveSources(
  spec: ConfigSpec,
  at: (path: string) => string,
  report: Report,
): readonly ConfigSource[] {
  checkStatusNames(spec, report)
  checkTwice(spec, report)
  return spec.sources.flatMap(({ directory, configMaps, kinds }, i): readonly ConfigSource[] => {
    const path = ['sources', i]
    if ((directory === undefined) === (configMaps === undefined)) {
      const message = directory === undefined ? 'names neither a directory nor configMaps' : 'has both'
      report('error', path, message, 'write either directory or configMaps')
      return []
    }
    if (directory !== undefined) return [{ from: 'directory', directory: at(directory), kinds }]
    if (configMaps === undefined) return []
    const { cluster, namespace, selector, status, events } = configMaps
    if (spec.clusters[cluster] === undefined) {
      const known = Object.keys(spec.clusters).join(', ')
      report('error', [...path, 'configMaps', 'cluster'], `no cluster is named "${cluster}"`, `there is: ${known}`)
    }
    for (const [k, kind] of (kinds ?? []).entries()) {
      if (!trustedKinds.has(kind)) continue
      const message = `whoever may write a ConfigMap in the namespace "${namespace}" may then write a ${kind}`
      report('warning', [...path, 'kinds', k], message, 'keep this kind in a directory if others may write there')
    }
    const common = { cluster, namespace, selector, events, kinds: kinds ?? configMapKinds }
    return [{ from: 'configMaps', ...common, status: status === '' ? undefined : status }]
  })
}

/** Each document would stand in both, and two that are equally trusted count for nothing. */
function checkTwice(spec: ConfigSpec, report: Report): void {
  const seen = new Map<string, number>()
  for (const [i, { configMaps }] of spec.sources.entries()) {
    if (configMaps === undefined) continue
    const key = `${configMaps.cluster} ${configMaps.namespace} ${configMaps.selector}`
    const other = seen.get(key)
    if (other !== undefined)
      report(
        'error',
        ['sources', i, 'configMaps'],
        `sources[${other}] has the same ConfigMaps`,
        'remove one of the two',
      )
    seen.set(key, i)
  }
}

/** Each source writes the whole of its status under the name of the replica: two would undo each other. */
function checkStatusNames(spec: ConfigSpec, report: Report): void {
  const seen = new Map<string, number>()
  for (const [i, { configMaps }] of spec.sources.entries()) {
    if (configMaps === undefined || configMaps.status === '') continue
    const key = `${configMaps.cluster} ${configMaps.namespace} ${configMaps.status}`
    const other = seen.get(key)
    if (other !== undefined) {
      const message = `sources[${other}] writes its status into the same ConfigMap`
      report('error', ['sources', i, 'configMaps', 'status'], message, 'name another one, or "" for none')
    }
    seen.set(key, i)
  }
}

export function resolveClusters(
  spec: ConfigSpec,
  at: (path: string) => string,
  report: Report,
): ReadonlyMap<string, ConfigCluster> {
  const sources = [...spec.sources, ...(spec.shadow?.sources ?? [])]
  const watched = new Set(sources.flatMap(source => source.configMaps?.cluster ?? []))
  const clusters = new Map<string, ConfigCluster>()
  for (const [name, cluster] of Object.entries(spec.clusters)) {
    checkCluster(name, cluster, report)
    const { authorizer, rbacOnly, api, kubeconfig, context, timeoutMs, maxInFlight, cacheBytes } = cluster
    const needed = api || authorizer !== 'files' || kubeconfig !== undefined || watched.has(name)
    clusters.set(name, {
      authorizer,
      rbacOnly,
      connection: !needed
        ? undefined
        : kubeconfig === undefined
          ? { kind: 'inCluster' }
          : { kind: 'kubeconfig', file: at(kubeconfig), context },
      timeoutMs,
      maxInFlight,
      cacheBytes,
    })
  }
  checkClusterCount(spec.clusters, report)
  return clusters
}

function checkCluster(
  name: string,
  { authorizer, rbacOnly, kubeconfig, context }: ConfigSpec['clusters'][string],
  report: Report,
): void {
  const path = ['clusters', name]
  if (authorizer === 'watch' && !rbacOnly) {
    const message = 'a watch sees RBAC objects only, and nothing says that RBAC is the only authorizer of this cluster'
    const hint = 'say rbacOnly: true if no webhook, ABAC or node authorizer decides about these users; else use sar'
    report('error', [...path, 'authorizer'], message, hint)
  }
  if (authorizer === 'files' && rbacOnly)
    report('warning', [...path, 'rbacOnly'], 'has no effect with authorizer: files', 'remove it')
  if (context !== undefined && kubeconfig === undefined)
    report('error', [...path, 'context'], 'is a context of a kubeconfig, and there is none', 'add kubeconfig')
}

/** All RBAC objects of the sources would count in every cluster: rights in one would be rights in the other. */
function checkClusterCount(clusters: ConfigSpec['clusters'], report: Report): void {
  const [, ...others] = Object.keys(clusters).filter(name => clusters[name]?.authorizer === 'files')
  for (const name of others) {
    const hint = 'let authorizer be sar or watch, or run one mcp-authz for each of the others'
    report('error', ['clusters', name], 'RBAC objects in files cannot be told apart by cluster', hint)
  }
}
