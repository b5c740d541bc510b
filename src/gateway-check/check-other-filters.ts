import type { CheckContext } from './check-context.js'
import { checkHeaderMutation, checkWrittenHeaders } from './check-own-headers.js'
import { type ConfigNode, mappings } from './config-node.js'
import type { HttpFilter } from './http-filters.js'
import { enumOf, isFalse, shown, textOf } from './read-scalar.js'

/** Filters that answer with content of their own, or of a server. */
const answering = new Set(['cache', 'cache_v2', 'file_server', 'aws_lambda', 'mcp_router', 'mcp_json_rest_bridge'])

/** Filters that leave request and route alone once the request was judged. What is not listed may change them. */
const harmless = new Set([
  ...['router', 'mcp_router', 'ext_authz', 'body_size_limit', 'buffer', 'compressor', 'cors', 'csrf', 'rbac'],
  ...['ratelimit', 'local_ratelimit', 'rate_limit_quota', 'fault', 'health_check', 'grpc_stats', 'geoip', 'tap'],
  ...['header_to_metadata', 'json_to_metadata', 'sse_to_metadata', 'set_metadata', 'set_filter_state', 'ip_tagging'],
  ...['admission_control', 'adaptive_concurrency', 'bandwidth_limit', 'bandwidth_share', 'custom_response', 'cdn_loop'],
  ...['jwt_authn', 'basic_auth', 'api_key_auth', 'oauth2', 'credential_injector', 'aws_request_signing', 'gcp_authn'],
  ...['stateful_session', 'alternate_protocols_cache', 'on_demand', 'upstream_codec', 'mcp', 'a2a'],
])

/**
 * The filters around the one that decides about requests: what answers before it, and what changes the request after it.
 * `processors` are the ext_proc filters that ask us.
 */
export function checkOtherFilters(
  filters: readonly HttpFilter[],
  guard: HttpFilter,
  processors: readonly HttpFilter[],
  context: CheckContext,
): void {
  const { findings } = context
  const position = filters.indexOf(guard)
  for (const [index, filter] of filters.entries()) {
    if (filter.kind === 'mcp') checkMcpFilter(filter.config, context)
    if (filter.kind === 'jwt_authn') checkJwtFilter(filter.config, context)
    if (filter.kind === 'dynamic_forward_proxy')
      findings.add('envoy.client_chooses_upstream', filter.node, 'the filter dynamic_forward_proxy')
    if (index < position && answering.has(filter.kind))
      findings.add('envoy.answers_before', filter.node, `${filter.name} stands before ${guard.kind}`)
    if (index > position && !processors.includes(filter)) checkAfter(filter, context)
  }
}

function checkAfter(filter: HttpFilter, context: CheckContext): void {
  const { findings } = context
  for (const mapping of mappings(filter.config)) {
    const clearing = mapping.field('clear_route_cache')
    if (filter.kind !== 'ext_authz' && clearing !== undefined && !isFalse(clearing))
      findings.add('envoy.clear_route_cache', clearing, `${filter.name} stands after the decision and clears the route`)
  }
  checkWrittenHeaders(filter, context)
  if (filter.kind === 'header_mutation') checkHeaderMutation(filter.config, context)
  else if (!harmless.has(filter.kind) && filter.kind !== 'dynamic_forward_proxy' && !responsesOnly(filter))
    findings.add('envoy.changes_after', filter.node, `${filter.name} stands after the decision`)
}

/** Scripts and processors that are only called for responses. */
function responsesOnly({ kind, config }: HttpFilter): boolean {
  if (kind === 'lua') {
    const script = textOf(config.deep('default_source_code', 'inline_string') ?? config.field('inline_code'))
    return script !== '' && !script.includes('envoy_on_request') && config.field('source_codes') === undefined
  }
  if (kind === 'ext_proc') {
    const mode = config.field('processing_mode')
    const headers = enumOf(mode?.field('request_header_mode'), ['DEFAULT', 'SEND', 'SKIP'])
    const body = enumOf(mode?.field('request_body_mode'), ['NONE', 'STREAMED', 'BUFFERED', 'BUFFERED_PARTIAL'])
    return headers === 'SKIP' && body === 'NONE'
  }
  return false
}

/** envoy.extensions.filters.http.mcp.v3.Mcp */
function checkMcpFilter(config: ConfigNode, { findings }: CheckContext): void {
  const source = config.field('attribute_source')
  if (enumOf(source, ['BODY', 'VERIFY', 'HEADERS']) === 'HEADERS')
    findings.add('envoy.mcp_filter', source ?? config, 'the mcp filter believes Mcp-Method and Mcp-Name')
  const mode = config.field('traffic_mode')
  if (enumOf(mode, ['PASS_THROUGH', 'REJECT_NO_MCP', 'NOOP']) === 'PASS_THROUGH')
    findings.add(
      'envoy.mcp_filter',
      mode ?? config,
      `traffic_mode is ${shown(mode)}, so it lets pass what it cannot read`,
    )
}

/** envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication */
function checkJwtFilter(config: ConfigNode, { findings }: CheckContext): void {
  for (const mapping of mappings(config)) {
    const unverified = mapping.field('extract_only_without_validation')
    if (unverified !== undefined)
      findings.add('envoy.jwt_unverified', unverified, 'extract_only_without_validation is set')
  }
  for (const [name, provider] of config.field('providers')?.entries() ?? []) {
    const parameters = provider.field('from_params')
    const elsewhere = provider.field('from_headers') ?? provider.field('from_cookies')
    if (parameters !== undefined) findings.add('envoy.jwt_query_token', parameters, 'from_params is set')
    else if (elsewhere === undefined)
      findings.add('envoy.jwt_query_token', provider, `the provider ${name} has no from_headers`)
  }
}
