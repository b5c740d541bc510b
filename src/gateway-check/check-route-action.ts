import type { RouteContext } from './check-context.js'
import { checkHeaderMutation } from './check-own-headers.js'
import type { ConfigNode } from './config-node.js'
import { readHttpFilters } from './http-filters.js'
import { isFalse, secondsOf, shown, textOf } from './read-scalar.js'
import { typedConfig } from './typed-config.js'

/** Shorter ones end streams and long tool calls of ordinary use. Seconds. */
const shortest = { timeout: 3600, idle: 900 } as const

/** Conditions under which the server has not seen the request yet. */
const safeRetries = new Set(['connect-failure', 'refused-stream'])

/** A route that leads to a server (envoy.config.route.v3.RouteAction). */
export function checkRouteAction(action: ConfigNode, host: ConfigNode, named: boolean, context: RouteContext): void {
  const { findings } = context
  for (const holder of [action, ...(action.field('weighted_clusters')?.list('clusters') ?? [])]) {
    const byHeader = holder.field('cluster_header')
    if (byHeader !== undefined)
      findings.add('envoy.client_chooses_upstream', byHeader, `cluster_header is ${shown(byHeader)}`)
  }
  const hostByHeader = action.field('host_rewrite_header')
  if (hostByHeader !== undefined) {
    const fix = 'write host_rewrite_literal: NAME, or leave the host as it is'
    const what = `host_rewrite_header is ${shown(hostByHeader)}`
    findings.add('envoy.client_chooses_upstream', hostByHeader, what, fix)
  }
  for (const name of ['cluster_specifier_plugin', 'inline_cluster_specifier_plugin']) {
    const plugin = action.field(name)
    if (plugin !== undefined) findings.add('envoy.not_checked', plugin, 'the cluster that a plugin chooses')
  }
  checkUpstreamCluster(action, context)
  for (const upgrade of action.list('upgrade_configs')) {
    const enabled = upgrade.field('enabled')
    if (enabled === undefined || !isFalse(enabled))
      findings.add('envoy.upgrade', upgrade, `the route upgrades to ${shown(upgrade.field('upgrade_type'))}`)
  }
  if (!named) {
    for (const name of ['prefix_rewrite', 'regex_rewrite', 'path_rewrite', 'path_rewrite_policy']) {
      const rewrite = action.field(name)
      if (rewrite !== undefined) findings.add('envoy.path_rewrite', rewrite, `the route has a ${name}`)
    }
  }
  checkTimeouts(action, context)
  const hedge = action.field('hedge_policy') ?? host.field('hedge_policy')
  if (hedge !== undefined && hedge.entries().length > 0)
    findings.add('envoy.route_hedging', hedge, 'the route has a hedge_policy')

  const retry = action.field('retry_policy') ?? host.field('retry_policy')
  const unsafe = textOf(retry?.field('retry_on'))
    .split(',')
    .map(condition => condition.trim())
    .filter(condition => condition !== '' && !safeRetries.has(condition))
  if (retry !== undefined && unsafe.length > 0)
    findings.add('envoy.route_retry', retry, `the route is retried on ${unsafe.join(', ')}`)
}

function checkTimeouts(action: ConfigNode, { findings, streamIdleTimeout }: RouteContext): void {
  const timeout = action.field('timeout')
  const seconds = timeout === undefined ? 15 : secondsOf(timeout)
  if (seconds === undefined || (seconds !== 0 && seconds < shortest.timeout))
    findings.add('envoy.route_timeout', timeout ?? action, `timeout of the route is ${shown(timeout)}`)
  const idle = action.field('idle_timeout')
  const idleSeconds = idle === undefined ? streamIdleTimeout : (secondsOf(idle) ?? 1)
  if (idleSeconds !== 0 && idleSeconds < shortest.idle)
    findings.add('envoy.idle_timeout', idle ?? action, `a silent stream ends after ${idleSeconds} s`)
}

/** Clusters whose address is what the client says, and filters that run on the way to the server. */
function checkUpstreamCluster(action: ConfigNode, context: RouteContext): void {
  const { findings, resources } = context
  const weighted = action.field('weighted_clusters')?.list('clusters') ?? []
  for (const node of [action.field('cluster'), ...weighted.map(one => one.field('name'))]) {
    const cluster = resources.clusters.get(textOf(node))
    if (cluster === undefined) continue
    const byHeader = cluster.deep('original_dst_lb_config', 'use_http_header')
    if (byHeader !== undefined && !isFalse(byHeader))
      findings.add('envoy.client_chooses_upstream', byHeader, 'the cluster takes its address from a header')
    const kind = cluster.deep('cluster_type', 'name')
    if (kind !== undefined && textOf(kind).includes('dynamic_forward_proxy'))
      findings.add('envoy.client_chooses_upstream', kind, 'the cluster takes its address from the host header')
    for (const [, any] of cluster.field('typed_extension_protocol_options')?.entries() ?? []) {
      for (const filter of readHttpFilters(typedConfig(any).config, findings)) {
        if (filter.kind === 'header_mutation') checkHeaderMutation(filter.config, context)
        else if (filter.kind !== 'upstream_codec')
          findings.add('envoy.changes_after', filter.node, `${filter.name} runs on the way to the server`)
      }
    }
  }
}
