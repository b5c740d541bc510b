import type { CheckContext } from './check-context.js'
import type { ConfigNode } from './config-node.js'
import { numberOf, shown, textOf } from './read-scalar.js'
import { typedConfig, types } from './typed-config.js'

/** The cluster by which Envoy asks mcp-authz. */
export function checkAuthzCluster(service: ConfigNode, { findings, resources }: CheckContext): void {
  const named = service.deep('envoy_grpc', 'cluster_name')
  if (named === undefined) return
  const cluster = resources.clusters.get(textOf(named))
  if (cluster === undefined) findings.add('envoy.not_checked', named, `the cluster ${textOf(named)}`)
  else if (!speaksHttp2(cluster))
    findings.add('envoy.cluster_http2', cluster, `the cluster ${textOf(named)} does not speak HTTP/2`)
}

/** Streams after which a connection to the response door must be given up; mcp-authz's HTTP/2 ends it at 1000. */
const maxStreams = 900

/** The cluster of ext_proc: Envoy cancels the stream of each exchange. */
export function checkAnswersCluster(service: ConfigNode, { findings, resources }: CheckContext): void {
  const cluster = resources.clusters.get(textOf(service.deep('envoy_grpc', 'cluster_name')))
  // That it is not there was reported already.
  if (cluster === undefined) return
  const limit = requestsPerConnection(cluster)
  const requests = numberOf(limit)
  if (requests === undefined || requests === 0 || requests > maxStreams)
    findings.add('envoy.proc_connections', limit ?? cluster, `max_requests_per_connection is ${shown(limit)}`)
}

function requestsPerConnection(cluster: ConfigNode): ConfigNode | undefined {
  const name = 'max_requests_per_connection'
  for (const [, any] of cluster.field('typed_extension_protocol_options')?.entries() ?? []) {
    const { type, config } = typedConfig(any)
    if (type === types.httpProtocolOptions) return config.deep('common_http_protocol_options', name)
  }
  return cluster.deep('common_http_protocol_options', name) ?? cluster.field(name)
}

function speaksHttp2(cluster: ConfigNode): boolean {
  if (cluster.field('http2_protocol_options') !== undefined) return true
  for (const [, any] of cluster.field('typed_extension_protocol_options')?.entries() ?? []) {
    const { type, config } = typedConfig(any)
    if (type !== types.httpProtocolOptions) continue
    return (
      config.deep('explicit_http_config', 'http2_protocol_options') !== undefined ||
      config.deep('explicit_http_config', 'http3_protocol_options') !== undefined ||
      config.deep('use_downstream_protocol_config', 'http2_protocol_options') !== undefined ||
      config.field('auto_config') !== undefined
    )
  }
  return false
}
