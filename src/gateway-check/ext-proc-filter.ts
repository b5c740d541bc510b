import { serverExtension } from '../policy/server-table.js'
import type { ConfigNode } from './config-node.js'
import type { HttpFilter } from './http-filters.js'
import { textOf } from './read-scalar.js'
import { typedConfig, types } from './typed-config.js'

/** Where ext_authz leaves what it decided. */
export const decisionNamespace = 'envoy.filters.http.ext_authz'

/**
 * The ext_proc filters that ask mcp-authz; there may be others in a chain. They are known by what only we ask for: the name
 * of a Server in the metadata of the stream, on the filter or on a route, or the metadata of ext_authz.
 */
export function ownProcessors(filters: readonly HttpFilter[], routes: ConfigNode | undefined): readonly HttpFilter[] {
  return filters.filter(filter => {
    if (filter.type !== types.extProc || !filter.shown) return false
    const service = filter.config.field('grpc_service')
    return (
      serverInMetadata(service, 'initial_metadata') !== undefined ||
      forwardedNamespaces(filter.config).includes(decisionNamespace) ||
      (routes !== undefined && namedOnRoutes(filter.name, routes))
    )
  })
}

/** The value of `mcp-server` in a list of headers (envoy.config.core.v3.HeaderValue). */
export function serverInMetadata(holder: ConfigNode | undefined, name: string): ConfigNode | undefined {
  return holder
    ?.list(name)
    .find(header => textOf(header.field('key')).toLowerCase() === serverExtension)
    ?.field('value')
}

/** Of `metadata_options`, of the filter or of a route. */
export function forwardedNamespaces(config: ConfigNode): readonly string[] {
  const list = config.deep('metadata_options', 'forwarding_namespaces')?.list('untyped') ?? []
  return list.map(name => textOf(name))
}

function namedOnRoutes(name: string, routes: ConfigNode): boolean {
  const hosts = routes.list('virtual_hosts')
  const below = hosts.flatMap(host => host.list('routes'))
  const weighted = below.flatMap(route => route.deep('route', 'weighted_clusters')?.list('clusters') ?? [])
  return [routes, ...hosts, ...below, ...weighted].some(holder => {
    const any = holder.field('typed_per_filter_config')?.at(name)
    if (any === undefined) return false
    const outer = typedConfig(any)
    const inner = outer.type === types.filterConfig ? outer.config.field('config') : any
    const config = inner === undefined ? undefined : typedConfig(inner).config
    return serverInMetadata(config?.field('overrides'), 'grpc_initial_metadata') !== undefined
  })
}
