import type { CheckContext, RouteContext } from './check-context.js'
import { checkHeadersToAdd, isOwnHeader } from './check-own-headers.js'
import { checkPerRoute, type Named, redacted } from './check-per-route.js'
import { checkRouteAction } from './check-route-action.js'
import type { ConfigNode } from './config-node.js'
import { shown, textOf } from './read-scalar.js'
import { upstreamKeys } from './upstreams.js'

export interface RoutesSummary {
  /** How many there are. */
  readonly routes: number
  /** What they lead to, as upstreamKeys tells it; empty when they only answer or redirect. */
  readonly upstreams: readonly string[]
}

const extProcName =
  'add typed_per_filter_config with ExtProcPerRoute: overrides: { grpc_initial_metadata: [{ key: mcp-server, value: NAME }] }'

const mcpHeaders = new Set(['mcp-method', 'mcp-name', 'mcp-protocol-version', 'mcp-session-id'])

/** Looks at a route configuration without judging it: where does it lead? */
export function surveyRoutes(configuration: ConfigNode, { resources }: CheckContext): RoutesSummary {
  const hosts = configuration.list('virtual_hosts')
  const routes = hosts.flatMap(host => host.list('routes'))
  const actions = routes.flatMap(route => route.field('route') ?? [])
  const targets = actions.flatMap(action => {
    const weighted = action.field('weighted_clusters')?.list('clusters')
    return weighted?.map(cluster => cluster.field('name')) ?? [action.field('cluster')]
  })
  // A copy of a request is as good as the request to the server that gets it.
  const mirrors = actions.length === 0 ? [] : [configuration, ...hosts, ...actions].flatMap(mirrorsOf)
  targets.push(...mirrors.map(mirror => mirror.field('cluster')))
  const upstreams = targets.flatMap(node =>
    node === undefined ? ['unknown'] : upstreamKeys(textOf(node), resources.clusters),
  )
  // What stands in a matcher tree, or comes by VHDS, leads anywhere.
  const hidden = hosts.some(host => host.field('matcher') !== undefined)
  if (hidden || configuration.field('vhds') !== undefined) upstreams.push('unknown')
  return { routes: routes.length, upstreams }
}

function mirrorsOf(holder: ConfigNode): readonly ConfigNode[] {
  return holder.list('request_mirror_policies')
}

function checkMirrors(holder: ConfigNode, { findings }: CheckContext): void {
  for (const mirror of mirrorsOf(holder)) {
    const byHeader = mirror.field('cluster_header')
    if (byHeader !== undefined)
      findings.add('envoy.client_chooses_upstream', byHeader, `cluster_header of a mirror is ${shown(byHeader)}`)
    else findings.add('envoy.mirror', mirror, `a mirror to ${shown(mirror.field('cluster'))}`)
  }
}

/** Checks a route configuration that is used by a connection manager that asks us. */
export function checkRouteConfiguration(configuration: ConfigNode, context: RouteContext): RoutesSummary {
  const { findings } = context
  const vhds = configuration.field('vhds')
  if (vhds !== undefined) findings.add('envoy.not_checked', vhds, 'virtual hosts by VHDS')
  const hosts = configuration.list('virtual_hosts')
  const atFilter = context.guards?.processorServer
  const filterNamed: Named = context.guards?.alone
    ? { server: atFilter, answers: undefined }
    : { server: undefined, answers: atFilter }
  const anyLeadsOn = hosts.some(host => leadsOn(host, context))
  const ofAll = checkPerRoute(configuration, anyLeadsOn, filterNamed, context)
  checkHeadersToAdd(configuration, context)
  checkMirrors(configuration, context)
  for (const host of hosts) {
    const matcher = host.field('matcher')
    if (matcher !== undefined) findings.add('envoy.not_checked', matcher, 'routes in a matcher tree')
    const ofHost = checkPerRoute(host, leadsOn(host, context), ofAll, context)
    checkHeadersToAdd(host, context)
    checkMirrors(host, context)
    for (const route of host.list('routes')) checkRoute(route, host, ofHost, context)
  }
  return surveyRoutes(configuration, context)
}

function leadsOn(host: ConfigNode, { everyRouteLeadsOn }: RouteContext): boolean {
  return (
    everyRouteLeadsOn ||
    host.field('matcher') !== undefined ||
    host.list('routes').some(route => route.field('route') !== undefined)
  )
}

function checkRoute(route: ConfigNode, host: ConfigNode, around: Named, context: RouteContext): void {
  const action = route.field('route')
  const here = checkPerRoute(route, action !== undefined || context.everyRouteLeadsOn, around, context)
  checkMatch(route, context)
  // What only answers or redirects reaches no server.
  if (action === undefined) return
  checkHeadersToAdd(route, context)
  const weighted = action.field('weighted_clusters')?.list('clusters') ?? []
  const ends = weighted.map(cluster => {
    checkHeadersToAdd(cluster, context)
    return checkPerRoute(cluster, true, here, context)
  })
  const named = here.server !== undefined || (ends.length > 0 && ends.every(({ server }) => server !== undefined))
  if (!named) {
    const fix = context.guards?.alone ? extProcName : undefined
    context.findings.add('envoy.no_server_name', route, 'the route does not name its Server', fix)
  }
  for (const end of ends.length > 0 ? ends : [here]) checkAgreement(route, end, context)
  checkMirrors(action, context)
  checkRouteAction(action, host, named, context)
}

/** Where ext_proc stands beside ext_authz, both must be told of the same Server. */
function checkAgreement(route: ConfigNode, { server, answers }: Named, { findings, guards }: RouteContext): void {
  if (guards === undefined || guards.alone || guards.extProc.size === 0) return
  if (typeof answers === 'object')
    findings.add('envoy.proc_route_disabled', route, 'ext_proc does not run on this route')
  else if (server !== undefined && server !== redacted && answers !== server)
    findings.add('envoy.proc_server_name', route, `ext_authz is told ${server}, and ext_proc ${answers ?? 'nothing'}`)
}

function checkMatch(route: ConfigNode, { findings }: CheckContext): void {
  const match = route.field('match')
  const connect = match?.field('connect_matcher')
  if (connect !== undefined) findings.add('envoy.upgrade', connect, 'the route takes CONNECT')
  for (const matcher of match?.list('headers') ?? []) {
    const name = textOf(matcher.field('name')).toLowerCase()
    if (isOwnHeader(name)) findings.add('envoy.route_by_own_header', matcher, `the route matches ${name}`)
    else if (mcpHeaders.has(name) || name.startsWith('mcp-param-'))
      findings.add('envoy.route_by_mcp_header', matcher, `the route matches ${name}`)
  }
}
