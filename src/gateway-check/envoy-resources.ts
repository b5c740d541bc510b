import type { ConfigNode } from './config-node.js'
import type { Findings } from './findings.js'
import { isManifest } from './read-envoy-files.js'
import { textOf } from './read-scalar.js'
import { typedConfig, types } from './typed-config.js'

/** What the files hold together. */
export interface EnvoyResources {
  readonly listeners: readonly ConfigNode[]
  readonly routeConfigurations: ReadonlyMap<string, ConfigNode>
  readonly clusters: ReadonlyMap<string, ConfigNode>
}

/**
 * Gathers listeners, route configurations and clusters from bootstraps, from files of resources (as in LDS, RDS and CDS
 * by file), and from what the admin page shows at /config_dump.
 */
export function gatherResources(roots: readonly ConfigNode[], findings: Findings): EnvoyResources {
  const listeners: ConfigNode[] = []
  const routeConfigurations = new Map<string, ConfigNode>()
  const clusters = new Map<string, ConfigNode>()

  const take = (any: ConfigNode): boolean => {
    const { type, config } = typedConfig(any)
    if (type === types.listener) listeners.push(config)
    else if (type === types.routeConfiguration) routeConfigurations.set(textOf(config.field('name')), config)
    else if (type === types.cluster) clusters.set(textOf(config.field('name')), config)
    else return false
    return true
  }
  const bootstrap = (root: ConfigNode): void => {
    listeners.push(...(root.field('static_resources')?.list('listeners') ?? []))
    for (const cluster of root.field('static_resources')?.list('clusters') ?? [])
      clusters.set(textOf(cluster.field('name')), cluster)
  }

  for (const root of roots) {
    if (isManifest(root.document)) {
      const what = 'a Kubernetes manifest; this check reads what Envoy itself gets'
      const fix =
        "save Envoy's own view, which holds the effective settings: curl localhost:9901/config_dump > dump.json"
      findings.addDocument('envoy.not_envoy', root.document, what, fix)
      continue
    }
    const dump = root.field('configs')
    const resources = root.field('resources')
    if (dump !== undefined) for (const part of dump.items()) gatherDump(part, take)
    else if (resources !== undefined) {
      for (const resource of resources.items())
        if (!take(resource)) findings.add('envoy.not_checked', resource, 'a resource of another kind')
    } else if (root.field('static_resources') ?? root.field('dynamic_resources')) {
      bootstrap(root)
      const dynamic = root.field('dynamic_resources')
      for (const source of ['lds_config', 'cds_config', 'lds_resources_locator', 'cds_resources_locator'] as const) {
        const node = dynamic?.field(source)
        if (node !== undefined && !isAmong(node, roots)) findings.add('envoy.not_checked', node, source)
      }
    } else findings.addDocument('envoy.not_envoy', root.document, 'neither a bootstrap nor a file of resources')
  }
  return { listeners, routeConfigurations, clusters }
}

/** A part of /config_dump: the resources stand inside as `listener`, `route_config` and `cluster`. */
function gatherDump(part: ConfigNode, take: (any: ConfigNode) => boolean): void {
  switch (typedConfig(part).type) {
    case 'envoy.admin.v3.BootstrapConfigDump':
      // Its listeners and clusters come again below, static_listeners and static_clusters.
      return
    case 'envoy.admin.v3.ListenersConfigDump':
      for (const node of inside(part, ['static_listeners'], ['listener'])) take(node)
      for (const node of inside(part, ['dynamic_listeners'], ['active_state', 'listener'])) take(node)
      return
    case 'envoy.admin.v3.RoutesConfigDump':
      // Its static_route_configs stand in the listeners, too.
      for (const node of inside(part, ['dynamic_route_configs'], ['route_config'])) take(node)
      return
    case 'envoy.admin.v3.ClustersConfigDump':
      for (const node of inside(part, ['static_clusters', 'dynamic_active_clusters'], ['cluster'])) take(node)
      return
    default:
      // With /config_dump?resource=dynamic_listeners the parts stand alone.
      for (const path of [['active_state', 'listener'], ['listener'], ['route_config'], ['cluster']]) {
        const node = part.deep(...path)
        if (node !== undefined) take(node)
      }
  }
}

function inside(part: ConfigNode, lists: readonly string[], path: readonly string[]): readonly ConfigNode[] {
  return lists.flatMap(list =>
    part.list(list).flatMap(entry => {
      const node = entry.deep(...path)
      return node === undefined ? [] : [node]
    }),
  )
}

/** Whether a source by file names one of the files that were given. */
export function isAmong(source: ConfigNode, roots: readonly ConfigNode[]): boolean {
  const path = textOf(source.deep('path_config_source', 'path') ?? source.field('path'))
  const name = path.slice(path.lastIndexOf('/') + 1)
  return name !== '' && roots.some(({ document: { file } }) => file === name || file.endsWith(`/${name}`))
}
