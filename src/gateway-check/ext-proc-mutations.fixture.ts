import { type EnvoyMutation, goodEnvoy } from './envoy-mutations.fixture.js'

const sizeLimit = '          - name: envoy.filters.http.body_size_limit\n'
const router = '          - name: envoy.filters.http.router\n'
const server = '  - name: mcp_server\n'
const authzCluster = '  - name: mcp_authz\n'
const routeSettings = '                typed_per_filter_config:\n'

const answers = `          - name: envoy.filters.http.ext_proc
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor
              grpc_service:
                envoy_grpc: { cluster_name: mcp_authz_answers }
                timeout: 0s
              failure_mode_allow: no
              message_timeout: 2s
              allow_mode_override: true
              mutation_rules: { disallow_is_error: true }
              processing_mode:
                request_header_mode: SEND
                response_header_mode: SEND
                request_body_mode: NONE
              metadata_options: { forwarding_namespaces: { untyped: [envoy.filters.http.ext_authz] } }
`
const named = `                  envoy.filters.http.ext_proc:
                    "@type": type.googleapis.com/envoy.extensions.filters.http.ext_proc.v3.ExtProcPerRoute
                    overrides:
                      grpc_initial_metadata: [{ key: mcp-server, value: kubernetes }]
`
const cluster = `  - name: mcp_authz_answers
    type: STATIC
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: { http2_protocol_options: {} }
        common_http_protocol_options: { max_requests_per_connection: 900 }
    load_assignment:
      cluster_name: mcp_authz_answers
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: 9003 } } } }] }]
`

/** ext_proc before ext_authz: it sees answers, and decides nothing. */
export const goodBeside = goodEnvoy
  .replace(sizeLimit, `${answers}${sizeLimit}`)
  .replace(routeSettings, `${routeSettings}${named}`)
  .replace(server, `${cluster}${server}`)

const wholeBodies = 'request_body_mode: BUFFERED'

/** ext_proc in the place of ext_authz. */
export const goodAlone = [
  [sizeLimit, router],
  ['                  envoy.filters.http.ext_authz:\n', '          http_filters:\n'],
  [authzCluster, '  - name: mcp_authz_answers\n'],
]
  .reduce((text, [from = '', to = '']) => text.slice(0, text.indexOf(from)) + text.slice(text.indexOf(to)), goodBeside)
  .replace('request_body_mode: NONE', wholeBodies)
  .replace(/^ +metadata_options: .*\n/m, '')

const service = '                envoy_grpc: { cluster_name: mcp_authz_answers }\n'
const mode = '              processing_mode:\n'
const off = '                    disabled: true\n'
const overrides = '                    overrides:\n'
const initial = '                      grpc_initial_metadata: [{ key: mcp-server, value: kubernetes }]\n'
const inFilter = (text: string) => [[mode, `              ${text}\n${mode}`]] as const
const beside = { base: goodBeside } as const
const alone = { base: goodAlone } as const

