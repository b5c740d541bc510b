import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { startEverythingServer } from '../../../src/demo/everything-server.js'
import { findEnvoy } from '../../../src/demo/find-envoy.js'
import { freePorts } from '../../../src/demo/free-port.js'
import { startKubernetesMcpServer } from '../../../src/demo/kubernetes-mcp-server.js'
import { startOpenIdProvider } from '../../../src/demo/openid-provider.js'
import { type RecordingProxy, startRecordingProxy } from '../../../src/demo/recording-proxy.js'
import { type SimulatedCluster, startSimulatedCluster } from '../../../src/demo/simulated-cluster.js'
import { startEnvoy } from '../../../src/demo/start-envoy.js'
import { packageRoot } from '../../../src/package-root.js'
import { startAuthzProcess } from '../../e2e/support/authz-process.js'
import { createPolicyDirectory } from '../../e2e/support/policy-directory.js'
import { startPythonServer } from '../servers/python-server.js'
import type { ReadingServer } from '../servers/reading-server.js'
import { startSdkV1Server } from '../servers/sdk-v1-server.js'
import { startSdkV2Server } from '../servers/sdk-v2-server.js'
import type { CasePlace } from '../support/case-request.js'
import { corpusPolicies } from '../support/corpus-policies.js'
import { type BodyMode, bodyModes, corpusEnvoyConfig } from './body-modes.js'

export interface StandUpstream {
  readonly name: string
  /** What arrived at it. */
  readonly proxy: RecordingProxy
  /** Undefined for servers that do not tell what they read. */
  readonly reading: ReadingServer | undefined
}

/** Client → one Envoy with a listener per body mode → mcp-authz, and → recording proxies → six MCP servers. */
export interface CorpusStand {
  readonly place: CasePlace
  readonly ports: Readonly<Record<BodyMode, number>>
  /** The first one gets requests that name none. */
  readonly upstreams: readonly StandUpstream[]
  /** Past the gateway and the proxy. */
  readonly everythingOrigin: string
  /** Behind kubernetes-mcp-server. */
  readonly cluster: SimulatedCluster
  /** How many requests Envoy has sent so far to mcp-authz, and how many to servers. */
  sent(): Promise<{ readonly checks: number; readonly upstream: number }>
  stop(): Promise<void>
}

/** Starts everything, on free ports of 127.0.0.1. Whatever was started is stopped when a later part cannot be. */
export async function startCorpusStand(): Promise<CorpusStand> {
  const stops: (() => Promise<unknown>)[] = []
  const stop = async (): Promise<void> => {
    for (const one of stops.splice(0).reverse()) await one()
  }
  const started = async <T extends { stop(): Promise<unknown> }>(starting: Promise<T>): Promise<T> => {
    const part = await starting
    stops.push(() => part.stop())
    return part
  }
  try {
    const { path } = await findEnvoy({ announce: () => {} })
    const [adminPort = 0, authzPort = 0, httpPort = 0, ...rest] = await freePorts(3 + bodyModes.length)
    const ports = portsOf(rest)
    const authority = `127.0.0.1:${ports.shipped}`
    const origin = `http://${authority}`
    const idp = await started(startOpenIdProvider({ resource: `${origin}/mcp`, accessTokenSeconds: 3_600 }))
    const directory = await mkdtemp(join(tmpdir(), 'mcp-authz-corpus-'))
    stops.push(() => rm(directory, { recursive: true, force: true }))

    const cluster = await started(startSimulatedCluster())
    const readers = [
      await started(startSdkV1Server({ body: 'transport' })),
      await started(startSdkV1Server({ body: 'express' })),
      await started(startSdkV2Server()),
      await started(startPythonServer()),
    ]
    const everything = await started(startEverythingServer())
    const settings = join(directory, 'kubernetes-mcp-server.toml')
    // What reaches it acts as the server, also where the policy lets the caller's token through.
    await writeFile(settings, 'cluster_auth_mode = "kubeconfig"\n')
    const kubernetes = await started(
      startKubernetesMcpServer({ kubeconfig: cluster.kubeconfig, stateless: true, args: ['--config', settings] }),
    )
    const upstreams: StandUpstream[] = []
    for (const { name, origin: target, reading } of [
      ...readers.map(reader => ({ name: reader.name, origin: reader.origin, reading: reader })),
      { name: 'everything', origin: everything.origin, reading: undefined },
      { name: 'kubernetes', origin: kubernetes.origin, reading: undefined },
    ])
      upstreams.push({ name, reading, proxy: await started(startRecordingProxy({ target })) })

    const policies = await createPolicyDirectory(corpusPolicies({ issuer: idp.issuer, origin }), {
      issuer: idp.issuer,
      resource: origin,
    })
    stops.push(() => policies.remove())
    const config = join(directory, 'config.yaml')
    const spec = {
      sources: [{ directory: policies.path }],
      listeners: [{ host: '127.0.0.1', port: authzPort }],
      http: { host: '127.0.0.1', port: httpPort },
      identity: { insecureLoopbackIssuers: true },
      shutdown: { drainSeconds: 2 },
    }
    await writeFile(config, stringify({ apiVersion: 'mcp-authz.dev/v1alpha1', kind: 'Config', spec }))
    const authz = await started(startAuthzProcess({ config, httpPort }))
    await authz.untilReady()

    const envoyConfig = corpusEnvoyConfig({
      template: await readFile(join(packageRoot, 'envoy', 'ext-authz.yaml'), 'utf8'),
      servers: serverNames(),
      upstreams: upstreams.map(({ name, proxy }) => ({
        ...{ name, port: proxy.port },
        // The others take every path for their endpoint.
        ...(name === 'everything' || name === 'kubernetes' ? { path: '/mcp' } : {}),
      })),
      ...{ ports, authzPort, adminPort },
    })
    const envoy = await started(startEnvoy({ path, config: stringify(envoyConfig, { aliasDuplicateObjects: false }) }))
    const token = await idp.login('alice')
    return {
      place: { authority, token },
      everythingOrigin: everything.origin,
      ...{ ports, upstreams, cluster, stop },
      async sent() {
        const text = await (await fetch(`${envoy.adminUrl}/stats?filter=upstream_rq_total$`)).text()
        let checks = 0
        let upstream = 0
        for (const [, cluster = '', count = ''] of text.matchAll(/^cluster\.(.+)\.upstream_rq_total: (\d+)$/gm)) {
          if (cluster === 'mcp_authz') checks += Number(count)
          else upstream += Number(count)
        }
        return { checks, upstream }
      },
    }
  } catch (cause) {
    await stop()
    throw cause
  }
}

function portsOf(ports: readonly number[]): Record<BodyMode, number> {
  const [shipped = 0, text = 0, partial = 0, unlimited = 0, joined = 0, anywhere = 0] = ports
  return { shipped, text, partial, unlimited, joined, anywhere }
}

/** Names of the Servers in the policies of the corpus. */
function serverNames(): string[] {
  const text = corpusPolicies()['servers.yaml'] ?? ''
  return [...text.matchAll(/^kind: Server\nmetadata: \{ name: ([a-z0-9-]+) \}/gm)].map(([, name = '']) => name)
}
