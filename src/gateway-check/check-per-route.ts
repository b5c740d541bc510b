import { serverExtension } from '../policy/server-table.js'
import { checkBufferSettings } from './check-body.js'
import type { RouteContext } from './check-context.js'
import { checkModes } from './check-ext-proc.js'
import { checkHeaderMutation } from './check-own-headers.js'
import type { ConfigNode } from './config-node.js'
import { serverInMetadata } from './ext-proc-filter.js'
import { reportUnknownFields } from './known-fields.js'
import { isFalse, numberOf, shown, textOf } from './read-scalar.js'
import { filterKind, typedConfig, types } from './typed-config.js'

/** Settings by which a filter does on a route what it does not do elsewhere. */
const reprogrammed = new Set([
  'envoy.extensions.filters.http.lua.v3.LuaPerRoute',
  'envoy.extensions.filters.http.ext_proc.v3.ExtProcPerRoute',
])

/** What a route and what is around it say to mcp-authz. */
export interface Named {
  /** The Server for the filter that decides about requests. */
  readonly server: string | undefined
  /** The Server for ext_proc beside ext_authz; `off`: that filter does not run here. */
  readonly answers: string | { readonly off: true } | undefined
}

/**
 * The settings that a route, virtual host, route configuration or weighted cluster has for the filters that ask us and for
 * body_size_limit. `leadsOn` says whether a server can be reached below. What is not said here is as `around`.
 */
export function checkPerRoute(holder: ConfigNode, leadsOn: boolean, around: Named, context: RouteContext): Named {
  const { findings, guards } = context
  let { server, answers } = around
  for (const [name, any] of holder.field('typed_per_filter_config')?.entries() ?? []) {
    const outer = typedConfig(any)
    const processor = guards?.extProc.has(name) ?? false
    const guard = guards?.extAuthz.has(name) || guards?.bodySizeLimit.has(name) || (processor && guards?.alone)
    const inner = outer.type === types.filterConfig ? outer.config.field('config') : any
    const disabled = outer.type === types.filterConfig ? outer.config.field('disabled') : undefined
    if (disabled !== undefined && !isFalse(disabled)) {
      if (guard && leadsOn) findings.add('envoy.route_disabled', disabled, `the filter ${name} is disabled here`)
      else if (processor) answers = { off: true }
    }
    const { type, config } = inner === undefined ? { type: '', config: outer.config } : typedConfig(inner)
    if (filterKind(type) === 'header_mutation') checkHeaderMutation(config, context)
    if (guards?.after.has(name) && reprogrammed.has(type) && isFalse(config.field('disabled')))
      findings.add('envoy.changes_after', any, `${name} stands after the decision, and has settings here`)
    if (type === types.extProcPerRoute && processor) {
      const named = checkExtProcPerRoute(config, leadsOn, context)
      if (guards?.alone) server = typeof named === 'string' ? named : server
      else answers = named ?? answers
    }
    if (type !== types.extAuthzPerRoute) continue
    if (guards !== undefined && !guards.extAuthz.has(name)) {
      findings.add('envoy.per_route_name', any, `there is no ext_authz filter named ${name}`)
      continue
    }
    server = checkExtAuthzPerRoute(config, leadsOn, context) ?? server
  }
  return { server, answers }
}

/** envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute */
function checkExtAuthzPerRoute(config: ConfigNode, leadsOn: boolean, context: RouteContext): string | undefined {
  const { findings, bodySizeLimit } = context
  reportUnknownFields(config, 'ExtAuthzPerRoute', findings)
  const disabled = config.field('disabled')
  if (leadsOn && disabled !== undefined && !isFalse(disabled))
    findings.add('envoy.route_disabled', disabled, 'ext_authz is disabled here')
  const settings = config.field('check_settings')
  if (settings === undefined) return undefined
  reportUnknownFields(settings, 'CheckSettings', findings)
  const unbuffered = settings.field('disable_request_body_buffering')
  if (leadsOn && unbuffered !== undefined && !isFalse(unbuffered))
    findings.add('envoy.route_body', unbuffered, `disable_request_body_buffering is ${shown(unbuffered)}`)
  for (const name of ['grpc_service', 'http_service']) {
    const service = settings.field(name)
    if (service !== undefined) findings.add('envoy.route_service', service, `${name} of a route`)
  }
  const body = settings.field('with_request_body')
  if (body !== undefined) {
    checkBufferSettings(body, context)
    const max = body.field('max_request_bytes')
    const limit = numberOf(max)
    if (bodySizeLimit !== undefined && limit !== undefined && bodySizeLimit > limit)
      findings.add(
        'envoy.body_size_limit',
        max ?? body,
        `max_request_bytes of this route is ${limit}, and body_size_limit lets pass ${bodySizeLimit}`,
      )
  }
  const extension = settings.field('context_extensions')?.at(serverExtension)
  return extension === undefined ? undefined : checkServerName(extension, context)
}

/** What /config_dump shows in place of a context extension. */
export const redacted = '[redacted]'

function checkServerName(named: ConfigNode, { findings, servers }: RouteContext): string {
  const server = textOf(named)
  if (servers !== undefined && server !== redacted && !servers.has(server))
    findings.add('envoy.unknown_server', named, `there is no Server ${server}`, knownServers(servers))
  return server
}

/** envoy.extensions.filters.http.ext_proc.v3.ExtProcPerRoute, of a filter that asks us. */
function checkExtProcPerRoute(config: ConfigNode, leadsOn: boolean, context: RouteContext): Named['answers'] {
  const { findings, guards } = context
  const alone = guards?.alone ?? false
  reportUnknownFields(config, 'ExtProcPerRoute', findings)
  const disabled = config.field('disabled')
  if (disabled !== undefined && !isFalse(disabled)) {
    if (alone && leadsOn) findings.add('envoy.route_disabled', disabled, 'ext_proc is disabled here')
    return { off: true }
  }
  const overrides = config.field('overrides')
  if (overrides === undefined) return undefined
  reportUnknownFields(overrides, 'ExtProcOverrides', findings)
  const open = overrides.field('failure_mode_allow')
  if (leadsOn && open !== undefined && !isFalse(open))
    findings.add('envoy.proc_failure_mode_allow', open, 'failure_mode_allow of a route is set')
  const service = overrides.field('grpc_service')
  if (service !== undefined)
    findings.add('envoy.route_service', service, 'grpc_service of a route', 'remove grpc_service from overrides')
  const mode = overrides.field('processing_mode')
  if (leadsOn && mode !== undefined) checkModes(mode, { alone }, context)
  const named = serverInMetadata(overrides, 'grpc_initial_metadata')
  return named === undefined ? undefined : checkServerName(named, context)
}

function knownServers(servers: ReadonlySet<string>): string {
  const names = [...servers].filter(name => !name.includes('/')).sort()
  return names.length === 0 ? 'there is no Server document' : `there are: ${names.slice(0, 20).join(', ')}`
}
