import type { EnvoyCheckCode } from './envoy-checks.js'

/** A configuration that has nothing to report, one setting per line. */
export const goodEnvoy = `
static_resources:
  listeners:
  - name: mcp
    address: { socket_address: { address: 127.0.0.1, port_value: 8080 } }
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: mcp
          normalize_path: true
          merge_slashes: true
          path_with_escaped_slashes_action: REJECT_REQUEST
          common_http_protocol_options:
            headers_with_underscores_action: DROP_HEADER
          stream_idle_timeout: 0s
          route_config:
            name: routes
            virtual_hosts:
            - name: mcp
              domains: ["*"]
              routes:
              - match:
                  path: /mcp
                route:
                  cluster: mcp_server
                  timeout: 0s
                typed_per_filter_config:
                  envoy.filters.http.ext_authz:
                    "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute
                    check_settings:
                      context_extensions: { mcp-server: kubernetes }
          http_filters:
          - name: envoy.filters.http.body_size_limit
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.body_size_limit.v3.BodySizeLimit
              max_request_bytes: 1048576
          - name: envoy.filters.http.ext_authz
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
              transport_api_version: V3
              grpc_service:
                envoy_grpc: { cluster_name: mcp_authz }
                timeout: 2s
              failure_mode_allow: false
              status_on_error: { code: ServiceUnavailable }
              with_request_body:
                max_request_bytes: 1048576
                allow_partial_message: false
                pack_as_bytes: true
              encode_raw_headers: true
              validate_mutations: true
              decoder_header_mutation_rules:
                disallow_is_error: true
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:
  - name: mcp_authz
    type: STATIC
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config:
          http2_protocol_options: {}
    load_assignment:
      cluster_name: mcp_authz
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: 9001 } } } }] }]
  - name: mcp_server
    type: STATIC
    load_assignment:
      cluster_name: mcp_server
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: 8081 } } } }] }]
`

export interface EnvoyMutation {
  readonly name: string
  readonly code: EnvoyCheckCode
  /** Default: goodEnvoy. */
  readonly base?: string
  /** Each is found once in the base, and replaced. */
  readonly edits: readonly (readonly [from: string, to: string])[]
  /** What the line of the finding holds. */
  readonly line: string
  /** What the fix names. */
  readonly fix: string
  /** Other findings that go with it. */
  readonly also?: readonly EnvoyCheckCode[]
  /** Envoy does not start with it either, so that only people who never started it see the finding. */
  readonly envoyRefuses?: true
  /** Older ones do not know the field, and do not start with it. */
  readonly envoySince?: '1.40'
}

const authz = 'type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz\n'
const authzFilter = '          - name: envoy.filters.http.ext_authz\n'
const router = '          - name: envoy.filters.http.router\n'
const manager = '          stat_prefix: mcp\n'
const action = '                  cluster: mcp_server\n'
const settings = '                      context_extensions: { mcp-server: kubernetes }\n'
const host = `              domains: ["*"]\n`
const service = '                envoy_grpc: { cluster_name: mcp_authz }\n'
const cluster = '  - name: mcp_server\n'
const last = `port_value: 8081 } } } }] }]\n`
const match = '                  path: /mcp\n'
const perRoute = `                typed_per_filter_config:
                  envoy.filters.http.ext_authz:
                    "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute
                    check_settings:
                      context_extensions: { mcp-server: kubernetes }
`
const sizeLimit = `          - name: envoy.filters.http.body_size_limit
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.body_size_limit.v3.BodySizeLimit
              max_request_bytes: 1048576
`

/** Adds a line to ext_authz itself. */
const inAuthz = (text: string) => [[authz, `${authz}              ${text}\n`]] as const
const inManager = (text: string) => [[manager, `${manager}          ${text}\n`]] as const
const inAction = (text: string) => [[action, `${action}                  ${text}\n`]] as const
const inSettings = (text: string) => [[settings, `${settings}                      ${text}\n`]] as const
const filter = (kind: string, message: string, config = '') => `          - name: envoy.filters.http.${kind}
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.${kind}.v3.${message}
${config}`
const before = (text: string) => [[authzFilter, `${text}${authzFilter}`]] as const
const after = (text: string) => [[router, `${text}${router}`]] as const

const lua = (script: string) =>
  filter('lua', 'Lua', `              default_source_code: { inline_string: "function ${script}(handle) end" }\n`)
const header = (name: string) => `{ header: { key: ${name}, value: root } }`
const secondListener = (upstream: string) => `  listeners:
  - name: other
    address: { socket_address: { address: 127.0.0.1, port_value: 8090 } }
    filter_chains:
    - filters:
      - name: other_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: other
          route_config: { virtual_hosts: [{ name: a, domains: ["*"], routes: [{ match: { prefix: / }, route: { cluster: ${upstream} } }] }] }
          http_filters: [{ name: router, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router } }]
`
const otherCluster = `  - name: other_server
    type: STATIC
    load_assignment:
      cluster_name: other_server
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: 8099 } } } }] }]
`
const sameAddress = otherCluster.replace('8099', '8081')

