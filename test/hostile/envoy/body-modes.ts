import { isMap, parseDocument } from 'yaml'

/** How Envoy hands bodies and headers to us: the shipped configuration, and those that somebody might make of it. */
export const bodyModes = ['shipped', 'text', 'partial', 'unlimited', 'joined', 'anywhere'] as const

/**
 * - `shipped`: as envoy/ext-authz.yaml;
 * - `text`: pack_as_bytes is false;
 * - `partial`: allow_partial_message is true, and no filter limits the size;
 * - `unlimited`: no filter limits the size;
 * - `joined`: encode_raw_headers is false, so that repeated headers come as one;
 * - `anywhere`: every path has a route, as with `prefix: /`, instead of the endpoints alone.
 */
export type BodyMode = (typeof bodyModes)[number]

const HCM = ['static_resources', 'listeners', 0, 'filter_chains', 0, 'filters', 0, 'typed_config'] as const
const SIZE_LIMIT = [...HCM, 'http_filters', 0] as const
const EXT_AUTHZ = [...HCM, 'http_filters', 1] as const

export interface CorpusUpstream {
  readonly name: string
  /** Of its recording proxy. */
  readonly port: number
  /** The only path that it serves; default: all. */
  readonly path?: string
}

export interface CorpusEnvoy {
  /** envoy/ext-authz.yaml. */
  readonly template: string
  readonly servers: readonly string[]
  /** The first one gets requests that name none. */
  readonly upstreams: readonly CorpusUpstream[]
  readonly ports: Readonly<Record<BodyMode, number>>
  readonly authzPort: number
  readonly adminPort: number
}

/**
 * One listener for each body mode. As in the shipped configuration the exact path leads to the Server; which upstream
 * stands behind it says the header `x-corpus: <upstream>.<number>`, for lack of which it is the first.
 */
export function corpusEnvoyConfig({ template, servers, upstreams, ports, authzPort, adminPort }: CorpusEnvoy): object {
  const route = (server: string, upstream: CorpusUpstream, match: object): object => ({
    match,
    route: {
      ...{ cluster: upstream.name, timeout: '0s' },
      ...(upstream.path === undefined
        ? {}
        : { regex_rewrite: { pattern: { regex: '^.*$' }, substitution: upstream.path } }),
    },
    typed_per_filter_config: {
      'envoy.filters.http.ext_authz': {
        '@type': 'type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute',
        check_settings: { context_extensions: { 'mcp-server': server } },
      },
    },
  })
  const routesTo = (server: string, place: object): object[] => [
    ...upstreams.map(upstream => {
      const header = { name: 'x-corpus', string_match: { prefix: `${upstream.name}.` } }
      return route(server, upstream, { ...place, headers: [header] })
    }),
    ...upstreams.slice(0, 1).map(upstream => route(server, upstream, place)),
  ]
  const exact = servers.flatMap(server => routesTo(server, { path: `/${server}` }))
  const anywhere = [...exact, ...routesTo('open', { prefix: '/' })]
  return {
    admin: { address: loopback(adminPort) },
    static_resources: {
      listeners: bodyModes.map(mode => listener(template, mode, ports[mode], mode === 'anywhere' ? anywhere : exact)),
      clusters: [
        cluster('mcp_authz', authzPort, { explicit_http_config: { http2_protocol_options: {} } }),
        ...upstreams.map(({ name, port }) => cluster(name, port, upstreamProtocol)),
      ],
    },
  }
}

/** The listener of the shipped configuration, with other routes and what the mode changes. */
function listener(template: string, mode: BodyMode, port: number, routes: readonly object[]): unknown {
  const document = parseDocument(template)
  if (
    document.getIn([...SIZE_LIMIT, 'name']) !== 'envoy.filters.http.body_size_limit' ||
    document.getIn([...EXT_AUTHZ, 'name']) !== 'envoy.filters.http.ext_authz'
  ) {
    throw new Error('the filters of envoy/ext-authz.yaml are not those that the corpus knows')
  }
  const own = ['static_resources', 'listeners', 0]
  document.setIn([...own, 'name'], mode)
  document.setIn([...own, 'address'], document.createNode(loopback(port)))
  document.setIn([...HCM, 'stat_prefix'], mode)
  document.setIn([...HCM, 'route_config', 'virtual_hosts', 0, 'routes'], document.createNode(routes))
  document.deleteIn([...HCM, 'access_log'])
  const set = (path: readonly string[], value: unknown): void => {
    const full = [...EXT_AUTHZ, 'typed_config', ...path]
    if (!document.hasIn(full)) throw new Error(`envoy/ext-authz.yaml does not set ${path.join('.')}`)
    document.setIn(full, value)
  }
  switch (mode) {
    case 'shipped':
    case 'anywhere':
      break
    case 'text':
      set(['with_request_body', 'pack_as_bytes'], false)
      break
    case 'partial':
      set(['with_request_body', 'allow_partial_message'], true)
      document.deleteIn(SIZE_LIMIT)
      break
    case 'unlimited':
      document.deleteIn(SIZE_LIMIT)
      break
    case 'joined':
      set(['encode_raw_headers'], false)
      break
  }
  const node = document.getIn(own, true)
  if (!isMap(node)) throw new Error('envoy/ext-authz.yaml has no listener')
  return node.toJS(document)
}

const loopback = (port: number): object => ({ socket_address: { address: '127.0.0.1', port_value: port } })

/** Envoy gives up idle connections before the servers do, or a request now and then meets a closed one. */
const upstreamProtocol = {
  common_http_protocol_options: { idle_timeout: '1s' },
  explicit_http_config: { http_protocol_options: {} },
}

const cluster = (name: string, port: number, protocol: object): object => ({
  name,
  type: 'STATIC',
  connect_timeout: '1s',
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      ...protocol,
    },
  },
  load_assignment: {
    cluster_name: name,
    endpoints: [{ lb_endpoints: [{ endpoint: { address: loopback(port) } }] }],
  },
})
