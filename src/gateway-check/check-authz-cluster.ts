import type { CheckContext } from './check-context.js'
import type { ConfigNode } from './config-node.js'
import { textOf } from './read-scalar.js'
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