/** One dangerous setting each. Envoy itself starts with them, unless it says otherwise. */
export const envoyMutations: readonly EnvoyMutation[] = [
  // Whether every request is judged
  {
    name: 'no ext_authz at all',
    code: 'envoy.no_ext_authz',
    edits: [[goodEnvoy.slice(goodEnvoy.indexOf(authzFilter), goodEnvoy.indexOf(router)), '']],
    line: 'typed_config',
    fix: 'ext_authz',
  },
  {
    name: 'a second listener that leads to the same cluster',
    code: 'envoy.no_ext_authz',
    edits: [['  listeners:\n', secondListener('mcp_server')]],
    line: 'typed_config',
    fix: 'ext_authz',
  },
  {
    name: 'a second listener that leads to the same address under another name',
    code: 'envoy.no_ext_authz',
    edits: [
      ['  listeners:\n', secondListener('other_server')],
      [cluster, `${sameAddress}${cluster}`],
    ],
    line: 'typed_config',
    fix: 'ext_authz',
  },
  {
    name: 'a TCP proxy to the server',
    code: 'envoy.no_ext_authz',
    edits: [
      [
        '  listeners:\n',
        `  listeners:
  - name: raw
    address: { socket_address: { address: 127.0.0.1, port_value: 8091 } }
    filter_chains: [{ filters: [{ name: t, typed_config: {
      "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, stat_prefix: t, cluster: mcp_server } }] }]
`,
      ],
    ],
    line: 'filter_chains',
    fix: 'ext_authz',
  },
  {
    name: 'a second listener that leads elsewhere',
    code: 'envoy.other_listener',
    edits: [
      ['  listeners:\n', secondListener('other_server')],
      [cluster, `${otherCluster}${cluster}`],
    ],
    line: 'typed_config',
    fix: 'ext_authz',
  },
  {
    name: 'a second listener that leads elsewhere, and sends copies to the server',
    code: 'envoy.no_ext_authz',
    edits: [
      [
        '  listeners:\n',
        secondListener('other_server').replace(
          'domains: ["*"]',
          '$&, request_mirror_policies: [{ cluster: mcp_server }]',
        ),
      ],
      [cluster, `${otherCluster}${cluster}`],
    ],
    line: 'typed_config',
    fix: 'ext_authz',
  },
  {
    name: 'a filter that is disabled until a route enables it',
    code: 'envoy.filter_disabled',
    edits: [[authzFilter, `${authzFilter}            disabled: true\n`]],
    line: 'disabled: true',
    fix: 'disabled',
  },
  {
    name: 'a filter that may be missing',
    code: 'envoy.filter_optional',
    edits: [[authzFilter, `${authzFilter}            is_optional: true\n`]],
    line: 'is_optional',
    fix: 'is_optional',
  },
  {
    name: 'ext_authz behind a matcher',
    code: 'envoy.conditional_filter',
    edits: [
      [
        `${authzFilter}            typed_config:\n              "@type": ${authz}`,
        `${authzFilter}            typed_config:
              "@type": type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher
              xds_matcher:
                matcher_tree:
                  input:
                    name: header
                    typed_config:
                      "@type": type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput
                      header_name: x-skip
                  exact_match_map:
                    map:
                      "yes":
                        action:
                          name: skip
                          typed_config:
                            "@type": type.googleapis.com/envoy.extensions.filters.common.matcher.action.v3.SkipFilter
              extension_config:
               name: inner
               typed_config:
                "@type": ${authz}`,
      ],
      ...[
        'transport_api_version: V3',
        'failure_mode_allow: false',
        'encode_raw_headers: true',
        'validate_mutations: true',
      ].map(line => [`              ${line}\n`, `                ${line}\n`] as const),
      ['              status_on_error: { code', '                status_on_error: { code'],
      [
        '              grpc_service:\n                envoy_grpc: { cluster_name: mcp_authz }\n                timeout: 2s\n',
        '                grpc_service: { envoy_grpc: { cluster_name: mcp_authz }, timeout: 2s }\n',
      ],
      [
        '              with_request_body:\n                max_request_bytes: 1048576\n                allow_partial_message: false\n                pack_as_bytes: true\n',
        '                with_request_body: { max_request_bytes: 1048576, allow_partial_message: false, pack_as_bytes: true }\n',
      ],
      [
        '              decoder_header_mutation_rules:\n                disallow_is_error: true\n',
        '                decoder_header_mutation_rules: { disallow_is_error: true }\n',
      ],
    ],
    line: 'typed_config',
    fix: 'http_filters',
  },
  {
    name: 'a route without the check',
    code: 'envoy.route_disabled',
    edits: [[`                    check_settings:\n${settings}`, '                    disabled: true\n']],
    line: 'disabled: true',
    also: ['envoy.no_server_name'],
    fix: 'disabled',
  },
  {
    name: 'a virtual host without the check',
    code: 'envoy.route_disabled',
    edits: [
      [
        host,
        `${host}              typed_per_filter_config: { envoy.filters.http.ext_authz: { "@type": ${authz.trim()}PerRoute, disabled: yes } }\n`,
      ],
    ],
    line: 'disabled: yes',
    fix: 'disabled',
  },
  {
    name: 'all routes without the check, by the generic wrapper',
    code: 'envoy.route_disabled',
    edits: [
      [
        '            name: routes\n',
        `            name: routes
            typed_per_filter_config: { envoy.filters.http.ext_authz: { "@type": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true } }\n`,
      ],
    ],
    line: 'disabled: true',
    fix: 'disabled',
  },
  {
    name: 'a route without the limit of bodies',
    code: 'envoy.route_disabled',
    edits: [
      [
        perRoute,
        `${perRoute}                  envoy.filters.http.body_size_limit: { "@type": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true }\n`,
      ],
    ],
    line: 'body_size_limit',
    fix: 'disabled',
  },
  {
    name: 'half of the requests',
    code: 'envoy.filter_enabled',
    edits: inAuthz('filter_enabled: { default_value: { numerator: 50 } }'),
    line: 'filter_enabled',
    fix: 'filter_enabled',
  },
  {
    name: 'a hundred of ten thousand requests',
    code: 'envoy.filter_enabled',
    edits: inAuthz('filter_enabled: { default_value: { numerator: 100, denominator: TEN_THOUSAND } }'),
    line: 'filter_enabled',
    fix: 'filter_enabled',
  },
  {
    name: 'a switch at run time',
    code: 'envoy.filter_enabled_runtime',
    edits: inAuthz('filter_enabled: { default_value: { numerator: 100 }, runtime_key: authz.enabled }'),
    line: 'filter_enabled',
    fix: 'filter_enabled',
  },
  {
    name: 'a switch by metadata',
    code: 'envoy.filter_enabled_metadata',
    edits: inAuthz('filter_enabled_metadata: { filter: a, path: [{ key: b }], value: { present_match: true } }'),
    line: 'filter_enabled_metadata',
    fix: 'filter_enabled_metadata',
  },
  {
    name: 'shadow mode',
    code: 'envoy.shadow_mode',
    edits: inAuthz('shadow_mode: true'),
    line: 'shadow_mode',
    fix: 'shadow_mode',
  },
  {
    name: 'open when mcp-authz is dead',
    code: 'envoy.failure_mode_allow',
    edits: [['failure_mode_allow: false', 'failure_mode_allow: true']],
    line: 'failure_mode_allow',
    fix: 'failure_mode_allow: false',
  },
  {
    name: 'open when mcp-authz is dead, in the words of JSON and YAML 1.1',
    code: 'envoy.failure_mode_allow',
    edits: [['failure_mode_allow: false', 'failureModeAllow: On']],
    line: 'failureModeAllow',
    fix: 'failure_mode_allow: false',
  },
  {
    name: 'open when mcp-authz is dead, in quotes',
    code: 'envoy.failure_mode_allow',
    edits: [['failure_mode_allow: false', '"failure_mode_allow": "true"']],
    line: 'failure_mode_allow',
    fix: 'failure_mode_allow: false',
  },
  {
    name: 'the header that says so',
    code: 'envoy.failure_mode_allow_header_add',
    edits: inAuthz('failure_mode_allow_header_add: true'),
    line: 'failure_mode_allow_header_add',
    fix: 'failure_mode_allow_header_add',
  },
  {
    name: 'an HTTP service',
    code: 'envoy.http_service',
    edits: [
      [
        '              grpc_service:\n                envoy_grpc: { cluster_name: mcp_authz }\n                timeout: 2s\n',
        '              http_service: { server_uri: { uri: "http://127.0.0.1:9001", cluster: mcp_authz, timeout: 2s } }\n',
      ],
    ],
    line: 'http_service',
    fix: 'grpc_service',
  },
  {
    name: 'another service on a route',
    code: 'envoy.route_service',
    edits: inSettings('grpc_service: { envoy_grpc: { cluster_name: mcp_server }, timeout: 2s }'),
    line: 'grpc_service',
    fix: 'check_settings',
  },

  // Whether the whole body is judged
  {
    name: 'no body',
    code: 'envoy.no_body',
    edits: [
      [
        '              with_request_body:\n                max_request_bytes: 1048576\n                allow_partial_message: false\n                pack_as_bytes: true\n',
        '',
      ],
    ],
    line: 'typed_config',
    fix: 'with_request_body',
  },
  {
    name: 'no body on a route',
    code: 'envoy.route_body',
    edits: inSettings('disable_request_body_buffering: true'),
    line: 'disable_request_body_buffering',
    fix: 'disable_request_body_buffering',
  },
  {
    name: 'partial bodies',
    code: 'envoy.allow_partial_message',
    edits: [['allow_partial_message: false', 'allow_partial_message: true']],
    line: 'allow_partial_message',
    fix: 'allow_partial_message: false',
  },
  {
    name: 'partial bodies on a route',
    code: 'envoy.allow_partial_message',
    edits: inSettings(
      'with_request_body: { max_request_bytes: 1048576, allow_partial_message: true, pack_as_bytes: true }',
    ),
    line: 'allow_partial_message: true',
    fix: 'allow_partial_message: false',
  },
  {
    name: 'bodies as text',
    code: 'envoy.pack_as_bytes',
    edits: [['pack_as_bytes: true', 'pack_as_bytes: false']],
    line: 'pack_as_bytes: false',
    fix: 'pack_as_bytes: true',
  },
  {
    name: 'bodies as text by default',
    code: 'envoy.pack_as_bytes',
    edits: [['                pack_as_bytes: true\n', '']],
    line: 'with_request_body',
    fix: 'pack_as_bytes: true',
  },
  {
    name: 'no limit of what is read',
    code: 'envoy.max_request_bytes',
    edits: [['                max_request_bytes: 1048576\n', '']],
    line: 'with_request_body',
    fix: 'max_request_bytes',
    envoyRefuses: true,
  },
  {
    name: 'a limit beyond that of mcp-authz',
    code: 'envoy.max_request_bytes_too_large',
    edits: [['                max_request_bytes: 1048576\n', '                max_request_bytes: 5242880\n']],
    line: 'max_request_bytes: 5242880',
    fix: 'maxMessageBytes',
  },
  {
    name: 'no body_size_limit',
    code: 'envoy.body_size_limit',
    edits: [[sizeLimit, '']],
    line: 'envoy.filters.http.ext_authz',
    fix: 'body_size_limit',
  },
  {
    name: 'body_size_limit after ext_authz',
    code: 'envoy.body_size_limit',
    edits: [
      [sizeLimit, ''],
      [router, `${sizeLimit}${router}`],
    ],
    line: 'envoy.filters.http.body_size_limit',
    fix: 'body_size_limit',
  },
  {
    name: 'body_size_limit larger than what is read',
    code: 'envoy.body_size_limit',
    edits: [
      [
        '              max_request_bytes: 1048576\n          - name',
        '              max_request_bytes: 1048577\n          - name',
      ],
    ],
    line: 'max_request_bytes: 1048577',
    fix: 'body_size_limit',
  },
  {
    name: 'body_size_limit larger than what is read on a route',
    code: 'envoy.body_size_limit',
    edits: inSettings(
      'with_request_body: { max_request_bytes: 1024, allow_partial_message: false, pack_as_bytes: true }',
    ),
    line: 'max_request_bytes: 1024',
    fix: 'body_size_limit',
  },

  // Headers
  {
    name: 'joined headers',
    code: 'envoy.encode_raw_headers',
    edits: [['encode_raw_headers: true', 'encode_raw_headers: false']],
    line: 'encode_raw_headers',
    fix: 'encode_raw_headers: true',
  },
  {
    name: 'some headers only',
    code: 'envoy.headers_left_out',
    edits: inAuthz('allowed_headers: { patterns: [{ exact: authorization }] }'),
    line: 'allowed_headers',
    fix: 'allowed_headers',
  },
  {
    name: 'all headers but some',
    code: 'envoy.headers_left_out',
    edits: inAuthz('disallowed_headers: { patterns: [{ exact: content-encoding }] }'),
    line: 'disallowed_headers',
    fix: 'disallowed_headers',
  },
  {
    name: 'headers with underscores',
    code: 'envoy.headers_with_underscores',
    edits: [['headers_with_underscores_action: DROP_HEADER', 'headers_with_underscores_action: ALLOW']],
    line: 'headers_with_underscores_action',
    fix: 'headers_with_underscores_action: DROP_HEADER',
  },
  {
    name: 'mutations that nobody looks at',
    code: 'envoy.validate_mutations',
    edits: [['validate_mutations: true', 'validate_mutations: false']],
    line: 'validate_mutations',
    fix: 'validate_mutations: true',
  },
  {
    name: 'mutations of anything',
    code: 'envoy.mutation_rules',
    edits: [['disallow_is_error: true', 'disallow_is_error: true\n                allow_all_routing: true']],
    line: 'allow_all_routing',
    fix: 'decoder_header_mutation_rules',
  },
  {
    name: 'no mutations, so that headers of the client stay',
    code: 'envoy.mutation_rules',
    edits: [['disallow_is_error: true', 'disallow_is_error: true\n                disallow_all: true']],
    line: 'disallow_all',
    fix: 'decoder_header_mutation_rules',
  },
  {
    name: 'mutations that are ignored in silence',
    code: 'envoy.mutation_rules_missing',
    edits: [['disallow_is_error: true', 'disallow_is_error: false']],
    line: 'disallow_is_error',
    fix: 'disallow_is_error: true',
  },
  {
    name: 'a route that adds a header of ours',
    code: 'envoy.own_header_added',
    edits: [[match, `${match}                request_headers_to_add: [${header('x-mcp-authz-user')}]\n`]],
    line: 'x-mcp-authz-user',
    fix: 'Enrichment',
  },
  {
    name: 'a filter that adds a header of ours, in another spelling',
    code: 'envoy.own_header_added',
    edits: after(
      filter(
        'header_mutation',
        'HeaderMutation',
        `              mutations: { request_mutations: [{ append: ${header('X_Mcp_Authz_Groups')} }] }\n`,
      ),
    ),
    line: 'X_Mcp_Authz_Groups',
    fix: 'Enrichment',
  },

  {
    name: 'a filter that writes claims into a header of ours',
    code: 'envoy.own_header_added',
    edits: after(
      filter(
        'jwt_authn',
        'JwtAuthentication',
        `              providers:
                main:
                  issuer: https://idp.example.com
                  remote_jwks: { http_uri: { uri: "http://127.0.0.1/jwks", cluster: mcp_server, timeout: 1s } }
                  from_headers: [{ name: Authorization, value_prefix: "Bearer " }]
                  claim_to_headers: [{ header_name: x-mcp-authz-tenant, claim_name: tenant }]
`,
      ),
    ),
    line: 'claim_to_headers',
    fix: 'Enrichment',
  },

  // Paths
  {
    name: 'paths as they come',
    code: 'envoy.normalize_path',
    edits: [['          normalize_path: true\n', '']],
    line: 'typed_config',
    fix: 'normalize_path: true',
  },
  {
    name: 'double slashes',
    code: 'envoy.merge_slashes',
    edits: [['merge_slashes: true', 'merge_slashes: false']],
    line: 'merge_slashes',
    fix: 'merge_slashes: true',
  },
  {
    name: 'escaped slashes',
    code: 'envoy.escaped_slashes',
    edits: [['_action: REJECT_REQUEST', '_action: 4']],
    line: 'path_with_escaped_slashes_action',
    fix: 'path_with_escaped_slashes_action: REJECT_REQUEST',
  },
  {
    name: 'a rewrite where the path decides',
    code: 'envoy.path_rewrite',
    edits: [...inAction('prefix_rewrite: /'), [perRoute, '']],
    line: 'prefix_rewrite',
    also: ['envoy.no_server_name'],
    fix: 'mcp-server',
  },

  // Routes
  {
    name: 'a route that names no Server',
    code: 'envoy.no_server_name',
    edits: [[perRoute, '']],
    line: '- match',
    fix: 'mcp-server',
  },
  {
    name: 'settings under a name that no filter has',
    code: 'envoy.per_route_name',
    edits: [[authzFilter, '          - name: authz\n']],
    line: 'envoy.filters.http.ext_authz:',
    also: ['envoy.no_server_name'],
    fix: 'http_filters',
  },
  {
    name: 'another route after the decision',
    code: 'envoy.clear_route_cache',
    edits: inAuthz('clear_route_cache: true'),
    line: 'clear_route_cache',
    fix: 'clear_route_cache',
  },
  {
    name: 'another route after the decision about some headers',
    code: 'envoy.clear_route_cache',
    edits: inAuthz('clear_route_cache_headers: [x-tenant]'),
    line: 'clear_route_cache_headers',
    fix: 'clear_route_cache_headers',
    envoySince: '1.40',
  },
  {
    name: 'another route by a filter that comes later',
    code: 'envoy.clear_route_cache',
    edits: after(
      filter('mcp', 'Mcp', '              traffic_mode: REJECT_NO_MCP\n              clear_route_cache: true\n'),
    ),
    line: 'clear_route_cache',
    fix: 'clear_route_cache',
  },
  {
    name: 'a route by the name of the tool',
    code: 'envoy.route_by_mcp_header',
    edits: [[match, `${match}                  headers: [{ name: Mcp-Name, string_match: { exact: pods_list } }]\n`]],
    line: 'Mcp-Name',
    fix: 'path',
  },
  {
    name: 'a route by a header of ours',
    code: 'envoy.route_by_own_header',
    edits: [[match, `${match}                  headers: [{ name: x-mcp-authz-tenant, present_match: true }]\n`]],
    line: 'x-mcp-authz-tenant',
    fix: 'path',
  },
  {
    name: 'a server by header',
    code: 'envoy.client_chooses_upstream',
    edits: [[action, '                  cluster_header: x-server\n']],
    line: 'cluster_header',
    fix: 'cluster',
  },
  {
    name: 'one of several servers by header',
    code: 'envoy.client_chooses_upstream',
    edits: [
      [
        action,
        `                  weighted_clusters:
                    clusters:
                    - { name: mcp_server, weight: 1 }
                    - { cluster_header: x-server, weight: 1 }
`,
      ],
    ],
    line: 'cluster_header',
    fix: 'cluster',
  },
  {
    name: 'a host by header',
    code: 'envoy.client_chooses_upstream',
    edits: inAction('host_rewrite_header: x-server'),
    line: 'host_rewrite_header',
    fix: 'host_rewrite_literal',
  },
  {
    name: 'copies to where a header says',
    code: 'envoy.client_chooses_upstream',
    edits: inAction('request_mirror_policies: [{ cluster_header: x-server }]'),
    line: 'cluster_header',
    fix: 'cluster',
  },
  {
    name: 'copies of calls',
    code: 'envoy.mirror',
    edits: inAction('request_mirror_policies: [{ cluster: mcp_server }]'),
    line: 'request_mirror_policies',
    fix: 'request_mirror_policies',
  },
  {
    name: 'copies of the calls of a virtual host',
    code: 'envoy.mirror',
    edits: [[host, `${host}              request_mirror_policies: [{ cluster: mcp_server }]\n`]],
    line: 'request_mirror_policies',
    fix: 'request_mirror_policies',
  },
  {
    name: 'upgrades',
    code: 'envoy.upgrade',
    edits: inManager('upgrade_configs: [{ upgrade_type: websocket }]'),
    line: 'upgrade_type: websocket',
    fix: 'upgrade_configs',
  },
  {
    name: 'upgrades on a route',
    code: 'envoy.upgrade',
    edits: [
      ...inManager('upgrade_configs: [{ upgrade_type: websocket, enabled: false }]'),
      ...inAction('upgrade_configs: [{ upgrade_type: websocket, enabled: true }]'),
    ],
    line: 'enabled: true',
    fix: 'upgrade_configs',
  },
  {
    name: 'CONNECT as a route',
    code: 'envoy.upgrade',
    edits: [
      [match, '                  connect_matcher: {}\n'],
      ...inAction('upgrade_configs: [{ upgrade_type: CONNECT, connect_config: {} }]'),
    ],
    line: 'connect_matcher',
    fix: 'connect_matcher',
  },
  {
    name: 'CONNECT over HTTP/2',
    code: 'envoy.allow_connect',
    edits: inManager('http2_protocol_options: { allow_connect: true }'),
    line: 'allow_connect',
    fix: 'allow_connect',
  },
  {
    name: 'two lengths of a body',
    code: 'envoy.chunked_length',
    edits: inManager('http_protocol_options: { allow_chunked_length: true }'),
    line: 'allow_chunked_length',
    fix: 'allow_chunked_length',
  },

  // Other filters
  {
    name: 'a cache in front',
    code: 'envoy.answers_before',
    edits: before(
      filter(
        'cache',
        'CacheConfig',
        '              typed_config: { "@type": type.googleapis.com/envoy.extensions.http.cache.simple_http_cache.v3.SimpleHttpCacheConfig }\n',
      ),
    ),
    line: 'envoy.filters.http.cache',
    fix: 'after ext_authz',
  },
  {
    name: 'a script behind',
    code: 'envoy.changes_after',
    edits: after(lua('envoy_on_request')),
    line: 'envoy.filters.http.lua',
    fix: 'before ext_authz',
  },
  {
    name: 'a processor behind',
    code: 'envoy.changes_after',
    edits: after(
      filter(
        'ext_proc',
        'ExternalProcessor',
        '              grpc_service: { envoy_grpc: { cluster_name: mcp_authz } }\n',
      ),
    ),
    line: 'envoy.filters.http.ext_proc',
    fix: 'before ext_authz',
  },
  {
    name: 'a script behind that a route brings',
    code: 'envoy.changes_after',
    edits: [
      ...after(lua('envoy_on_response')),
      [
        perRoute,
        `${perRoute}                  envoy.filters.http.lua: { "@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.LuaPerRoute, source_code: { inline_string: "function envoy_on_request(h) end" } }\n`,
      ],
    ],
    line: 'LuaPerRoute',
    fix: 'before ext_authz',
  },
  {
    name: 'a filter on the way to the server',
    code: 'envoy.changes_after',
    edits: [
      [
        cluster,
        `${cluster}    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: { http_protocol_options: {} }
        http_filters:
        - name: envoy.filters.http.lua
          typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua }
        - name: codec
          typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec }
`,
      ],
    ],
    line: 'envoy.filters.http.lua',
    fix: 'ext_authz',
  },
  {
    name: 'the mcp filter that believes headers',
    code: 'envoy.mcp_filter',
    edits: before(
      filter('mcp', 'Mcp', '              traffic_mode: REJECT_NO_MCP\n              attribute_source: HEADERS\n'),
    ),
    line: 'attribute_source',
    fix: 'attribute_source',
    envoySince: '1.40',
  },
  {
    name: 'the mcp filter that lets everything pass',
    code: 'envoy.mcp_filter',
    edits: before(filter('mcp', 'Mcp', '              traffic_mode: PASS_THROUGH\n')),
    line: 'traffic_mode',
    fix: 'traffic_mode: REJECT_NO_MCP',
  },
  {
    name: 'claims that nobody verified',
    code: 'envoy.jwt_unverified',
    edits: before(
      filter(
        'jwt_authn',
        'JwtAuthentication',
        `              providers: { a: { from_headers: [{ name: authorization }], remote_jwks: { http_uri: { uri: "http://127.0.0.1/jwks", cluster: mcp_server, timeout: 1s } } } }
              rules: [{ match: { prefix: / }, requires: { extract_only_without_validation: {} } }]
`,
      ),
    ),
    line: 'extract_only_without_validation',
    fix: 'extract_only_without_validation',
  },
  {
    name: 'tokens in the query',
    code: 'envoy.jwt_query_token',
    edits: before(
      filter(
        'jwt_authn',
        'JwtAuthentication',
        `              providers: { a: { remote_jwks: { http_uri: { uri: "http://127.0.0.1/jwks", cluster: mcp_server, timeout: 1s } } } }\n`,
      ),
    ),
    line: 'providers',
    fix: 'from_headers',
  },

  // Running it
  {
    name: 'a short timeout by default',
    code: 'envoy.timeout',
    edits: [['                timeout: 2s\n', '']],
    line: 'grpc_service',
    fix: 'timeout: 2s',
  },
  {
    name: 'no timeout',
    code: 'envoy.timeout',
    edits: [[`${service}                timeout: 2s`, `${service}                timeout: 0s`]],
    line: 'timeout: 0s',
    fix: 'timeout: 2s',
  },
  {
    name: 'a timeout of ten minutes',
    code: 'envoy.timeout',
    edits: [[`${service}                timeout: 2s`, `${service}                timeout: { seconds: 600 }`]],
    line: 'timeout: { seconds',
    fix: 'timeout: 2s',
  },
  {
    name: 'retries on nothing',
    code: 'envoy.retry_policy',
    edits: [[service, `${service}                retry_policy: { num_retries: 2 }\n`]],
    line: 'retry_policy',
    fix: 'retry_on',
  },
  {
    name: '403 when mcp-authz cannot be asked',
    code: 'envoy.status_on_error',
    edits: [['ServiceUnavailable', 'Forbidden']],
    line: 'status_on_error',
    fix: 'status_on_error',
  },
  {
    name: 'streams that end after a time',
    code: 'envoy.route_timeout',
    edits: [[`${action}                  timeout: 0s`, `${action}                  timeout: 30s`]],
    line: 'timeout: 30s',
    fix: 'timeout: 0s',
  },
  {
    name: 'streams that end when silent',
    code: 'envoy.idle_timeout',
    edits: [['          stream_idle_timeout: 0s\n', '']],
    line: 'route:',
    fix: 'stream_idle_timeout: 0s',
  },
  {
    name: 'calls that are repeated',
    code: 'envoy.route_retry',
    edits: inAction('retry_policy: { retry_on: "5xx,connect-failure" }'),
    line: 'retry_policy',
    fix: 'retry_on',
  },
  {
    name: 'calls that are sent twice, of a virtual host',
    code: 'envoy.route_hedging',
    edits: [[host, `${host}              hedge_policy: { hedge_on_per_try_timeout: true }\n`]],
    line: 'hedge_policy',
    fix: 'hedge_policy',
  },
  {
    name: 'clients that choose how often a call is repeated',
    code: 'envoy.client_retries',
    edits: inManager('internal_address_config: { cidr_ranges: [{ address_prefix: 10.0.0.0, prefix_len: 8 }] }'),
    line: 'internal_address_config',
    fix: 'internal_address_config',
  },
  {
    name: 'an admin page for everybody',
    code: 'envoy.admin_address',
    edits: [
      [
        'static_resources:',
        'admin: { address: { socket_address: { address: 0.0.0.0, port_value: 9901 } } }\nstatic_resources:',
      ],
    ],
    line: 'admin:',
    fix: '127.0.0.1',
  },
  {
    name: 'certificates that nobody verified',
    code: 'envoy.untrusted_certificate',
    edits: [
      [
        '    - filters:\n',
        `    - transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          common_tls_context:
            validation_context:
              trust_chain_verification: ACCEPT_UNTRUSTED
      filters:
`,
      ],
    ],
    line: 'ACCEPT_UNTRUSTED',
    fix: 'trust_chain_verification',
    // It wants a certificate, which would have to lie in a file.
    envoyRefuses: true,
  },
  {
    name: 'gRPC over HTTP/1.1',
    code: 'envoy.cluster_http2',
    edits: [['          http2_protocol_options: {}', '          http_protocol_options: {}']],
    line: '- name: mcp_authz',
    fix: 'http2_protocol_options',
  },
  {
    name: 'denials in other words',
    code: 'envoy.local_reply',
    edits: inManager('local_reply_config: { body_format: { text_format_source: { inline_string: "no" } } }'),
    line: 'local_reply_config',
    fix: 'metadata_filter',
  },
  {
    name: 'denials in other words, for one status',
    code: 'envoy.local_reply',
    edits: inManager(
      'local_reply_config: { mappers: [{ filter: { status_code_filter: { comparison: { op: EQ, value: { default_value: 403, runtime_key: a } } } }, body: { inline_string: "no" } }] }',
    ),
    line: 'local_reply_config',
    fix: 'metadata_filter',
  },
  {
    name: 'denials that are cut',
    code: 'envoy.denied_body_cut',
    edits: inAuthz('max_denied_response_body_bytes: 1024'),
    line: 'max_denied_response_body_bytes',
    fix: 'max_denied_response_body_bytes',
  },
  {
    name: 'no metadata of decisions',
    code: 'envoy.metadata_off',
    edits: inAuthz('enable_dynamic_metadata_ingestion: false'),
    line: 'enable_dynamic_metadata_ingestion',
    fix: 'enable_dynamic_metadata_ingestion',
  },

  // What cannot be seen, or is not what it looks like
  {
    name: 'routes from elsewhere',
    code: 'envoy.not_checked',
    edits: [
      [
        goodEnvoy.slice(goodEnvoy.indexOf('          route_config:'), goodEnvoy.indexOf('          http_filters:')),
        '          rds: { route_config_name: routes, config_source: { path_config_source: { path: /dev/null } } }\n',
      ],
    ],
    line: 'rds',
    fix: '--envoy',
  },
  {
    name: 'clusters from elsewhere',
    code: 'envoy.not_checked',
    edits: [
      [
        'static_resources:',
        'dynamic_resources: { cds_config: { path_config_source: { path: /dev/null } } }\nstatic_resources:',
      ],
    ],
    line: 'cds_config',
    fix: '--envoy',
  },
  {
    name: 'listeners from elsewhere, by their new name',
    code: 'envoy.not_checked',
    edits: [
      [
        'static_resources:',
        'dynamic_resources: { lds_resources_locator: "xdstp://x/envoy.config.listener.v3.Listener/a" }\nstatic_resources:',
      ],
    ],
    line: 'lds_resources_locator',
    fix: '--envoy',
  },
  {
    name: 'a field in both spellings',
    code: 'envoy.ambiguous_field',
    edits: inAuthz('failureModeAllow: false'),
    line: 'failure_mode_allow: false',
    fix: 'keep one',
  },
  {
    name: 'a misspelt field',
    code: 'envoy.unknown_field',
    edits: inAuthz('status_on_eror: { code: ServiceUnavailable }'),
    line: 'status_on_eror',
    fix: 'did you mean status_on_error?',
    envoyRefuses: true,
  },
  {
    name: 'a second document',
    code: 'envoy.extra_document',
    edits: [[last, `${last}---\nstatic_resources: {}\n`]],
    line: 'static_resources: {}',
    fix: '---',
  },
  {
    name: 'a key that stands twice',
    code: 'envoy.unreadable',
    edits: [['failure_mode_allow: false', 'failure_mode_allow: false\n              failure_mode_allow: true']],
    line: 'failure_mode_allow: true',
    fix: 'keep one',
  },
]

/** The configuration with one mutation. */
export function mutated({ name, edits, base = goodEnvoy }: EnvoyMutation): string {
  let text = base
  for (const [from, to] of edits) {
    if (text.split(from).length !== 2) throw new Error(`${name}: not once in the configuration: ${from}`)
    text = text.replace(from, () => to)
  }
  return text
}
