import type { ConfigNode } from './config-node.js'
import { shown, textOf } from './read-scalar.js'

/**
 * What tells servers apart: the name of the cluster, and the addresses that stand in it, so that the same server under
 * another name is found.
 */
export function upstreamKeys(name: string, clusters: ReadonlyMap<string, ConfigNode>): readonly string[] {
  const endpoints = clusters.get(name)?.field('load_assignment')?.list('endpoints') ?? []
  const addresses = endpoints.flatMap(locality =>
    locality.list('lb_endpoints').map(endpoint => {
      const address = endpoint.deep('endpoint', 'address')
      const socket = address?.field('socket_address')
      if (socket === undefined) return textOf(address?.deep('pipe', 'path'))
      return `${textOf(socket.field('address'))}:${shown(socket.field('port_value'))}`
    }),
  )
  return [`cluster ${name}`, ...addresses.filter(address => address !== '')]
}
