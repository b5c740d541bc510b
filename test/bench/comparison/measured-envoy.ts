import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isNode, parseDocument } from 'yaml'
import { EXAMPLE_PORTS } from '../../../src/demo/envoy-config.js'
import { findEnvoy } from '../../../src/demo/find-envoy.js'
import { freePorts } from '../../../src/demo/free-port.js'
import { type RunningEnvoy, startEnvoy } from '../../../src/demo/start-envoy.js'
import { packageRoot } from '../../../src/package-root.js'

export interface MeasuredEnvoy {
  /** Of the listener that asks nobody. */
  readonly openPort: number
  /** Of the listeners that ask, in the order of the servers. */
  readonly ports: readonly number[]
  stop(): Promise<void>
}

/** What Envoy itself answers to a call that passes: no server stands behind it that would have to be measured with it. */
export const passed = Buffer.from('{"jsonrpc":"2.0","id":4711,"result":{"content":[]}}')

/**
 * One Envoy with one worker thread for all that are compared: a listener for each authorizer, as envoy/ext-authz.yaml has it
 * but for the access log, and one that is the same but only waits for the body, as ext_authz does, and asks nobody.
 * @param pinned keeps it on the first core, beside the authorizers
 */
export async function startMeasuredEnvoy(authorizers: readonly number[], pinned: boolean): Promise<MeasuredEnvoy> {
  const { path } = await findEnvoy({ announce: line => process.stderr.write(`${line}\n`) })
  const [admin = 0, openPort = 0, ...ports] = await freePorts(2 + authorizers.length)
  const envoy = await startEnvoy({ path, config: configuration(admin, openPort, ports, authorizers) })
  try {
    if (pinned) execFileSync('taskset', ['-acp', '0', String(envoy.child.pid)], { stdio: 'ignore' })
    await authorizersHealthy(envoy, authorizers.length)
  } catch (error) {
    await envoy.stop()
    throw error
  }
  return { openPort, ports, stop: () => envoy.stop() }
}

const template = readFileSync(join(packageRoot, 'envoy/ext-authz.yaml'), 'utf8')
const listener = ['static_resources', 'listeners', 0]
const manager = [...listener, 'filter_chains', 0, 'filters', 0, 'typed_config']
const authorizer = [...manager, 'http_filters', 1]
const route = [...manager, 'route_config', 'virtual_hosts', 0, 'routes', 0]
const cluster = ['static_resources', 'clusters', 0]

function configuration(
  admin: number,
  openPort: number,
  ports: readonly number[],
  authorizers: readonly number[],
): string {
  const open = variant(openPort)
  const asking = ports.map((port, at) => variant(port, { name: `authorizer-${at}`, port: authorizers[at] ?? 0 }))
  const document = parseDocument(template)
  document.setIn(['admin', 'address', 'socket_address', 'port_value'], admin)
  document.setIn(
    ['static_resources', 'listeners'],
    [open, ...asking].map(one => one.listener),
  )
  document.setIn(
    ['static_resources', 'clusters'],
    asking.map(one => one.cluster),
  )
  return document.toString()
}

/** A listener of the example, and the cluster that it asks; without one it asks nobody. */
function variant(
  port: number,
  asked?: { readonly name: string; readonly port: number },
): { readonly listener: unknown; readonly cluster: unknown } {
  const document = parseDocument(template)
  if (document.getIn([...authorizer, 'name']) !== 'envoy.filters.http.ext_authz')
    throw new Error('envoy/ext-authz.yaml: the second filter is not ext_authz')
  if (document.getIn([...cluster, 'name']) !== 'mcp_authz')
    throw new Error('envoy/ext-authz.yaml: the first cluster is not mcp_authz')
  document.setIn([...listener, 'name'], `port-${port}`)
  document.setIn([...listener, 'address', 'socket_address', 'port_value'], port)
  document.deleteIn([...manager, 'access_log'])
  document.deleteIn([...route, 'route'])
  document.setIn([...route, 'direct_response'], { status: 200, body: { inline_string: passed.toString() } })
  if (asked === undefined) {
    // Envoy closes a connection on which it answers before the request is complete; with ext_authz it never does.
    document.setIn(authorizer, {
      name: 'envoy.filters.http.buffer',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer',
        max_request_bytes: 1_048_576,
      },
    })
    // The second route refers to what the first one has.
    document.deleteIn([...manager, 'route_config', 'virtual_hosts', 0, 'routes', 1])
    document.deleteIn([...route, 'typed_per_filter_config'])
  } else {
    document.setIn([...authorizer, 'typed_config', 'grpc_service', 'envoy_grpc', 'cluster_name'], asked.name)
    document.setIn([...cluster, 'name'], asked.name)
    document.setIn([...cluster, 'load_assignment', 'cluster_name'], asked.name)
    const address = [...cluster, 'load_assignment', 'endpoints', 0, 'lb_endpoints', 0, 'endpoint', 'address']
    const portOfCluster = [...address, 'socket_address', 'port_value']
    if (document.getIn(portOfCluster) !== EXAMPLE_PORTS.authz)
      throw new Error(`envoy/ext-authz.yaml: the cluster mcp_authz is not at port ${EXAMPLE_PORTS.authz}`)
    document.setIn(portOfCluster, asked.port)
  }
  const part = (path: readonly (string | number)[]): unknown => {
    const node = document.getIn(path, true)
    return isNode(node) ? node.toJS(document) : node
  }
  return { listener: part(listener), cluster: part(cluster) }
}

/** Envoy asks an authorizer how it is before it sends anything to it. */
async function authorizersHealthy({ adminUrl }: RunningEnvoy, count: number): Promise<void> {
  const until = performance.now() + 15_000
  while (performance.now() < until) {
    const clusters = await (await fetch(`${adminUrl}/clusters`)).text()
    if (clusters.match(/::health_flags::healthy$/gm)?.length === count) return
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  throw new Error('Envoy does not find every authorizer healthy')
}
