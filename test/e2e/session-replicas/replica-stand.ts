import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { renderEnvoyConfig } from '../../../src/demo/envoy-config.js'
import { findEnvoy } from '../../../src/demo/find-envoy.js'
import { freePorts } from '../../../src/demo/free-port.js'
import { type OpenIdProvider, startOpenIdProvider } from '../../../src/demo/openid-provider.js'
import { type RunningEnvoy, startEnvoy } from '../../../src/demo/start-envoy.js'
import { packageRoot } from '../../../src/package-root.js'
import { type AuthzProcess, startAuthzProcess } from '../support/authz-process.js'
import { eventually } from '../support/eventually.js'
import { createPolicyDirectory, demoPolicies } from '../support/policy-directory.js'
import { type SessionServer, startSessionServer } from './session-server.js'

const doors = ['mcp_authz', 'mcp_authz_answers'] as const
export type DoorCluster = (typeof doors)[number]

export interface ReplicaStand {
  /** Of the Server "kubernetes", and of the Server "other" on another path of the same gateway. */
  readonly url: string
  readonly otherUrl: string
  readonly idp: OpenIdProvider
  readonly server: SessionServer
  readonly envoy: RunningEnvoy
  /** The processes that run now. */
  readonly replicas: readonly AuthzProcess[]
  /** How many requests each replica got, by door. */
  asked(door: DoorCluster): Promise<readonly number[]>
  /** Starts one replica anew with these keys, and waits until the gateway sends it requests again. */
  restart(replica: number, keys: readonly string[]): Promise<void>
  stop(): Promise<void>
}

const policies = `
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: kubernetes }
spec: { resource: "https://mcp.example.com/mcp", require: [grants] }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: other }
spec: { resource: "OTHER", audiences: ["https://mcp.example.com/mcp"], require: [grants] }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Grant
metadata: { name: everybody }
spec: { match: { servers: ["*"], tools: [shown], subjects: [{ kind: Group, name: "system:authenticated" }] } }
`

/**
 * Two processes of mcp-authz that share nothing but the keys that they are given, behind one Envoy that takes them in turn, at
 * each door on its own: a request may be judged by the one and its answer looked at by the other.
 */
