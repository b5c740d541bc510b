import { checkBodySizeLimit } from './check-body.js'
import type { CheckContext, RouteContext } from './check-context.js'
import { checkExtAuthz } from './check-ext-authz.js'
import { checkExtProc } from './check-ext-proc.js'
import { checkLocalReplies } from './check-local-replies.js'
import { checkOtherFilters } from './check-other-filters.js'
import { checkRouteConfiguration, type RoutesSummary, surveyRoutes } from './check-routes.js'
import type { ConfigNode } from './config-node.js'
import { isAmong } from './envoy-resources.js'
import { ownProcessors, serverInMetadata } from './ext-proc-filter.js'
import { type HttpFilter, readHttpFilters, reportSwitch } from './http-filters.js'
import { enumOf, isFalse, isTrue, secondsOf, shown, textOf } from './read-scalar.js'
import { types } from './typed-config.js'

/** What one connection manager leads to. */
export interface ManagerSummary extends RoutesSummary {
  readonly node: ConfigNode
  readonly guarded: boolean
  /** The route configuration that it uses by name. */
  readonly routesFrom: string | undefined
}

const escapedSlashes = [
  'IMPLEMENTATION_SPECIFIC_DEFAULT',
  'KEEP_UNCHANGED',
  'REJECT_REQUEST',
  'UNESCAPE_AND_REDIRECT',
  'UNESCAPE_AND_FORWARD',
]

/** Checks an HttpConnectionManager with its filters and routes. Where it does not ask us only its routes are counted. */
export function checkConnectionManager(manager: ConfigNode, context: CheckContext): ManagerSummary {
  const filters = readHttpFilters(manager, context.findings)
  const extAuthz = filters.find(({ type }) => type === types.extAuthz)
  const { node: configuration, name: routesFrom } = routeConfiguration(manager, context)
  const processors = ownProcessors(filters, configuration)
  const guard = extAuthz ?? processors[0]
  if (guard === undefined) {
    // Routes that are not shown may lead anywhere.
    const summary =
      configuration === undefined || !endsInRouter(filters) ? unknownRoutes : surveyRoutes(configuration, context)
    return { ...summary, node: manager, guarded: false, routesFrom }
  }
  for (const { config, type, shown } of filters) if (type === types.extAuthz && shown) checkExtAuthz(config, context)
  const alone = extAuthz === undefined
  const position = filters.indexOf(guard)
  for (const processor of processors) {
    reportSwitch(processor, context.findings)
    checkExtProc(processor, { alone, before: filters.indexOf(processor) < position }, context)
  }
  if (alone && context.judgesRequests === false)
    context.findings.add('envoy.proc_not_judging', guard.node, `${guard.name} is alone`)
  // What ext_proc shows is whole, or refused by Envoy itself.
  const bodySizeLimit = alone ? undefined : checkBodySizeLimit(filters, extAuthz, context)
  checkOtherFilters(filters, guard, processors, context)
  checkProtocol(manager, context)
  checkPaths(manager, context)
  checkLocalReplies(manager, context)

  const idle = manager.field('stream_idle_timeout')
  const routes: RouteContext = {
    ...context,
    guards: {
      extAuthz: names(filters.filter(({ type }) => type === types.extAuthz)),
      extProc: names(processors),
      alone,
      processorServer: processorServer(processors),
      bodySizeLimit: names(filters.filter(({ type }) => type === types.bodySizeLimit)),
      after: names(filters.slice(position + 1).filter(filter => !processors.includes(filter))),
    },
    everyRouteLeadsOn: !endsInRouter(filters),
    bodySizeLimit,
    streamIdleTimeout: idle === undefined ? 300 : (secondsOf(idle) ?? 300),
  }
  const summary = configuration === undefined ? noRoutes : checkRouteConfiguration(configuration, routes)
  return { ...summary, node: manager, guarded: true, routesFrom }
}

const noRoutes: RoutesSummary = { routes: 0, upstreams: [] }
const unknownRoutes: RoutesSummary = { routes: 0, upstreams: ['unknown'] }

