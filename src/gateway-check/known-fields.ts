import { didYouMean } from '../documents/did-you-mean.js'
import { type ConfigNode, camelCase } from './config-node.js'
import type { Findings } from './findings.js'

/** The fields of Envoy 1.40, in the names of the proto. */
const known = {
  ExtAuthz: [
    'grpc_service',
    'http_service',
    'failure_mode_allow',
    'failure_mode_allow_header_add',
    'with_request_body',
    'clear_route_cache',
    'clear_route_cache_headers',
    'status_on_error',
    'metadata_context_namespaces',
    'typed_metadata_context_namespaces',
    'route_metadata_context_namespaces',
    'route_typed_metadata_context_namespaces',
    'filter_enabled',
    'filter_enabled_metadata',
    'deny_at_disable',
    'include_peer_certificate',
    'include_tls_session',
    'transport_api_version',
    'stat_prefix',
    'bootstrap_metadata_labels_key',
    'allowed_headers',
    'disallowed_headers',
    'charge_cluster_response_stats',
    'encode_raw_headers',
    'validate_mutations',
    'decoder_header_mutation_rules',
    'enable_dynamic_metadata_ingestion',
    'filter_metadata',
    'emit_filter_state_stats',
    'emit_client_span',
    'max_denied_response_body_bytes',
    'enforce_response_header_limits',
    'shadow_mode',
  ],
  BufferSettings: ['max_request_bytes', 'allow_partial_message', 'pack_as_bytes'],
  ExtAuthzPerRoute: ['disabled', 'check_settings', 'emit_client_span'],
  CheckSettings: [
    'context_extensions',
    'disable_request_body_buffering',
    'with_request_body',
    'grpc_service',
    'http_service',
  ],
  ExternalProcessor: [
    'grpc_service',
    'http_service',
    'failure_mode_allow',
    'processing_mode',
    'request_attributes',
    'response_attributes',
    'message_timeout',
    'stat_prefix',
    'mutation_rules',
    'max_message_timeout',
    'forward_rules',
    'filter_metadata',
    'allow_mode_override',
    'disable_immediate_response',
    'metadata_options',
    'observability_mode',
    'disable_clear_route_cache',
    'route_cache_action',
    'deferred_close_timeout',
    'send_body_without_waiting_for_header_response',
    'allowed_override_modes',
    'on_processing_response',
    'status_on_error',
    'processing_request_modifier',
    'allow_content_length_header',
    'emit_client_span',
  ],
  ProcessingMode: [
    'request_header_mode',
    'response_header_mode',
    'request_body_mode',
    'response_body_mode',
    'request_trailer_mode',
    'response_trailer_mode',
  ],
  ExtProcPerRoute: ['disabled', 'overrides'],
  ExtProcOverrides: [
    'processing_mode',
    'async_mode',
    'request_attributes',
    'response_attributes',
    'grpc_service',
    'metadata_options',
    'grpc_initial_metadata',
    'failure_mode_allow',
    'processing_request_modifier',
    'emit_client_span',
  ],
  GrpcService: ['envoy_grpc', 'google_grpc', 'timeout', 'initial_metadata', 'retry_policy'],
} as const satisfies Readonly<Record<string, readonly string[]>>

/** Fields that the message does not have: a misspelt `must` is none. */
export function reportUnknownFields(node: ConfigNode, message: keyof typeof known, findings: Findings): void {
  const names: readonly string[] = known[message]
  for (const [key, field] of node.entries()) {
    if (key === '@type' || names.some(name => name === key || camelCase(name) === key)) continue
    const meant = didYouMean(key, names)
    findings.add(
      'envoy.unknown_field',
      field,
      `${message} has no field ${key}`,
      meant === undefined ? undefined : `did you mean ${meant}?`,
    )
  }
}
