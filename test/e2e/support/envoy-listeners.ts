/** Envoy configurations by parts: the settings that operators get wrong, one listener for each combination. */
export interface ListenerSettings {
  readonly port: number
  /** Of ext_authz's with_request_body. "off": the filter does not ask for bodies. */
  readonly body?: { readonly maxBytes: number; readonly allowPartial: boolean; readonly packAsBytes: boolean } | 'off'
  /** Limit of the body_size_limit filter before ext_authz. Default: there is none. */
  readonly sizeLimit?: number
  /** The route turns buffering off. */
  readonly routeWithoutBuffering?: boolean
  /** WebSocket upgrades (HTTP/1.1) and extended CONNECT (HTTP/2) are on. */
  readonly upgrades?: boolean
  readonly rawHeaders?: boolean
  /** false: paths go on as they come. */
  readonly normalizePaths?: boolean
  /** Default: drop, as in our own configuration. */
  readonly underscores?: 'ALLOW' | 'DROP_HEADER' | 'REJECT_REQUEST'
  readonly validateMutations?: boolean
  readonly mutationRules?: { readonly disallow_is_error?: boolean }
  readonly failureModeAllow?: boolean
  /** Default 10s. "unset": Envoy's own default. */
  readonly timeout?: string | 'unset'
  /** Answers other than an allow are cut to this length. */
  readonly maxDeniedBody?: number
  readonly shadowMode?: boolean
  /** "disabled": the route turns the filter off. "direct": Envoy answers itself. "none": no route. Default: to the server. */
  readonly routed?: 'disabled' | 'direct' | 'none'
  /** Context extensions of the route. */
  readonly extensions?: Readonly<Record<string, string>>
  /** Default 100. */
  readonly maxHeaders?: number
  /** Envoy's own MCP filter stands before ext_authz, as it is by default. */
  readonly mcpFilter?: boolean
}

export interface EnvoyParts {
  readonly adminPort: number
  /** Of the external authorizer. */
  readonly authzPort: number
  readonly upstreamPort: number
  readonly listeners: readonly ListenerSettings[]
}

const TYPE = 'type.googleapis.com/envoy.extensions'

/** JSON, which is YAML as well. */
export function envoyListeners({ adminPort, authzPort, upstreamPort, listeners }: EnvoyParts): string {
  return JSON.stringify({
    admin: { address: loopback(adminPort) },
    static_resources: {
      listeners: listeners.map(listener),
      clusters: [cluster('mcp_authz', authzPort, true), cluster('mcp_server', upstreamPort, false)],
    },
  })
}

function loopback(port: number) {
  return { socket_address: { address: '127.0.0.1', port_value: port } }
}

function cluster(name: string, port: number, http2: boolean) {
  return {
    name,
    type: 'STATIC',
    connect_timeout: '1s',
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': `${TYPE}.upstreams.http.v3.HttpProtocolOptions`,
        explicit_http_config: http2 ? { http2_protocol_options: {} } : { http_protocol_options: {} },
      },
    },
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: loopback(port) } }] }],
    },
  }
}

function listener(settings: ListenerSettings) {
  const { port, upgrades = false, underscores = 'DROP_HEADER', maxHeaders, normalizePaths = true } = settings
  return {
    name: `listener-${port}`,
    address: loopback(port),
    filter_chains: [
      {
        filters: [
          {
            name: 'envoy.filters.network.http_connection_manager',
            typed_config: {
              '@type': `${TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
              stat_prefix: `l${port}`,
              ...(normalizePaths && {
                normalize_path: true,
                merge_slashes: true,
                path_with_escaped_slashes_action: 'REJECT_REQUEST',
              }),
              stream_idle_timeout: '0s',
              common_http_protocol_options: {
                headers_with_underscores_action: underscores,
                ...(maxHeaders !== undefined && { max_headers_count: maxHeaders }),
              },
              // HTTP/1.0 is off by default: here it is to be seen.
              http_protocol_options: { accept_http_10: true, default_host_for_http_10: 'mcp.example.com' },
              ...(upgrades && {
                upgrade_configs: [{ upgrade_type: 'websocket' }],
                http2_protocol_options: { allow_connect: true },
              }),
              route_config: {
                virtual_hosts: [
                  { name: 'all', domains: ['*'], routes: settings.routed === 'none' ? [] : [route(settings)] },
                ],
              },
              http_filters: filters(settings),
            },
          },
        ],
      },
    ],
  }
}

function route({ routeWithoutBuffering, extensions, routed }: ListenerSettings) {
  const type = `${TYPE}.filters.http.ext_authz.v3.ExtAuthzPerRoute`
  return {
    match: { prefix: '/' },
    ...(routed === 'direct'
      ? { direct_response: { status: 404 } }
      : { route: { cluster: 'mcp_server', timeout: '0s' } }),
    typed_per_filter_config: {
      'envoy.filters.http.ext_authz':
        routed === 'disabled'
          ? { '@type': type, disabled: true }
          : {
              '@type': type,
              check_settings: {
                ...(extensions && { context_extensions: extensions }),
                ...(routeWithoutBuffering && { disable_request_body_buffering: true }),
              },
            },
    },
  }
}

function filters(settings: ListenerSettings) {
  const { sizeLimit, rawHeaders = true, validateMutations = true, failureModeAllow = false } = settings
  const { body = 'off', timeout = '10s', mutationRules, mcpFilter = false } = settings
  return [
    ...(mcpFilter
      ? [
          {
            name: 'envoy.filters.http.mcp',
            typed_config: { '@type': `${TYPE}.filters.http.mcp.v3.Mcp`, traffic_mode: 'PASS_THROUGH' },
          },
        ]
      : []),
    ...(sizeLimit === undefined
      ? []
      : [
          {
            name: 'envoy.filters.http.body_size_limit',
            typed_config: {
              '@type': `${TYPE}.filters.http.body_size_limit.v3.BodySizeLimit`,
              max_request_bytes: sizeLimit,
            },
          },
        ]),
    {
      name: 'envoy.filters.http.ext_authz',
      typed_config: {
        '@type': `${TYPE}.filters.http.ext_authz.v3.ExtAuthz`,
        transport_api_version: 'V3',
        grpc_service: {
          envoy_grpc: { cluster_name: 'mcp_authz' },
          ...(timeout !== 'unset' && { timeout }),
        },
        failure_mode_allow: failureModeAllow,
        failure_mode_allow_header_add: failureModeAllow,
        status_on_error: { code: 'ServiceUnavailable' },
        ...(body !== 'off' && {
          with_request_body: {
            max_request_bytes: body.maxBytes,
            allow_partial_message: body.allowPartial,
            pack_as_bytes: body.packAsBytes,
          },
        }),
        encode_raw_headers: rawHeaders,
        validate_mutations: validateMutations,
        ...(mutationRules && { decoder_header_mutation_rules: mutationRules }),
        ...(settings.maxDeniedBody !== undefined && { max_denied_response_body_bytes: settings.maxDeniedBody }),
        ...(settings.shadowMode && { shadow_mode: true }),
      },
    },
    {
      name: 'envoy.filters.http.router',
      typed_config: { '@type': `${TYPE}.filters.http.router.v3.Router` },
    },
  ]
}
