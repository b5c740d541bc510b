import { checkAnswersCluster, checkAuthzCluster } from './check-authz-cluster.js'
import type { CheckContext } from './check-context.js'
import { checkMutationRules, checkStatusOnError } from './check-ext-authz.js'
import type { ConfigNode } from './config-node.js'
import type { EnvoyCheckCode } from './envoy-checks.js'
import { decisionNamespace, forwardedNamespaces } from './ext-proc-filter.js'
import type { HttpFilter } from './http-filters.js'
import { reportUnknownFields } from './known-fields.js'
import { enumOf, isFalse, isTrue, secondsOf, shown } from './read-scalar.js'

const headerModes = ['DEFAULT', 'SEND', 'SKIP']
const bodyModes = ['NONE', 'STREAMED', 'BUFFERED', 'BUFFERED_PARTIAL', 'FULL_DUPLEX_STREAMED', 'GRPC']
/** In which Envoy keeps the headers back until we have said something about the whole body. */
const wholeBodies = new Set(['BUFFERED', 'FULL_DUPLEX_STREAMED'])

export interface ProcessorPlace {
  /** There is no ext_authz: this filter decides about requests. */
  readonly alone: boolean
  /** It stands before ext_authz. */
  readonly before: boolean
}

/** The settings of one ext_proc filter that asks mcp-authz (envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor). */
export function checkExtProc({ config, node, name }: HttpFilter, place: ProcessorPlace, context: CheckContext): void {
  const { findings } = context
  const mustNot = (code: EnvoyCheckCode, field: string) => {
    const found = config.field(field)
    if (found !== undefined && !isFalse(found)) findings.add(code, found, `${field} is ${shown(found)}`)
  }
  reportUnknownFields(config, 'ExternalProcessor', findings)
  if (!place.alone && !place.before) findings.add('envoy.proc_order', node, `${name} stands after ext_authz`)
  mustNot('envoy.proc_failure_mode_allow', 'failure_mode_allow')
  mustNot('envoy.proc_observability', 'observability_mode')
  mustNot('envoy.proc_immediate_response', 'disable_immediate_response')
  const rules = config.field('forward_rules')
  if (rules !== undefined)
    findings.add(
      'envoy.headers_left_out',
      rules,
      'forward_rules is set',
      'remove forward_rules: all headers are sent then',
    )
  const routeCache = config.field('route_cache_action')
  if (enumOf(routeCache, ['DEFAULT', 'CLEAR', 'RETAIN']) === 'CLEAR')
    findings.add(
      'envoy.clear_route_cache',
      routeCache ?? config,
      'route_cache_action is CLEAR',
      'remove route_cache_action',
    )
  checkModes(config.field('processing_mode') ?? config, place, context)
  checkOverrides(config, context)
  checkTimes(config, context)
  // 500 where nothing is written, which no client takes for a denial.
  if (config.field('status_on_error') !== undefined) checkStatusOnError(config, context)
  checkMutationRules(config, 'mutation_rules', context)
  if (!place.alone) checkForwarded(config, context)
}

/** `processing_mode`, of the filter or of a route. */
export function checkModes(
  mode: ConfigNode,
  { alone }: Pick<ProcessorPlace, 'alone'>,
  { findings }: CheckContext,
): void {
  reportUnknownModes(mode, { findings })
  for (const field of ['request_header_mode', 'response_header_mode']) {
    const node = mode.field(field)
    const value = enumOf(node, headerModes)
    if (value !== 'DEFAULT' && value !== 'SEND')
      findings.add('envoy.proc_headers', node ?? mode, `${field} is ${shown(node)}`)
  }
  const body = mode.field('request_body_mode')
  if (alone && !wholeBodies.has(enumOf(body, bodyModes) ?? ''))
    findings.add('envoy.proc_no_body', body ?? mode, `request_body_mode is ${shown(body)}`)
}

function reportUnknownModes(mode: ConfigNode, { findings }: Pick<CheckContext, 'findings'>): void {
  if (mode.path.at(-1) === 'processing_mode' || mode.path.at(-1) === 'processingMode')
    reportUnknownFields(mode, 'ProcessingMode', findings)
}

/** Bodies of answers are shown where we ask for them, unless all of them are. */
function checkOverrides(config: ConfigNode, { findings }: CheckContext): void {
  const shownAnyway = enumOf(config.deep('processing_mode', 'response_body_mode'), bodyModes)
  const allow = config.field('allow_mode_override')
  if (!isTrue(allow) && shownAnyway === 'NONE')
    findings.add('envoy.proc_mode_override', allow ?? config, `allow_mode_override is ${shown(allow)}`)
  const only = config.field('allowed_override_modes')
  if (only !== undefined && only.items().length > 0)
    findings.add('envoy.proc_mode_override', only, 'allowed_override_modes is set')
}

function checkTimes(config: ConfigNode, context: CheckContext): void {
  const { findings } = context
  const service = config.field('grpc_service')
  if (service === undefined) {
    findings.add('envoy.http_service', config.field('http_service') ?? config, 'grpc_service is not set')
    return
  }
  reportUnknownFields(service, 'GrpcService', findings)
  const stream = service.field('timeout')
  if (stream !== undefined && secondsOf(stream) !== 0)
    findings.add('envoy.proc_stream_timeout', stream, `timeout of grpc_service is ${shown(stream)}`)
  const message = config.field('message_timeout')
  const seconds = secondsOf(message)
  if (seconds === undefined || seconds < 1 || seconds > 30)
    findings.add('envoy.proc_message_timeout', message ?? config, `message_timeout is ${shown(message)}`)
  checkAuthzCluster(service, context)
  checkAnswersCluster(service, context)
}

/** Beside ext_authz. */
function checkForwarded(config: ConfigNode, { findings }: CheckContext): void {
  if (!forwardedNamespaces(config).includes(decisionNamespace))
    findings.add(
      'envoy.proc_metadata',
      config.field('metadata_options') ?? config,
      `forwarding_namespaces does not have ${decisionNamespace}`,
    )
}
