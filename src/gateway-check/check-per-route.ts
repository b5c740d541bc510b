import { serverExtension } from '../policy/server-table.js'
import { checkBufferSettings } from './check-body.js'
import type { RouteContext } from './check-context.js'
import { checkHeaderMutation } from './check-own-headers.js'
import type { ConfigNode } from './config-node.js'
import { reportUnknownFields } from './known-fields.js'
import { isFalse, numberOf, shown, textOf } from './read-scalar.js'
import { filterKind, typedConfig, types } from './typed-config.js'

/** Settings by which a filter does on a route what it does not do elsewhere. */
const reprogrammed = new Set([
  'envoy.extensions.filters.http.lua.v3.LuaPerRoute',
  'envoy.extensions.filters.http.ext_proc.v3.ExtProcPerRoute',
])

/**
 * The settings that a route, virtual host, route configuration or weighted cluster has for ext_authz and body_size_limit.
 * `leadsOn` says whether a server can be reached below. Returns the Server that is named here, if any.
 */
export function checkPerRoute(holder: ConfigNode, leadsOn: boolean, context: RouteContext): string | undefined {
  const { findings, guards } = context
  let server: string | undefined
  for (const [name, any] of holder.field('typed_per_filter_config')?.entries() ?? []) {
    const outer = typedConfig(any)
    const guard = guards?.extAuthz.has(name) || guards?.bodySizeLimit.has(name)
    const inner = outer.type === types.filterConfig ? outer.config.field('config') : any
    const disabled = outer.type === types.filterConfig ? outer.config.field('disabled') : undefined
    if (guard && leadsOn && disabled !== undefined && !isFalse(disabled))
      findings.add('envoy.route_disabled', disabled, `the filter ${name} is disabled here`)
    const { type, config } = inner === undefined ? { type: '', config: outer.config } : typedConfig(inner)
    if (filterKind(type) === 'header_mutation') checkHeaderMutation(config, context)
    if (guards?.after.has(name) && reprogrammed.has(type) && isFalse(config.field('disabled')))
      findings.add('envoy.changes_after', any, `${name} stands after ext_authz, and has settings here`)
    if (type !== types.extAuthzPerRoute) continue
    if (guards !== undefined && !guards.extAuthz.has(name)) {
      findings.add('envoy.per_route_name', any, `there is no ext_authz filter named ${name}`)
      continue
    }
    server = checkExtAuthzPerRoute(config, leadsOn, context) ?? server
  }
  return server
}

/** envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute */
function checkExtAuthzPerRoute(config: ConfigNode, leadsOn: boolean, context: RouteContext): string | undefined {
  const { findings, bodySizeLimit, servers } = context
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
  if (extension === undefined) return undefined
  const server = textOf(extension)
  if (servers !== undefined && !servers.has(server))
    findings.add('envoy.unknown_server', extension, `there is no Server ${server}`, knownServers(servers))
  return server
}

function knownServers(servers: ReadonlySet<string>): string {
  const names = [...servers].filter(name => !name.includes('/')).sort()
  return names.length === 0 ? 'there is no Server document' : `there are: ${names.slice(0, 20).join(', ')}`
}
