import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { z } from 'zod'
import { renderEnvoyConfig } from '../../../src/demo/envoy-config.js'
import { startEverythingServer } from '../../../src/demo/everything-server.js'
import { findEnvoy } from '../../../src/demo/find-envoy.js'
import { freePorts } from '../../../src/demo/free-port.js'
import { startKubernetesMcpServer } from '../../../src/demo/kubernetes-mcp-server.js'
import type { McpServer } from '../../../src/demo/mcp-server.js'
import {
  type OpenIdProvider,
  type OpenIdProviderOptions,
  startOpenIdProvider,
} from '../../../src/demo/openid-provider.js'
import { type RecordingProxy, startRecordingProxy } from '../../../src/demo/recording-proxy.js'
import { type SimulatedCluster, startSimulatedCluster } from '../../../src/demo/simulated-cluster.js'
import { type RunningEnvoy, startEnvoy } from '../../../src/demo/start-envoy.js'
import { packageRoot } from '../../../src/package-root.js'
import { type AuthzProcess, startAuthzProcess } from './authz-process.js'
import { eventually } from './eventually.js'
import {
  createMountedPolicies,
  createPolicyDirectory,
  demoPolicies,
  type PolicyDirectory,
  type PolicyFiles,
} from './policy-directory.js'

export interface StandOptions {
  /** The MCP server behind the gateway. Default: kubernetes-mcp-server with sessions. */
  readonly upstream?: 'kubernetes' | 'kubernetes-stateless' | 'everything' | 'everything-sse'
  /** Instead of `upstream`: a server of the test's own. */
  readonly startServer?: (place: {
    readonly url: string
    readonly httpPort: number
  }) => Promise<Pick<McpServer, 'origin' | 'stop'>>
  /** Of the endpoint. Default: /mcp. */
  readonly path?: string
  /**
   * true: kubernetes-mcp-server always acts as itself. Else, as is its default, it hands a token that arrives on to the
   * cluster; that only happens under Audit, where `Authorization` goes on as it came.
   */
  readonly serverIgnoresTokens?: boolean
  /** Default: those of policies/demo. Issuer and resource of the examples are replaced by the stand's own. */
  readonly policies?: PolicyFiles | ((demo: PolicyFiles, idp: OpenIdProvider) => PolicyFiles)
  /** What the OpenID provider offers beside the defaults of the demo. */
  readonly idp?: Omit<OpenIdProviderOptions, 'resource'>
  /** true: the policies lie as the kubelet mounts a ConfigMap, and change as it changes one. */
  readonly mountedPolicies?: boolean
  /** What the gateway calls the Server in the context extension. Default: as in envoy/ext-authz.yaml. */
  readonly serverName?: string
  /** More of the Config's spec. */
  readonly config?: Readonly<Record<string, unknown>> | ((idp: OpenIdProvider) => Readonly<Record<string, unknown>>)
  /** What speaks gRPC. Default: that of the program. */
  readonly transport?: 'native'
  /** What makes the gateway trusted. Default: nothing. */
  readonly trust?: 'network'
  /** envoy/ext-authz-and-ext-proc.yaml, with these keys of sessions. Default: envoy/ext-authz.yaml. */
  readonly responseDoor?: {
    readonly keys: readonly string[]
    /** Without ext_authz. Default false. */
    readonly alone?: boolean
  }
  /** true: Envoy's configuration lacks the filter that users might leave out. */
  readonly withoutBodySizeLimit?: boolean
  /** What else of envoy/ext-authz.yaml is different; ports stay those of the example. */
  readonly adaptEnvoy?: (template: string) => string
  /** false: return while mcp-authz is not ready yet. */
  readonly awaitReady?: boolean
}

