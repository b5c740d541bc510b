import type { ConfigNode } from './config-node.js'
import { textOf } from './read-scalar.js'

export const types = {
  httpConnectionManager: 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
  tcpProxy: 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
  extAuthz: 'envoy.extensions.filters.http.ext_authz.v3.ExtAuthz',
  extAuthzPerRoute: 'envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute',
  extProc: 'envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor',
  extProcPerRoute: 'envoy.extensions.filters.http.ext_proc.v3.ExtProcPerRoute',
  bodySizeLimit: 'envoy.extensions.filters.http.body_size_limit.v3.BodySizeLimit',
  filterConfig: 'envoy.config.route.v3.FilterConfig',
  listener: 'envoy.config.listener.v3.Listener',
  routeConfiguration: 'envoy.config.route.v3.RouteConfiguration',
  cluster: 'envoy.config.cluster.v3.Cluster',
  httpProtocolOptions: 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
} as const

const typedStructs = new Set(['xds.type.v3.TypedStruct', 'udpa.type.v1.TypedStruct'])

export interface TypedConfig {
  /** Full name of the message, without `type.googleapis.com/`; "" where there is none. */
  readonly type: string
  readonly config: ConfigNode
}

/** What an Any (`typed_config`) holds. A TypedStruct is opened: it is the same message in another wrapping. */
export function typedConfig(any: ConfigNode): TypedConfig {
  const type = messageName(textOf(any.at('@type')))
  if (!typedStructs.has(type)) return { type, config: any }
  return { type: messageName(textOf(any.field('type_url'))), config: any.field('value') ?? any }
}

/** `ext_authz` of `envoy.extensions.filters.http.ext_authz.v3.ExtAuthz`; the whole name for other messages. */
export function filterKind(type: string): string {
  return /^envoy\.extensions\.filters\.http\.([a-z0-9_]+)\./.exec(type)?.[1] ?? type
}

function messageName(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1)
}
