import { parseDocument, YAMLSeq } from 'yaml'

export interface AddedRoute {
  /** Exact. */
  readonly path: string
  /** Name of the Server document that governs it, and of the cluster. */
  readonly server: string
  /** Of the server behind, on 127.0.0.1. */
  readonly port: number
}

const hcm = ['static_resources', 'listeners', 0, 'filter_chains', 0, 'filters', 0, 'typed_config']

/** An Envoy configuration with one more server behind it, checked like the first one. Throws when there is no place for it. */
export function addRoute(config: string, { path, server, port }: AddedRoute): string {
  const document = parseDocument(config)
  const routes = document.getIn([...hcm, 'route_config', 'virtual_hosts', 0, 'routes'])
  const clusters = document.getIn(['static_resources', 'clusters'])
  if (!(routes instanceof YAMLSeq) || !(clusters instanceof YAMLSeq))
    throw new Error('the Envoy configuration has no list of routes and clusters')
  routes.add(
    document.createNode({
      match: { path },
      route: { cluster: server, timeout: '0s' },
      typed_per_filter_config: {
        'envoy.filters.http.ext_authz': {
          '@type': 'type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute',
          check_settings: { context_extensions: { 'mcp-server': server } },
        },
      },
    }),
  )
  const address = { socket_address: { address: '127.0.0.1', port_value: port } }
  clusters.add(
    document.createNode({
      name: server,
      type: 'STATIC',
      connect_timeout: '1s',
      load_assignment: { cluster_name: server, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
    }),
  )
  return document.toString({ lineWidth: 0 })
}
