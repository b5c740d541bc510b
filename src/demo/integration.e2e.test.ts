import { decodeJwt } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type ConnectedClient, type ConnectOptions, connectV1, connectV2 } from './clients.js'
import { renderEnvoyConfig } from './envoy-config.js'
import { startEverythingServer } from './everything-server.js'
import { findEnvoy } from './find-envoy.js'
import { freePorts } from './free-port.js'
import { startKubernetesMcpServer } from './kubernetes-mcp-server.js'
import type { McpServer } from './mcp-server.js'
import { startOpenIdProvider } from './openid-provider.js'
import { rawPost } from './raw-post.js'
import { type RecordingProxy, startRecordingProxy } from './recording-proxy.js'
import { type SimulatedCluster, startSimulatedCluster } from './simulated-cluster.js'
import { startEnvoy } from './start-envoy.js'

/** Stops in reverse order whatever was started, also when a later start failed. */
const stops: (() => Promise<void>)[] = []
async function started<T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> {
  const part = await starting
  stops.push(() => part.stop())
  return part
}
afterAll(async () => {
  for (const stop of stops.reverse()) await stop()
})

let cluster: SimulatedCluster
beforeAll(async () => {
  cluster = await started(startSimulatedCluster())
})
beforeEach(() => cluster.forgetRequests())

type Connect = (options: ConnectOptions) => Promise<ConnectedClient<unknown>>
const clients: { what: string; stateless: boolean; connect: Connect; protocolVersion: string }[] = [
  { what: 'SDK v1', stateless: false, connect: connectV1, protocolVersion: '2025-11-25' },
  { what: 'SDK v2, legacy', stateless: false, connect: connectV2, protocolVersion: '2025-11-25' },
  {
    what: 'SDK v2, modern',
    stateless: true,
    connect: options => connectV2({ ...options, negotiation: 'auto' }),
    protocolVersion: '2026-07-28',
  },
  {
    what: 'SDK v2, falling back',
    stateless: false,
    connect: options => connectV2({ ...options, negotiation: 'auto' }),
    protocolVersion: '2025-11-25',
  },
]

describe.each(clients)('kubernetes-mcp-server, called by $what', ({ stateless, connect, protocolVersion }) => {
  let server: McpServer
  let proxy: RecordingProxy
  let client: ConnectedClient<unknown>
  beforeAll(async () => {
    server = await started(startKubernetesMcpServer({ kubeconfig: cluster.kubeconfig, stateless }))
    proxy = await started(startRecordingProxy({ target: server.origin }))
    client = await connect({ url: `${proxy.url}/mcp`, headers: { 'x-mcp-authz-user': 'alice' } })
  })
  afterAll(() => client?.close())

  it('speaks the expected revision, and its headers arrive', () => {
    expect(client.protocolVersion).toBe(protocolVersion)
    expect(proxy.count('/mcp')).toBeGreaterThan(0)
    expect(proxy.last()?.headers['x-mcp-authz-user']).toBe('alice')
  })

  it('lists the tools', async () => {
    const tools = await client.listTools()
    expect(tools).toHaveLength(20)
    expect(tools).toContain('resources_scale')
  })

  it('lists pods, in a namespace and everywhere', async () => {
    const here = await client.callTool('pods_list_in_namespace', { namespace: 'team-b' })
    expect(here).toMatchObject({ isError: false })
    expect(here.text).toContain(cluster.podsIn('team-b')[0])
    expect(here.text).not.toContain('team-a')
    expect((await client.callTool('pods_list')).text).toContain('team-a')
    expect(cluster.writes()).toEqual([])
  })

  it('scales', async () => {
    const web = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', namespace: 'team-a' }
    for (const scale of [3, 2]) {
      const answer = await client.callTool('resources_scale', { ...web, scale })
      expect(answer).toMatchObject({ isError: false })
      expect(answer.text).toContain(`replicas: ${scale}`)
      expect(cluster.replicasOf('team-a', 'web')).toBe(scale)
    }
    expect(cluster.writes().map(({ method, user }) => [method, user])).toEqual([
      ['PUT', 'kubernetes-mcp-server'],
      ['PUT', 'kubernetes-mcp-server'],
    ])
  })

  it('applies manifests, runs and deletes pods', async () => {
    const resource = `apiVersion: apps/v1
kind: Deployment
metadata: { name: api, namespace: team-a }
spec:
  replicas: 2
  selector: { matchLabels: { app: api } }
  template:
    metadata: { labels: { app: api } }
    spec: { containers: [{ name: api, image: registry.example.com/api:1 }] }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: settings, namespace: team-a }
data: { colour: blue }
`
    expect(await client.callTool('resources_create_or_update', { resource })).toMatchObject({ isError: false })
    expect(cluster.replicasOf('team-a', 'api')).toBe(2)
    expect(cluster.get('v1', 'configmaps', 'team-a', 'settings')?.data).toEqual({ colour: 'blue' })

    const pod = { name: 'runner', namespace: 'team-b' }
    expect(await client.callTool('pods_run', { ...pod, image: 'nginx' })).toMatchObject({ isError: false })
    expect(cluster.podsIn('team-b')).toContain('runner')
    expect((await client.callTool('pods_log', pod)).text).toContain('runner is up')
    expect(await client.callTool('pods_delete', pod)).toMatchObject({ isError: false })
    expect(cluster.podsIn('team-b')).not.toContain('runner')
    const api = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'api', namespace: 'team-a' }
    expect(await client.callTool('resources_delete', api)).toMatchObject({ isError: false })
  })

  it('reports what the cluster refuses as a tool error', async () => {
    const answer = await client.callTool('pods_get', { name: 'none', namespace: 'team-a' })
    expect(answer.isError).toBe(true)
    expect(answer.text).toContain('pods "none" not found')
  })

  it('forwards a token that nobody strips, and the cluster refuses it', async () => {
    const careless = await connect({ url: server.url, token: 'forwarded' })
    expect(await careless.callTool('namespaces_list')).toMatchObject({ isError: true })
    await careless.close()
    expect(cluster.requests.map(({ user }) => user)).toContain('unknown-token')
  })
})

