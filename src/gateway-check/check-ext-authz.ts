import { checkAuthzCluster } from './check-authz-cluster.js'
import { checkBufferSettings } from './check-body.js'
import type { CheckContext } from './check-context.js'
import type { ConfigNode } from './config-node.js'
import type { EnvoyCheckCode } from './envoy-checks.js'
import { reportUnknownFields } from './known-fields.js'
import { isFalse, isTrue, numberOf, secondsOf, shown, textOf } from './read-scalar.js'

/** What a denial needs: text of a policy, in JSON, with what it would take to be let in. */
const minDeniedBodyBytes = 65_536

/** The settings of one ext_authz filter (envoy.extensions.filters.http.ext_authz.v3.ExtAuthz). */
export function checkExtAuthz(config: ConfigNode, context: CheckContext): void {
  const { findings } = context
  const mustNot = (code: EnvoyCheckCode, name: string) => {
    const node = config.field(name)
    if (node !== undefined && !isFalse(node)) findings.add(code, node, `${name} is ${shown(node)}`)
  }
  const must = (code: EnvoyCheckCode, name: string) => {
    const node = config.field(name)
    if (!isTrue(node)) findings.add(code, node ?? config, `${name} is ${shown(node)}`)
  }
  reportUnknownFields(config, 'ExtAuthz', findings)
  checkService(config, context)
  mustNot('envoy.failure_mode_allow', 'failure_mode_allow')
  mustNot('envoy.failure_mode_allow_header_add', 'failure_mode_allow_header_add')
  mustNot('envoy.shadow_mode', 'shadow_mode')
  mustNot('envoy.clear_route_cache', 'clear_route_cache')
  const clearing = config.field('clear_route_cache_headers')
  if (clearing !== undefined && clearing.items().length > 0)
    findings.add('envoy.clear_route_cache', clearing, 'clear_route_cache_headers is set')
  checkEnabled(config, context)

  const body = config.field('with_request_body')
  if (body === undefined) findings.add('envoy.no_body', config, 'with_request_body is not set')
  else checkBufferSettings(body, context)

  must('envoy.encode_raw_headers', 'encode_raw_headers')
  for (const name of ['allowed_headers', 'disallowed_headers']) {
    const node = config.field(name)
    if (node !== undefined) findings.add('envoy.headers_left_out', node, `${name} is set`)
  }
  must('envoy.validate_mutations', 'validate_mutations')
  checkMutationRules(config, 'decoder_header_mutation_rules', context)
  checkStatusOnError(config, context)

  const cut = config.field('max_denied_response_body_bytes')
  const bytes = numberOf(cut)
  if (cut !== undefined && bytes !== 0 && (bytes === undefined || bytes < minDeniedBodyBytes))
    findings.add('envoy.denied_body_cut', cut, `max_denied_response_body_bytes is ${shown(cut)}`)
  const ingestion = config.field('enable_dynamic_metadata_ingestion')
  if (ingestion !== undefined && !isTrue(ingestion))
    findings.add('envoy.metadata_off', ingestion, `enable_dynamic_metadata_ingestion is ${shown(ingestion)}`)
}

function checkService(config: ConfigNode, context: CheckContext): void {
  const { findings } = context
  const http = config.field('http_service')
  if (http !== undefined) findings.add('envoy.http_service', http, 'http_service is set')
  const service = config.field('grpc_service')
  if (service === undefined) {
    if (http === undefined) findings.add('envoy.http_service', config, 'grpc_service is not set')
    return
  }
  reportUnknownFields(service, 'GrpcService', findings)
  const timeout = service.field('timeout')
  const seconds = secondsOf(timeout)
  if (timeout === undefined) findings.add('envoy.timeout', service, 'timeout is not set')
  else if (seconds === undefined || seconds < 0.2 || seconds > 10)
    findings.add('envoy.timeout', timeout, `timeout is ${shown(timeout)}`)
  const retry = service.field('retry_policy')
  if (retry !== undefined && textOf(retry.field('retry_on')) === '')
    findings.add('envoy.retry_policy', retry, 'retry_policy without retry_on')
  checkAuthzCluster(service, context)
}

/** `filter_enabled` and its kin; `deny_at_disable` turns what is left out into denials. */
function checkEnabled(config: ConfigNode, { findings }: CheckContext): void {
  if (isTrue(config.deep('deny_at_disable', 'default_value'))) return
  const metadata = config.field('filter_enabled_metadata')
  if (metadata !== undefined)
    findings.add('envoy.filter_enabled_metadata', metadata, 'filter_enabled_metadata without deny_at_disable')
  const enabled = config.field('filter_enabled')
  if (enabled === undefined) return
  const fraction = enabled.field('default_value')
  const denominators: Record<string, number> = { TEN_THOUSAND: 10_000, MILLION: 1_000_000, 1: 10_000, 2: 1_000_000 }
  const denominator = denominators[shown(fraction?.field('denominator')).toUpperCase()] ?? 100
  const numerator = numberOf(fraction?.field('numerator')) ?? 0
  if (numerator < denominator)
    findings.add('envoy.filter_enabled', enabled, `filter_enabled is ${numerator} of ${denominator} requests`)
  else if (textOf(enabled.field('runtime_key')) !== '')
    findings.add('envoy.filter_enabled_runtime', enabled, 'filter_enabled with a runtime_key')
}

/** envoy.config.common.mutation_rules.v3.HeaderMutationRules */
export function checkMutationRules(
  config: ConfigNode,
  field: 'decoder_header_mutation_rules' | 'mutation_rules',
  { findings }: CheckContext,
): void {
  const rules = config.field(field)
  const only = `write ${field}: { disallow_is_error: true } and nothing else in it`
  if (rules === undefined) {
    findings.add('envoy.mutation_rules_missing', config, `${field} is not set`, only)
    return
  }
  for (const name of ['allow_all_routing', 'allow_envoy', 'disallow_all']) {
    const node = rules.field(name)
    if (node !== undefined && !isFalse(node))
      findings.add('envoy.mutation_rules', node, `${name} is ${shown(node)}`, only)
  }
  for (const name of ['allow_expression', 'disallow_expression']) {
    const node = rules.field(name)
    if (node !== undefined && !isFalse(node)) findings.add('envoy.mutation_rules', node, `${name} is set`, only)
  }
  const strict = rules.field('disallow_is_error')
  if (!isTrue(strict))
    findings.add('envoy.mutation_rules_missing', strict ?? rules, `disallow_is_error is ${shown(strict)}`, only)
}

const serverErrors =
  /^(?:5\d\d|INTERNALSERVERERROR|NOTIMPLEMENTED|BADGATEWAY|SERVICEUNAVAILABLE|GATEWAYTIMEOUT|HTTPVERSIONNOTSUPPORTED|VARIANTALSONEGOTIATES|INSUFFICIENTSTORAGE|LOOPDETECTED|NOTEXTENDED|NETWORKAUTHENTICATIONREQUIRED)$/

/** `status_on_error`, which ext_proc has too. */
export function checkStatusOnError(config: ConfigNode, { findings }: CheckContext): void {
  const status = config.field('status_on_error')
  const code = status?.field('code')
  if (code !== undefined && serverErrors.test(shown(code).toUpperCase())) return
  const what = code === undefined ? 'not set, which is 403' : shown(code)
  findings.add('envoy.status_on_error', code ?? status ?? config, `status_on_error is ${what}`)
}
