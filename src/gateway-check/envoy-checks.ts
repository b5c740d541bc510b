import type { Finding } from '../documents/finding.js'

interface EnvoyCheckText {
  /** error: a way around mcp-authz, or nothing that could be judged. warning: it fails closed, or needs a look. */
  readonly severity: Finding['severity']
  /** What goes wrong with it; the second half of a sentence. */
  readonly why: string
  /** What to write instead. */
  readonly fix: string
}

/** Every check of an Envoy configuration. The codes are stable: never reuse one. docs/envoy.md shows this table. */
export const envoyChecks = {
  // What was read
  'envoy.unreadable': {
    severity: 'error',
    why: 'what cannot be read is not checked, and may be read differently by Envoy',
    fix: 'correct the file; it is YAML 1.2 or JSON, at most 1 MiB, without repeated keys',
  },
  'envoy.not_envoy': {
    severity: 'error',
    why: 'nothing in it can be checked',
    fix: 'give the bootstrap that Envoy starts with (static_resources), or a file of resources (resources:)',
  },
  'envoy.extra_document': {
    severity: 'error',
    why: 'Envoy reads only the first document of a file',
    fix: 'remove the --- line, or put the document into a file of its own',
  },
  'envoy.ambiguous_field': {
    severity: 'error',
    why: 'Envoy accepts both spellings together, and which of them wins is not defined',
    fix: 'keep one of them',
  },
  'envoy.unknown_field': {
    severity: 'warning',
    why: 'this check does not know it, and Envoy refuses fields that it does not know',
    fix: 'correct the name, or see in the documentation of your Envoy what it does',
  },
  'envoy.not_checked': {
    severity: 'warning',
    why: 'it comes from elsewhere while Envoy runs, so it was not checked',
    fix: 'give the resources to this check too, with another --envoy FILE, or write them into the bootstrap',
  },

  // Whether every request is judged
  'envoy.no_ext_authz': {
    severity: 'error',
    why: 'what is routed there reaches the server without a decision',
    fix: 'add the ext_authz filter to http_filters, before the router, as in envoy/ext-authz.yaml (or ext_proc as in envoy/ext-proc.yaml)',
  },
  'envoy.other_listener': {
    severity: 'warning',
    why: 'its servers are not those behind the checked listener, so it may be meant, but nothing there is judged',
    fix: 'add ext_authz if an MCP server stands there; else give only the files of the MCP listener to this check',
  },
  'envoy.filter_disabled': {
    severity: 'error',
    why: 'the filter only runs where a route switches it on',
    fix: 'remove disabled: true from the entry in http_filters',
  },
  'envoy.filter_optional': {
    severity: 'error',
    why: 'an Envoy that does not know the filter starts without it',
    fix: 'remove is_optional: true',
  },
  'envoy.conditional_filter': {
    severity: 'error',
    why: 'whether the filter runs depends on the request',
    fix: 'put ext_authz into http_filters itself, without a matcher around it',
  },
  'envoy.route_disabled': {
    severity: 'error',
    why: 'what is routed here reaches the server without a decision',
    fix: 'remove disabled: true; mcp-authz lets pass what its policies allow',
  },
  'envoy.filter_enabled': {
    severity: 'error',
    why: 'the rest of the requests passes without a decision',
    fix: 'remove filter_enabled, or set deny_at_disable: { default_value: true }',
  },
  'envoy.filter_enabled_runtime': {
    severity: 'warning',
    why: 'whoever reaches the admin page or the runtime layers can switch the check off',
    fix: 'remove filter_enabled, or set deny_at_disable: { default_value: true }',
  },
  'envoy.filter_enabled_metadata': {
    severity: 'error',
    why: 'what another filter wrote, or did not write, decides whether mcp-authz is asked',
    fix: 'remove filter_enabled_metadata, or set deny_at_disable: { default_value: true }',
  },
  'envoy.shadow_mode': {
    severity: 'error',
    why: 'denied requests go on',
    fix: 'remove shadow_mode; to try policies, set mode: Audit in the Server document',
  },
  'envoy.failure_mode_allow': {
    severity: 'error',
    why: 'when mcp-authz cannot be asked, every request passes',
    fix: 'write failure_mode_allow: false',
  },
  'envoy.failure_mode_allow_header_add': {
    severity: 'warning',
    why: "Envoy does not remove a client's own x-envoy-auth-failure-mode-allowed, so the header proves nothing",
    fix: 'remove failure_mode_allow_header_add',
  },
  'envoy.http_service': {
    severity: 'error',
    why: 'mcp-authz speaks gRPC; over HTTP it would not get the message as it is',
    fix: 'write grpc_service: { envoy_grpc: { cluster_name: mcp_authz }, timeout: 2s } in place of http_service',
  },
  'envoy.route_service': {
    severity: 'error',
    why: 'requests of this route are judged by another service (and CVE-2026-47205 is about such overrides)',
    fix: 'remove grpc_service and http_service from check_settings',
  },

  // Whether the whole body is judged
  'envoy.no_body': {
    severity: 'error',
    why: 'mcp-authz gets no body, and cannot judge what it does not see',
    fix: 'add with_request_body: { max_request_bytes: 1048576, allow_partial_message: false, pack_as_bytes: true }',
  },
  'envoy.route_body': {
    severity: 'error',
    why: 'a message goes to the server without being seen',
    fix: 'remove disable_request_body_buffering',
  },
  'envoy.allow_partial_message': {
    severity: 'error',
    why: 'a message that is cut at exactly the limit looks complete, and the server gets the rest unseen',
    fix: 'write allow_partial_message: false',
  },
  'envoy.pack_as_bytes': {
    severity: 'error',
    why: 'Envoy replaces bytes that are not UTF-8, so that mcp-authz judges other bytes than the server gets',
    fix: 'write pack_as_bytes: true',
  },
  'envoy.max_request_bytes': {
    severity: 'error',
    why: 'there must be a limit up to which messages are read as a whole',
    fix: 'write max_request_bytes: 1048576',
  },
  'envoy.max_request_bytes_too_large': {
    severity: 'warning',
    why: 'mcp-authz refuses larger questions than maxMessageBytes of its listener, which holds headers and metadata too',
    fix: 'lower max_request_bytes, or raise maxMessageBytes (1 MiB more than max_request_bytes is enough)',
  },
  'envoy.body_size_limit': {
    severity: 'error',
    why: 'an HTTP/2 body whose last frame crosses the limit of ext_authz is checked in part and passed on whole',
    fix: 'put the filter envoy.filters.http.body_size_limit (Envoy 1.40) before ext_authz, with max_request_bytes no larger than there',
  },

  // Headers
  'envoy.encode_raw_headers': {
    severity: 'error',
    why: 'repeated headers arrive joined and bytes changed, so that a second value cannot be told from a comma',
    fix: 'write encode_raw_headers: true',
  },
  'envoy.headers_left_out': {
    severity: 'error',
    why: 'mcp-authz does not see all headers that the server sees (content-length, content-encoding, authorization, …)',
    fix: 'remove allowed_headers and disallowed_headers: all headers are sent then',
  },
  'envoy.headers_with_underscores': {
    severity: 'error',
    why: 'some servers read x_mcp_authz_user as x-mcp-authz-user, and the client wrote it',
    fix: 'write common_http_protocol_options: { headers_with_underscores_action: DROP_HEADER }',
  },
  'envoy.validate_mutations': {
    severity: 'warning',
    why: 'a bad header value of an answer is written as it is, or fails the request without a word',
    fix: 'write validate_mutations: true',
  },
  'envoy.mutation_rules': {
    severity: 'error',
    why: 'either nothing keeps an answer from changing host, or our headers do not replace those of the client',
    fix: 'write decoder_header_mutation_rules: { disallow_is_error: true } and nothing else in it',
  },
  'envoy.mutation_rules_missing': {
    severity: 'warning',
    why: 'something that answers in the place of mcp-authz could change host, or be ignored in silence',
    fix: 'write decoder_header_mutation_rules: { disallow_is_error: true }',
  },
  'envoy.own_header_added': {
    severity: 'error',
    why: 'the server takes this header for the word of mcp-authz',
    fix: 'remove it; mcp-authz sets these headers itself (an Enrichment can add others)',
  },

  // Paths
  'envoy.normalize_path': {
    severity: 'error',
    why: 'with /a/../b mcp-authz and the server may mean different paths',
    fix: 'write normalize_path: true',
  },
  'envoy.merge_slashes': {
    severity: 'error',
    why: 'with //mcp mcp-authz and the server may mean different paths',
    fix: 'write merge_slashes: true',
  },
  'envoy.escaped_slashes': {
    severity: 'error',
    why: 'with %2f mcp-authz and the server may mean different paths',
    fix: 'write path_with_escaped_slashes_action: REJECT_REQUEST',
  },
  'envoy.path_rewrite': {
    severity: 'warning',
    why: 'without mcp-server the path decides which Server governs, and that is the path before the rewrite',
    fix: 'name the Server: context_extensions: { mcp-server: NAME }; the rewrite may stay then',
  },

  // Routes
  'envoy.no_server_name': {
    severity: 'warning',
    why: 'host and path, which the client writes, decide which Server governs',
    fix: 'add typed_per_filter_config with ExtAuthzPerRoute: check_settings: { context_extensions: { mcp-server: NAME } }',
  },
  'envoy.unknown_server': {
    severity: 'warning',
    why: 'everything on this route is denied',
    fix: 'use the name of a Server document',
  },
  'envoy.per_route_name': {
    severity: 'warning',
    why: 'Envoy looks settings of a route up by the name in http_filters, so these have no effect',
    fix: 'use the name of the ext_authz filter in http_filters as the key',
  },
  'envoy.clear_route_cache': {
    severity: 'error',
    why: 'after the decision the request may take another route than the one that was judged',
    fix: 'remove clear_route_cache and clear_route_cache_headers',
  },
  'envoy.route_by_mcp_header': {
    severity: 'warning',
    why: 'the route is chosen by what the client claims, before the body was read; servers of the older protocol never compare them',
    fix: 'match by path or host; one route for each MCP server',
  },
  'envoy.route_by_own_header': {
    severity: 'error',
    why: "the route is chosen before mcp-authz answers, so it is the client's own header that matches",
    fix: 'match by path or host',
  },
  'envoy.client_chooses_upstream': {
    severity: 'error',
    why: 'a header of the client chooses the server, whatever mcp-authz decided about',
    fix: 'write route: { cluster: NAME }',
  },
  'envoy.mirror': {
    severity: 'warning',
    why: 'a copy of each allowed call goes there with its arguments, and a server that gets it executes it as well',
    fix: 'remove request_mirror_policies',
  },
  'envoy.upgrade': {
    severity: 'error',
    why: 'an upgraded request carries its body past every check',
    fix: 'remove upgrade_configs, connect_config and connect_matcher',
  },
  'envoy.allow_connect': {
    severity: 'warning',
    why: 'CONNECT is only one route away from carrying bodies past every check; MCP does not need it',
    fix: 'remove allow_connect and allow_extended_connect',
  },
  'envoy.chunked_length': {
    severity: 'warning',
    why: 'a request with both content-length and transfer-encoding is the classic of request smuggling',
    fix: 'remove allow_chunked_length',
  },

  // Other filters
  'envoy.answers_before': {
    severity: 'error',
    why: 'this filter can answer a request before mcp-authz is asked',
    fix: 'put it after ext_authz, or remove it',
  },
  'envoy.changes_after': {
    severity: 'warning',
    why: 'it may change the request after it was judged',
    fix: 'put it before ext_authz, let it handle responses only, or make sure that it leaves request and route alone',
  },
  'envoy.mcp_filter': {
    severity: 'warning',
    why: 'its metadata (method, name) is not proven by the body; mcp-authz does not read it, but other filters and logs may',
    fix: 'write traffic_mode: REJECT_NO_MCP and attribute_source: BODY or VERIFY',
  },
  'envoy.jwt_unverified': {
    severity: 'error',
    why: 'claims that nobody verified look like verified ones',
    fix: 'remove extract_only_without_validation',
  },
  'envoy.untrusted_certificate': {
    severity: 'error',
    why: 'a client writes the name in its certificate itself, and mcp-authz takes it for that of a workload',
    fix: 'remove trust_chain_verification',
  },
  'envoy.jwt_query_token': {
    severity: 'warning',
    why: 'a token in the query is accepted, which MCP forbids: it ends in logs',
    fix: 'write from_headers: [{ name: Authorization, value_prefix: "Bearer " }] and no from_params',
  },

  // ext_proc, beside ext_authz or alone
  'envoy.proc_failure_mode_allow': {
    severity: 'error',
    why: 'when mcp-authz cannot be asked, lists pass as they are; without ext_authz beside it every request does',
    fix: 'write failure_mode_allow: false',
  },
  'envoy.proc_no_body': {
    severity: 'error',
    why: 'without ext_authz this filter decides, and a message goes on before it was seen as a whole',
    fix: 'write request_body_mode: BUFFERED, or put ext_authz after this filter',
  },
  'envoy.proc_not_judging': {
    severity: 'error',
    why: 'there is no ext_authz beside it, and no listener of mcp-authz with door ext-proc decides about requests',
    fix: 'write judgesRequests: true at that listener, or put ext_authz after this filter',
  },
  'envoy.proc_observability': {
    severity: 'error',
    why: 'Envoy shows everything and follows no answer',
    fix: 'remove observability_mode',
  },
  'envoy.proc_headers': {
    severity: 'error',
    why: 'without the headers of both sides nobody knows whose answer it is, or whether it is a list',
    fix: 'write request_header_mode: SEND and response_header_mode: SEND',
  },
  'envoy.proc_order': {
    severity: 'warning',
    why: 'it does not see the token and the session id of the client any more',
    fix: 'put ext_proc before ext_authz in http_filters',
  },
  'envoy.proc_server_name': {
    severity: 'error',
    why: 'answers are judged by the rules of another Server than requests',
    fix: 'write the name into overrides: { grpc_initial_metadata: [{ key: mcp-server, value: NAME }] } of ExtProcPerRoute, as in context_extensions',
  },
  'envoy.proc_route_disabled': {
    severity: 'warning',
    why: 'lists pass as they are and sessions are not bound, which is right only where no MCP server stands',
    fix: 'remove disabled: true if this route leads to an MCP server',
  },
  'envoy.proc_mode_override': {
    severity: 'warning',
    why: 'mcp-authz cannot ask for the bodies that it must see, so that such answers fail',
    fix: 'write allow_mode_override: true, without allowed_override_modes',
  },
  'envoy.proc_metadata': {
    severity: 'warning',
    why: 'mcp-authz does not learn which method was allowed: every answer is read, and texts beside results are left out',
    fix: 'write metadata_options: { forwarding_namespaces: { untyped: [envoy.filters.http.ext_authz] } }',
  },
  'envoy.proc_immediate_response': {
    severity: 'warning',
    why: 'denials of mcp-authz become errors without a word',
    fix: 'remove disable_immediate_response',
  },
  'envoy.proc_connections': {
    severity: 'warning',
    why: 'Envoy cancels the stream of each exchange, and HTTP/2 of mcp-authz ends a connection after 1000 of these, with all that is on it',
    fix: 'write common_http_protocol_options: { max_requests_per_connection: 900 } in HttpProtocolOptions of the cluster',
  },
  'envoy.proc_message_timeout': {
    severity: 'warning',
    why: 'mcp-authz takes up to 900 ms for a part of an exchange (the default is 200 ms); without an end a request may hang',
    fix: 'write message_timeout: 2s',
  },
  'envoy.proc_stream_timeout': {
    severity: 'warning',
    why: 'an exchange lasts as long as its stream of events, which ends after this time',
    fix: 'write timeout: 0s in grpc_service',
  },

  // Running it
  'envoy.timeout': {
    severity: 'warning',
    why: 'a slow answer is an error for the client; without an end it holds connections',
    fix: 'write timeout: 2s in grpc_service (the default is 200 ms, 0s is for ever)',
  },
  'envoy.retry_policy': {
    severity: 'warning',
    why: 'it has no effect without the conditions on which to retry',
    fix: 'write retry_policy: { num_retries: 1, retry_on: "connect-failure,refused-stream,unavailable" }',
  },
  'envoy.status_on_error': {
    severity: 'warning',
    why: 'clients cannot tell a denial from an mcp-authz that cannot be asked',
    fix: 'write status_on_error: { code: ServiceUnavailable }',
  },
  'envoy.route_timeout': {
    severity: 'warning',
    why: 'Envoy ends event streams and long tool calls after this time (15s where nothing is written)',
    fix: 'write timeout: 0s in route; bound streams with max_stream_duration if tokens must not outlive them',
  },
  'envoy.idle_timeout': {
    severity: 'warning',
    why: 'event streams of MCP are silent for long, and Envoy ends them (after 5 minutes where nothing is written)',
    fix: 'write stream_idle_timeout: 0s in the connection manager, or idle_timeout: 0s in route',
  },
  'envoy.route_retry': {
    severity: 'warning',
    why: 'Envoy may send a tool call twice, after the server has executed it',
    fix: 'write retry_on: "connect-failure,refused-stream" in retry_policy, or remove retry_policy',
  },
  'envoy.route_hedging': {
    severity: 'warning',
    why: 'Envoy may send a tool call twice, while the server still executes it',
    fix: 'remove hedge_policy',
  },
  'envoy.client_retries': {
    severity: 'warning',
    why: 'a client that comes from there, or says so in x-forwarded-for, makes Envoy repeat tool calls (x-envoy-retry-on, x-envoy-max-retries)',
    fix: 'remove internal_address_config: Envoy then removes these headers',
  },
  'envoy.cluster_http2': {
    severity: 'warning',
    why: 'gRPC needs HTTP/2, so no question arrives and every request fails',
    fix: 'add typed_extension_protocol_options with explicit_http_config: { http2_protocol_options: {} } to the cluster',
  },
  'envoy.local_reply': {
    severity: 'warning',
    why: 'it rewrites the denials of mcp-authz too, and MCP clients then do not understand them',
    fix: 'limit the mapper by a metadata_filter on envoy.filters.http.ext_authz, as in envoy/ext-authz.yaml',
  },
  'envoy.denied_body_cut': {
    severity: 'warning',
    why: 'denials are JSON, and a part of one is none',
    fix: 'remove max_denied_response_body_bytes, or allow at least 65536',
  },
  'envoy.metadata_off': {
    severity: 'warning',
    why: 'access logs miss the decision, and a local_reply_config takes our answers with 503 for its own',
    fix: 'remove enable_dynamic_metadata_ingestion',
  },
  'envoy.admin_address': {
    severity: 'warning',
    why: 'whoever reaches the admin page can stop Envoy, change its runtime, and read its configuration; it asks for no password',
    fix: 'write address: 127.0.0.1',
  },
} as const satisfies Readonly<Record<string, EnvoyCheckText>>

export type EnvoyCheckCode = keyof typeof envoyChecks