/** One dangerous setting of ext_proc each. */
export const extProcMutations: readonly EnvoyMutation[] = [
  {
    ...beside,
    name: 'answers that pass unseen when mcp-authz is dead',
    code: 'envoy.proc_failure_mode_allow',
    edits: [['failure_mode_allow: no', 'failure_mode_allow: yes']],
    line: 'failure_mode_allow',
    fix: 'failure_mode_allow: false',
  },
  {
    ...alone,
    name: 'requests that pass unseen when mcp-authz is dead',
    code: 'envoy.proc_failure_mode_allow',
    edits: [['failure_mode_allow: no', 'failure_mode_allow: true']],
    line: 'failure_mode_allow',
    fix: 'failure_mode_allow: false',
  },
  {
    ...alone,
    name: 'the same, on a route',
    code: 'envoy.proc_failure_mode_allow',
    edits: [[initial, `${initial}                      failure_mode_allow: true\n`]],
    line: 'failure_mode_allow: true',
    fix: 'failure_mode_allow: false',
  },
  ...['NONE', 'STREAMED', 'BUFFERED_PARTIAL'].map(body => ({
    ...alone,
    name: `ext_proc alone, with bodies ${body}`,
    code: 'envoy.proc_no_body' as const,
    edits: [[wholeBodies, `request_body_mode: ${body}`]] as const,
    line: 'request_body_mode',
    fix: 'BUFFERED',
  })),
  {
    ...alone,
    name: 'ext_proc alone, with other bodies on a route',
    code: 'envoy.proc_no_body',
    edits: [[overrides, `${overrides}                      processing_mode: { request_body_mode: NONE }\n`]],
    line: 'request_body_mode: NONE',
    fix: 'BUFFERED',
  },
  {
    ...alone,
    name: 'ext_proc alone, off on a route',
    code: 'envoy.route_disabled',
    edits: [
      [`${overrides}${initial}`, off],
      [service, `${service}                initial_metadata: [{ key: mcp-server, value: kubernetes }]\n`],
    ],
    line: 'disabled: true',
    fix: 'disabled',
  },
  {
    ...alone,
    name: 'ext_proc alone, off by the generic wrapper on the virtual host',
    code: 'envoy.route_disabled',
    edits: [
      [
        `              domains: ["*"]\n`,
        `              domains: ["*"]
              typed_per_filter_config: { envoy.filters.http.ext_proc: { "@type": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true } }\n`,
      ],
    ],
    line: 'disabled: true',
    fix: 'disabled',
  },
  {
    ...alone,
    name: 'ext_proc alone, off until a route enables it',
    code: 'envoy.filter_disabled',
    edits: [
      [
        '          - name: envoy.filters.http.ext_proc\n',
        '          - name: envoy.filters.http.ext_proc\n            disabled: true\n',
      ],
    ],
    line: 'disabled: true',
    fix: 'disabled',
  },
  {
    ...alone,
    name: 'another processor on a route',
    code: 'envoy.route_service',
    edits: [
      [overrides, `${overrides}                      grpc_service: { envoy_grpc: { cluster_name: mcp_server } }\n`],
    ],
    line: 'grpc_service',
    fix: 'overrides',
  },
  {
    ...beside,
    name: 'answers that nobody follows',
    code: 'envoy.proc_observability',
    edits: inFilter('observability_mode: true'),
    line: 'observability_mode',
    fix: 'observability_mode',
  },
  {
    ...beside,
    name: 'no headers of requests',
    code: 'envoy.proc_headers',
    edits: [['request_header_mode: SEND', 'request_header_mode: SKIP']],
    line: 'request_header_mode',
    fix: 'SEND',
  },
  {
    ...beside,
    name: 'no headers of answers',
    code: 'envoy.proc_headers',
    edits: [['response_header_mode: SEND', 'response_header_mode: SKIP']],
    line: 'response_header_mode',
    fix: 'SEND',
  },
  {
    ...beside,
    name: 'some headers only',
    code: 'envoy.headers_left_out',
    edits: inFilter('forward_rules: { disallowed_headers: { patterns: [{ exact: cookie }] } }'),
    line: 'forward_rules',
    fix: 'forward_rules',
  },
  {
    ...beside,
    name: 'a processor after ext_authz',
    code: 'envoy.proc_order',
    edits: [
      [answers, ''],
      [router, `${answers}${router}`],
    ],
    line: 'envoy.filters.http.ext_proc',
    fix: 'before ext_authz',
  },
  {
    ...beside,
    name: 'another Server for answers',
    code: 'envoy.proc_server_name',
    edits: [['mcp-server, value: kubernetes', 'mcp-server, value: files']],
    line: 'match',
    fix: 'grpc_initial_metadata',
  },
  {
    ...beside,
    name: 'no Server for answers',
    code: 'envoy.proc_server_name',
    edits: [[named, '']],
    line: 'match',
    fix: 'grpc_initial_metadata',
  },
  {
    ...beside,
    name: 'answers of a route unseen',
    code: 'envoy.proc_route_disabled',
    edits: [[`${overrides}${initial}`, off]],
    line: 'match',
    fix: 'disabled',
  },
  {
    ...beside,
    name: 'no way to ask for bodies',
    code: 'envoy.proc_mode_override',
    edits: [['              allow_mode_override: true\n', '']],
    line: 'typed_config',
    fix: 'allow_mode_override',
  },
  {
    ...beside,
    name: 'few ways to ask for bodies',
    code: 'envoy.proc_mode_override',
    edits: inFilter('allowed_override_modes: [{ response_body_mode: BUFFERED }]'),
    line: 'allowed_override_modes',
    fix: 'allowed_override_modes',
  },
  {
    ...beside,
    name: 'not a word of ext_authz',
    code: 'envoy.proc_metadata',
    edits: [['untyped: [envoy.filters.http.ext_authz]', 'untyped: [envoy.filters.http.jwt_authn]']],
    line: 'metadata_options',
    fix: 'forwarding_namespaces',
  },
  {
    ...alone,
    name: 'no answers of our own',
    code: 'envoy.proc_immediate_response',
    edits: inFilter('disable_immediate_response: true'),
    line: 'disable_immediate_response',
    fix: 'disable_immediate_response',
  },
  {
    ...alone,
    name: 'connections that are used for ever',
    code: 'envoy.proc_connections',
    edits: [['        common_http_protocol_options: { max_requests_per_connection: 900 }\n', '']],
    line: '- name: mcp_authz_answers',
    fix: 'max_requests_per_connection',
  },
  {
    ...beside,
    name: 'connections that are used for long',
    code: 'envoy.proc_connections',
    edits: [['max_requests_per_connection: 900', 'max_requests_per_connection: 1000']],
    line: 'max_requests_per_connection',
    fix: '900',
  },
  {
    ...beside,
    name: 'a short time for each part',
    code: 'envoy.proc_message_timeout',
    edits: [['message_timeout: 2s', 'message_timeout: 0.2s']],
    line: 'message_timeout',
    fix: 'message_timeout: 2s',
  },
  {
    ...beside,
    name: 'a time for the whole exchange',
    code: 'envoy.proc_stream_timeout',
    edits: [
      ['                timeout: 0s\n              failure', '                timeout: 30s\n              failure'],
    ],
    line: 'timeout: 30s',
    fix: 'timeout: 0s',
  },
  {
    ...alone,
    name: 'no rules for what an answer may change',
    code: 'envoy.mutation_rules_missing',
    edits: [['              mutation_rules: { disallow_is_error: true }\n', '']],
    line: 'typed_config',
    fix: 'write mutation_rules: {',
  },
  {
    ...alone,
    name: 'headers of ours that are not set',
    code: 'envoy.mutation_rules',
    edits: [['disallow_is_error: true }', 'disallow_is_error: true, disallow_all: true }']],
    line: 'mutation_rules',
    fix: 'write mutation_rules: {',
  },
  {
    ...alone,
    name: 'errors that look like denials',
    code: 'envoy.status_on_error',
    edits: inFilter('status_on_error: { code: Forbidden }'),
    line: 'status_on_error',
    fix: 'ServiceUnavailable',
  },
  {
    ...alone,
    name: 'another route after the decision',
    code: 'envoy.clear_route_cache',
    edits: inFilter('route_cache_action: CLEAR'),
    line: 'route_cache_action',
    fix: 'route_cache_action',
  },
  {
    ...alone,
    name: 'denials in other words, by an expression',
    code: 'envoy.local_reply',
    edits: [
      [
        '          stat_prefix: mcp\n',
        `          stat_prefix: mcp
          local_reply_config:
            mappers:
            - filter:
                extension_filter:
                  name: envoy.access_loggers.extension_filters.cel
                  typed_config:
                    "@type": type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter
                    expression: response.code_details.startsWith('ext_proc_error') || response.code == 403
              body: { inline_string: "no" }
`,
      ],
    ],
    line: '- filter',
    fix: 'metadata_filter',
  },
  {
    ...alone,
    name: 'no name of a Server',
    code: 'envoy.no_server_name',
    edits: [
      [
        '              - match:\n',
        '              - { match: { path: /other }, route: { cluster: mcp_server, timeout: 0s } }\n              - match:\n',
      ],
    ],
    line: '/other',
    fix: 'mcp-server',
  },
  {
    ...alone,
    name: 'a misspelt field of ext_proc',
    code: 'envoy.unknown_field',
    edits: inFilter('status_on_eror: { code: ServiceUnavailable }'),
    line: 'status_on_eror',
    fix: 'did you mean status_on_error?',
    envoyRefuses: true,
  },
]
