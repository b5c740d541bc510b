type BodyMode = 'NONE' | 'BUFFERED' | 'STREAMED' | 'BUFFERED_PARTIAL' | 'FULL_DUPLEX_STREAMED'

/** One listener with ext_proc before the server. */
export interface ExtProcSettings {
  readonly port: number
  /** The gateway shows requests. Default: it skips them. */
  readonly requests?: BodyMode
  /** Default NONE. */
  readonly responses?: BodyMode
  /** Default on. */
  readonly modeOverride?: boolean
  /** ext_authz stands before it. */
  readonly authz?: boolean
  readonly failureModeAllow?: boolean
  /** Default 2s. */
  readonly messageTimeout?: string
  /** Of a connection; what BUFFERED may hold. Default 1 MiB. */
  readonly bufferLimit?: number
}

export interface ExtProcEnvoyParts {
  readonly adminPort: number
  readonly extProcPort: number
  readonly authzPort: number
  readonly upstreamPort: number
  readonly listeners: readonly ExtProcSettings[]
}

const TYPE = 'type.googleapis.com/envoy.extensions'

/** JSON, which is YAML as well. */
export function extProcListeners(parts: ExtProcEnvoyParts): string {
  return JSON.stringify({
    admin: { address: loopback(parts.adminPort) },
    static_resources: {
      listeners: parts.listeners.map(listener),
      clusters: [
        cluster('mcp_ext_proc', parts.extProcPort, true),
        cluster('mcp_authz', parts.authzPort, true),
        cluster('mcp_server', parts.upstreamPort, false),
      ],
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
        // Envoy cancels each stream of ext_proc; Node ends a connection at its thousandth, and what else is on it.
        ...(name === 'mcp_ext_proc' && { common_http_protocol_options: { max_requests_per_connection: 500 } }),
        explicit_http_config: http2
          ? { http2_protocol_options: {} }
          : { http_protocol_options: { enable_trailers: true } },
      },
    },
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: loopback(port) } }] }],
    },
  }
}

function listener(settings: ExtProcSettings) {
  return {
    name: `listener-${settings.port}`,
    address: loopback(settings.port),
    ...(settings.bufferLimit !== undefined && { per_connection_buffer_limit_bytes: settings.bufferLimit }),
    filter_chains: [
      {
        filters: [
          {
            name: 'envoy.filters.network.http_connection_manager',
            typed_config: {
              '@type': `${TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
              stat_prefix: `l${settings.port}`,
              stream_idle_timeout: '0s',
              http_protocol_options: { enable_trailers: true },
              route_config: {
                virtual_hosts: [
                  {
                    name: 'all',
                    domains: ['*'],
                    routes: [{ match: { prefix: '/' }, route: { cluster: 'mcp_server', timeout: '0s' } }],
                  },
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

function filters(settings: ExtProcSettings) {
  const { requests, responses = 'NONE', modeOverride = true, failureModeAllow = false } = settings
  return [
    ...(settings.authz
      ? [
          {
            name: 'envoy.filters.http.ext_authz',
            typed_config: {
              '@type': `${TYPE}.filters.http.ext_authz.v3.ExtAuthz`,
              transport_api_version: 'V3',
              grpc_service: { envoy_grpc: { cluster_name: 'mcp_authz' }, timeout: '5s' },
              status_on_error: { code: 'ServiceUnavailable' },
            },
          },
        ]
      : []),
    {
      name: 'envoy.filters.http.ext_proc',
      typed_config: {
        '@type': `${TYPE}.filters.http.ext_proc.v3.ExternalProcessor`,
        grpc_service: {
          envoy_grpc: { cluster_name: 'mcp_ext_proc' },
          timeout: '0s',
          initial_metadata: [{ key: 'mcp-server', value: 'kubernetes' }],
        },
        failure_mode_allow: failureModeAllow,
        status_on_error: { code: 'ServiceUnavailable' },
        message_timeout: settings.messageTimeout ?? '2s',
        allow_mode_override: modeOverride,
        request_attributes: ['source.address', 'connection.mtls'],
        processing_mode: {
          request_header_mode: requests === undefined ? 'SKIP' : 'SEND',
          request_body_mode: requests ?? 'NONE',
          request_trailer_mode: requests === 'FULL_DUPLEX_STREAMED' ? 'SEND' : 'SKIP',
          response_header_mode: 'SEND',
          response_body_mode: responses,
          response_trailer_mode: responses === 'NONE' ? 'SKIP' : 'SEND',
        },
        metadata_options: { forwarding_namespaces: { untyped: ['envoy.filters.http.ext_authz'] } },
      },
    },
    { name: 'envoy.filters.http.router', typed_config: { '@type': `${TYPE}.filters.http.router.v3.Router` } },
  ]
}