export async function startReplicaStand(keys: readonly (readonly string[])[]): Promise<ReplicaStand> {
  const stops: (() => Promise<unknown>)[] = []
  const stop = async (): Promise<void> => {
    for (const one of stops.splice(0).reverse()) await one()
  }
  try {
    const [listener = 0, admin = 0, upstream = 0, ...ports] = await freePorts(3 + 3 * keys.length)
    const url = `http://127.0.0.1:${listener}/mcp`
    const otherUrl = `http://127.0.0.1:${listener}/other`
    const idp = await startOpenIdProvider({ resource: url })
    stops.push(() => idp.stop())
    const server = await startSessionServer(upstream)
    stops.push(() => server.stop())
    const directory = await mkdtemp(join(tmpdir(), 'mcp-authz-replicas-'))
    stops.push(() => rm(directory, { recursive: true, force: true }))
    const files = {
      'identity.yaml': (await demoPolicies())['identity.yaml'] ?? '',
      'server.yaml': policies.replace('OTHER', otherUrl),
    }

    const places = keys.map((_, index) => {
      const [authz = 0, answers = 0, http = 0] = ports.slice(3 * index)
      return { authz, answers, http, config: join(directory, `config-${index}.yaml`) }
    })
    const start = async (index: number, secrets: readonly string[]): Promise<AuthzProcess> => {
      const place = places[index]
      if (place === undefined) throw new Error(`no replica ${index}`)
      const paths = secrets.map((_, at) => join(directory, `key-${index}-${at}`))
      for (const [at, path] of paths.entries()) await writeFile(path, secrets[at] ?? '')
      const own = await createPolicyDirectory(files, { issuer: idp.issuer, resource: url })
      stops.push(() => own.remove())
      const spec = {
        sources: [{ directory: own.path }],
        listeners: [
          { host: '127.0.0.1', port: place.authz },
          { host: '127.0.0.1', port: place.answers, door: 'ext-proc' },
        ],
        sessions: { keys: paths.map(file => ({ file })) },
        http: { host: '127.0.0.1', port: place.http },
        identity: { insecureLoopbackIssuers: true },
        shutdown: { drainSeconds: 5 },
      }
      await writeFile(place.config, stringify({ apiVersion: 'mcp-authz.dev/v1alpha1', kind: 'Config', spec }))
      const process = await startAuthzProcess({ config: place.config, httpPort: place.http })
      stops.push(() => process.stop())
      await process.untilReady()
      return process
    }
    const replicas = await Promise.all(keys.map((secrets, index) => start(index, secrets)))

    const [first] = places
    if (first === undefined) throw new Error('no replicas')
    const template = await readFile(join(packageRoot, 'envoy', 'ext-authz-and-ext-proc.yaml'), 'utf8')
    const rendered = renderEnvoyConfig(template, { ...first, listener, admin, upstream })
    const envoyPath = (await findEnvoy({ announce: () => {} })).path
    const envoy = await startEnvoy({ path: envoyPath, config: withReplicas(rendered, places) })
    stops.push(() => envoy.stop())

    const clusters = async () => (await fetch(`${envoy.adminUrl}/clusters`)).text()
    const portsOf = (door: DoorCluster) => places.map(({ authz, answers }) => (door === 'mcp_authz' ? authz : answers))
    const allHealthy = () =>
      eventually('healthy replicas', async () => {
        const text = await clusters()
        return doors.every(door =>
          portsOf(door).every(port => text.includes(`${door}::127.0.0.1:${port}::health_flags::healthy`)),
        )
      })
    await allHealthy()
    return {
      ...{ url, otherUrl, idp, server, envoy, replicas, stop },
      async asked(door) {
        const text = await clusters()
        return portsOf(door).map(port =>
          Number(new RegExp(`^${door}::127\\.0\\.0\\.1:${port}::rq_total::(\\d+)$`, 'm').exec(text)?.[1]),
        )
      },
      async restart(index, secrets) {
        await replicas[index]?.stop()
        replicas[index] = await start(index, secrets)
        await allHealthy()
      },
    }
  } catch (cause) {
    await stop()
    throw cause
  }
}

interface Endpoint {
  readonly endpoint: { readonly address: { readonly socket_address: { address: string; port_value: number } } }
}
interface EnvoyCluster {
  readonly name: string
  lb_policy?: string
  health_checks?: unknown
  readonly load_assignment: { readonly endpoints: [{ lb_endpoints: Endpoint[] }] }
}
interface Route {
  readonly match: { path?: string }
}

/** The example with more endpoints, quicker health checks, and a second path, which is the Server "other". */
function withReplicas(config: string, places: readonly { readonly authz: number; readonly answers: number }[]): string {
  const document = parse(config)
  const clusters: EnvoyCluster[] = document.static_resources.clusters
  for (const cluster of clusters) {
    if (cluster.name === 'mcp_server') continue
    const ports = places.map(({ authz, answers }) => (cluster.name === 'mcp_authz' ? authz : answers))
    const [endpoints] = cluster.load_assignment.endpoints
    endpoints.lb_endpoints = ports.map(port => ({
      endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } },
    }))
    const intervals = { timeout: '1s', interval: '0.2s', no_traffic_interval: '0.2s' }
    // The tests are about what happens when each has its turn, and the example leaves that to chance.
    cluster.lb_policy = 'ROUND_ROBIN'
    cluster.health_checks = [{ ...intervals, unhealthy_threshold: 1, healthy_threshold: 1, grpc_health_check: {} }]
  }
  const [listener] = document.static_resources.listeners
  const [virtualHost] = listener.filter_chains[0].filters[0].typed_config.route_config.virtual_hosts
  const route: Route | undefined = virtualHost.routes.find((one: Route) => one.match.path === '/mcp')
  if (route === undefined) throw new Error('the example has no route for /mcp')
  const other: Route = JSON.parse(
    JSON.stringify(route)
      .replaceAll('"mcp-server":"kubernetes"', '"mcp-server":"other"')
      .replaceAll('"value":"kubernetes"', '"value":"other"'),
  )
  other.match.path = '/other'
  virtualHost.routes.unshift(other)
  return stringify(document, { aliasDuplicateObjects: false })
}