describe('server-everything', () => {
  it('answers on loopback, and only there', async () => {
    const server = await started(startEverythingServer())
    const client = await connectV1({ url: server.url })
    expect(await client.callTool('echo', { message: 'hello' })).toMatchObject({ isError: false, text: 'Echo: hello' })
    await client.close()
    // Any other address of this machine: 127.0.0.0/8 is all loopback on Linux.
    if (process.platform === 'linux')
      await expect(fetch(server.url.replace('127.0.0.1', '127.0.0.2'))).rejects.toThrow()
  })
})

/** As the examples, without authorization: the test is about starting Envoy and about what passes through. */
const ENVOY = `
admin: { address: { socket_address: { address: 127.0.0.1, port_value: 9901 } } }
static_resources:
  listeners:
  - name: mcp
    address: { socket_address: { address: 0.0.0.0, port_value: 8080 } }
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: mcp
          access_log:
          - name: envoy.access_loggers.stdout
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog
              log_format: { json_format: { method: "%REQ(:METHOD)%", path: "%PATH%", code: "%RESPONSE_CODE%" } }
          route_config:
            virtual_hosts:
            - name: mcp
              domains: ["*"]
              routes: [{ match: { path: /mcp }, route: { cluster: upstream, timeout: 0s }, request_headers_to_remove: [authorization] }]
          http_filters:
          - name: envoy.filters.http.router
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
  clusters:
  - name: upstream
    type: STATIC
    load_assignment: { cluster_name: upstream, endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: 8081 } } } }] }] }
  - name: authz
    type: STATIC
    load_assignment: { cluster_name: authz, endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: 9001 } } } }] }] }
`

describe('the whole chain', () => {
  it('lets a person call a tool through Envoy, with a token that stays at the gateway', async () => {
    const { path } = await findEnvoy({ announce: () => {} })
    const [listener = 0, admin = 0, authz = 0] = await freePorts(3)
    const server = await started(startKubernetesMcpServer({ kubeconfig: cluster.kubeconfig }))
    const proxy = await started(startRecordingProxy({ target: server.origin }))
    const config = renderEnvoyConfig(ENVOY, { listener, admin, authz, upstream: proxy.port })
    const envoy = await started(startEnvoy({ path, config }))
    const url = `http://127.0.0.1:${listener}/mcp`
    const idp = await started(startOpenIdProvider({ resource: url }))
    const token = await idp.login('alice')
    expect(decodeJwt(token).aud).toBe(url)

    const client = await connectV1({ url, token })
    expect((await client.callTool('pods_list_in_namespace', { namespace: 'team-a' })).text).toContain('web-')
    await client.close()
    expect(proxy.count('/mcp')).toBeGreaterThanOrEqual(4)
    expect(proxy.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([])
    expect(cluster.requests.map(({ user }) => user)).not.toContain('unknown-token')

    expect((await rawPost({ url: url.replace('/mcp', '/stats'), body: '' })).status).toBe(404)
    await envoy.stop()
    expect(envoy.child.lines.filter(line => line.includes('"method":"POST"')).length).toBeGreaterThan(0)
    expect(envoy.child.lines.filter(line => /\[(error|critical)\]/.test(line))).toEqual([])
  })

  it('says why Envoy does not start', async () => {
    const { path } = await findEnvoy({ announce: () => {} })
    const [admin = 0] = await freePorts(1)
    const config = `admin: { address: { socket_address: { address: 127.0.0.1, port_value: ${admin} } } }\nnonsense: 1\n`
    await expect(startEnvoy({ path, config })).rejects.toThrow(/envoy ended before it was ready[\s\S]*nonsense/)
  })
})