/** Of all routes, where the filter itself says it. */
function processorServer(processors: readonly HttpFilter[]): string | undefined {
  const [processor] = processors
  const named = serverInMetadata(processor?.config.field('grpc_service'), 'initial_metadata')
  return named === undefined ? undefined : textOf(named)
}

function names(filters: readonly HttpFilter[]): ReadonlySet<string> {
  return new Set(filters.map(({ name }) => name))
}

/** Without filters Envoy routes nothing, so that nothing is reached. */
function endsInRouter(filters: readonly HttpFilter[]): boolean {
  return filters.length === 0 || filters.at(-1)?.kind === 'router'
}

/** The routes of a connection manager: written in it, or by name in another file that was given. */
function routeConfiguration(manager: ConfigNode, { resources, roots, findings }: CheckContext) {
  const inline = manager.field('route_config')
  if (inline !== undefined) return { node: inline, name: undefined }
  const rds = manager.field('rds')
  const scoped = manager.field('scoped_routes')
  if (scoped !== undefined) findings.add('envoy.not_checked', scoped, 'scoped_routes')
  if (rds === undefined) return { node: undefined, name: undefined }
  const name = textOf(rds.field('route_config_name'))
  const node = resources.routeConfigurations.get(name)
  const source = rds.field('config_source')
  if (node === undefined && !(source !== undefined && isAmong(source, roots)))
    findings.add('envoy.not_checked', rds, `the route configuration ${name}`)
  else if (node === undefined)
    findings.add('envoy.not_checked', rds, `the route configuration ${name}, not in its file`)
  return { node, name }
}

function checkProtocol(manager: ConfigNode, { findings }: CheckContext): void {
  for (const upgrade of manager.list('upgrade_configs')) {
    const enabled = upgrade.field('enabled')
    if (enabled === undefined || !isFalse(enabled))
      findings.add('envoy.upgrade', upgrade, `upgrade to ${shown(upgrade.field('upgrade_type'))}`)
  }
  const http2 = manager.deep('http2_protocol_options', 'allow_connect')
  const http3 = manager.deep('http3_protocol_options', 'allow_extended_connect')
  for (const node of [http2, http3])
    if (node !== undefined && !isFalse(node)) findings.add('envoy.allow_connect', node, 'CONNECT is allowed')
  const chunked = manager.deep('http_protocol_options', 'allow_chunked_length')
  if (chunked !== undefined && !isFalse(chunked))
    findings.add('envoy.chunked_length', chunked, `allow_chunked_length is ${shown(chunked)}`)

  const internal = manager.field('internal_address_config')
  if (internal !== undefined && (internal.list('cidr_ranges').length > 0 || isTrue(internal.field('unix_sockets'))))
    findings.add('envoy.client_retries', internal, 'internal_address_config names addresses')

  const options = manager.field('common_http_protocol_options')
  const underscores = options?.field('headers_with_underscores_action')
  const action = enumOf(underscores, ['ALLOW', 'REJECT_REQUEST', 'DROP_HEADER'])
  if (action !== 'DROP_HEADER' && action !== 'REJECT_REQUEST')
    findings.add(
      'envoy.headers_with_underscores',
      underscores ?? options ?? manager,
      `headers_with_underscores_action is ${shown(underscores)}`,
    )
}

function checkPaths(manager: ConfigNode, { findings }: CheckContext): void {
  const normalize = manager.field('normalize_path')
  if (!isTrue(normalize))
    findings.add('envoy.normalize_path', normalize ?? manager, `normalize_path is ${shown(normalize)}`)
  const merge = manager.field('merge_slashes')
  if (!isTrue(merge)) findings.add('envoy.merge_slashes', merge ?? manager, `merge_slashes is ${shown(merge)}`)
  const escaped = manager.field('path_with_escaped_slashes_action')
  const action = enumOf(escaped, escapedSlashes)
  // A redirect comes back as another request, which is judged by its own path.
  if (action !== 'REJECT_REQUEST' && action !== 'UNESCAPE_AND_REDIRECT')
    findings.add('envoy.escaped_slashes', escaped ?? manager, `path_with_escaped_slashes_action is ${shown(escaped)}`)
}