/** Client → Envoy → mcp-authz, and Envoy → recording proxy → MCP server; every part is the real one. */
export interface Stand {
  /** Of the MCP endpoint at the gateway, which is the resource of the tokens too. */
  readonly url: string
  readonly idp: OpenIdProvider
  readonly envoy: RunningEnvoy
  /** What reached the server. */
  readonly proxy: RecordingProxy
  readonly server: Pick<McpServer, 'origin' | 'stop'>
  /** Behind kubernetes-mcp-server. */
  readonly cluster: SimulatedCluster
  readonly policies: PolicyDirectory
  /** The process that runs now. */
  readonly authz: AuthzProcess
  /** Starts mcp-authz anew on the same ports, with the same policies. The old process must have ended. */
  restartAuthz(): Promise<AuthzProcess>
  /** The line of Envoy's access log that belongs to a decision. */
  accessLog(decisionId: string): Promise<AccessLogLine>
  /** Of mcp-authz. */
  readonly grpcPort: number
  readonly httpPort: number
  /** Whether Envoy's health check takes mcp-authz for healthy. */
  envoySeesHealthy(): Promise<boolean>
  /** Checks that Envoy waits for. */
  checksInFlight(): Promise<number>
  stop(): Promise<void>
}

const AccessLogLine = z.object({
  method: z.string().nullable(),
  path: z.string().nullable(),
  code: z.number().nullable(),
  details: z.string().nullable(),
  authz: z.record(z.string(), z.unknown()).nullable(),
})
export type AccessLogLine = z.infer<typeof AccessLogLine>

/** Starts everything, on free ports of 127.0.0.1. Whatever was started is stopped when a later part cannot be. */
export async function startStand(options: StandOptions = {}): Promise<Stand> {
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
    const envoyBinary = await findEnvoy({ announce: () => {} })
    const [listener = 0, envoyAdmin = 0, grpcPort = 0, httpPort = 0, answers = 0] = await freePorts(5)
    const url = `http://127.0.0.1:${listener}${options.path ?? '/mcp'}`
    const idp = await started(startOpenIdProvider({ ...options.idp, resource: url }))
    const cluster = await started(startSimulatedCluster())
    const directory = await mkdtemp(join(tmpdir(), 'mcp-authz-stand-'))
    stops.push(() => rm(directory, { recursive: true, force: true }))
    const server = await started(options.startServer?.({ url, httpPort }) ?? startUpstream(options, cluster, directory))
    const proxy = await started(startRecordingProxy({ target: server.origin }))

    const demo = await demoPolicies()
    const files = typeof options.policies === 'function' ? options.policies(demo, idp) : (options.policies ?? demo)
    const create = options.mountedPolicies ? createMountedPolicies : createPolicyDirectory
    const policies = await create(files, { issuer: idp.issuer, resource: url })
    stops.push(() => policies.remove())
    const config = join(directory, 'config.yaml')
    const { responseDoor } = options
    const keys = await Promise.all(
      (responseDoor?.keys ?? []).map(async (key, index) => {
        await writeFile(join(directory, `session-${index}.key`), key)
        return { file: `session-${index}.key` }
      }),
    )
    const spec = {
      sources: [{ directory: policies.path }],
      listeners: listenersOf(options, grpcPort, answers),
      ...(keys.length > 0 && { sessions: { keys } }),
      http: { host: '127.0.0.1', port: httpPort },
      identity: { insecureLoopbackIssuers: true },
      shutdown: { drainSeconds: 5 },
      ...(typeof options.config === 'function' ? options.config(idp) : options.config),
    }
    await writeFile(config, stringify({ apiVersion: 'mcp-authz.dev/v1alpha1', kind: 'Config', spec }))
    let authz = await startAuthzProcess({ config, httpPort })
    stops.push(() => authz.stop())
    if (options.awaitReady ?? true) await authz.untilReady()

    const accessLog: AccessLogLine[] = []
    const template = await readFile(join(packageRoot, 'envoy', templateOf(options)), 'utf8')
    const extProcPort = responseDoor?.alone ? grpcPort : answers
    const ports = {
      ...{ listener, upstream: proxy.port, authz: grpcPort, admin: envoyAdmin, http: httpPort, answers: extProcPort },
    }
    const envoy = await started(
      startEnvoy({
        path: envoyBinary.path,
        config: renderEnvoyConfig(adapted(template, options), ports),
        onLine: line => {
          if (line.startsWith('{')) accessLog.push(AccessLogLine.parse(JSON.parse(line)))
        },
      }),
    )
    return {
      ...{ url, idp, envoy, proxy, server, cluster, policies, grpcPort, httpPort, stop },
      get authz() {
        return authz
      },
      async restartAuthz() {
        await authz.child.exited
        authz = await startAuthzProcess({ config, httpPort })
        await authz.untilReady()
        return authz
      },
      accessLog: async id => {
        // Envoy holds its lines back for up to ten seconds, unless its log files are reopened.
        return eventually(`the access log of decision ${id}`, async () => {
          await fetch(`${envoy.adminUrl}/reopen_logs`, { method: 'POST' })
          return accessLog.find(({ authz }) => authz?.decision_id === id)
        })
      },
      async checksInFlight() {
        const name = 'cluster.mcp_authz.upstream_rq_active'
        const text = await (await fetch(`${envoy.adminUrl}/stats?filter=^${name}$`)).text()
        return Number(text.slice(`${name}: `.length))
      },
      async envoySeesHealthy() {
        const clusters = await (await fetch(`${envoy.adminUrl}/clusters`)).text()
        return clusters.includes(`mcp_authz::127.0.0.1:${grpcPort}::health_flags::healthy`)
      },
    }
  } catch (cause) {
    await stop()
    throw cause
  }
}

async function startUpstream(
  { upstream = 'kubernetes', serverIgnoresTokens }: StandOptions,
  { kubeconfig }: SimulatedCluster,
  directory: string,
): Promise<McpServer> {
  if (upstream === 'everything') return startEverythingServer()
  if (upstream === 'everything-sse') return startEverythingServer({ transport: 'sse' })
  const stateless = upstream === 'kubernetes-stateless'
  if (!serverIgnoresTokens) return startKubernetesMcpServer({ kubeconfig, stateless })
  const settings = join(directory, 'kubernetes-mcp-server.toml')
  await writeFile(settings, 'cluster_auth_mode = "kubeconfig"\n')
  return startKubernetesMcpServer({ kubeconfig, stateless, args: ['--config', settings] })
}

function templateOf({ responseDoor }: StandOptions): string {
  if (responseDoor === undefined) return 'ext-authz.yaml'
  return responseDoor.alone ? 'ext-proc.yaml' : 'ext-authz-and-ext-proc.yaml'
}

function listenersOf(
  { responseDoor, trust, transport }: StandOptions,
  grpcPort: number,
  answers: number,
): readonly object[] {
  const host = '127.0.0.1'
  const first = { host, port: grpcPort, ...(trust && { trust }), ...(transport && { transport }) }
  if (responseDoor === undefined) return [first]
  if (responseDoor.alone) return [{ ...first, door: 'ext-proc', judgesRequests: true }]
  return [first, { ...first, port: answers, door: 'ext-proc' }]
}

const EXAMPLE_NAME = 'mcp-server: kubernetes }'
const EXAMPLE_METADATA = 'key: mcp-server, value: kubernetes }'
const SIZE_LIMIT = /^ *- name: envoy\.filters\.http\.body_size_limit\n(?: +[^ -].*\n)+/m

/** What users change in the example, and what they might leave out. */
function adapted(template: string, { serverName, withoutBodySizeLimit, adaptEnvoy }: StandOptions): string {
  if (!template.includes(EXAMPLE_NAME) && !template.includes(EXAMPLE_METADATA))
    throw new Error(`envoy/ext-authz.yaml does not say "${EXAMPLE_NAME}"`)
  if (!SIZE_LIMIT.test(template)) throw new Error('envoy/ext-authz.yaml does not limit the size of bodies')
  const adaptedTemplate = withoutBodySizeLimit ? template.replace(SIZE_LIMIT, '') : template
  const named =
    serverName === undefined
      ? adaptedTemplate
      : adaptedTemplate
          .replaceAll(EXAMPLE_NAME, `mcp-server: ${serverName} }`)
          .replaceAll(EXAMPLE_METADATA, `key: mcp-server, value: ${serverName} }`)
  return adaptEnvoy === undefined ? named : adaptEnvoy(named)
}
