import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { findEnvoy } from '../../../src/demo/find-envoy.js'
import { freePorts } from '../../../src/demo/free-port.js'
import { type RunningEnvoy, startEnvoy } from '../../../src/demo/start-envoy.js'
import { type AuthzProcess, startAuthzProcess } from './authz-process.js'
import { type ByteServer, startByteServer } from './byte-server.js'
import { type CheckServer, forwardChecks, startCheckServer } from './check-server.js'
import { envoyListeners, type ListenerSettings } from './envoy-listeners.js'
import { createLocalIssuer, type LocalIssuer } from './local-issuer.js'

export const RESOURCE = 'https://mcp.example.com/mcp'

/** One Envoy with many listeners, each with other settings; an authorizer; a server that takes every byte. */
export interface ListenerStand<Name extends string> {
  readonly port: (name: Name) => number
  readonly envoy: RunningEnvoy
  readonly server: ByteServer
  /** Between Envoy and mcp-authz, where it changes nothing; in place of mcp-authz where there is none. */
  readonly checks: CheckServer
  forget(): void
  stop(): Promise<void>
}

export interface AuthorizedStand<Name extends string> extends ListenerStand<Name> {
  readonly authz: AuthzProcess
  readonly issuer: LocalIssuer
}

type Listeners<Name extends string> = Readonly<Record<Name, Omit<ListenerSettings, 'port'>>>

/** Envoy in front of an authorizer that the test plays. */
export async function startListenerStand<Name extends string>(
  listeners: Listeners<Name>,
): Promise<ListenerStand<Name>> {
  const parts = await startParts()
  try {
    return await behindEnvoy(parts, listeners)
  } catch (cause) {
    await parts.stop()
    throw cause
  }
}

/** The same with the real mcp-authz. `policies` are Servers and what belongs to them; their resource is RESOURCE. */
export async function startAuthorizedStand<Name extends string>(
  listeners: Listeners<Name>,
  policies: string,
): Promise<AuthorizedStand<Name>> {
  const parts = await startParts()
  try {
    const issuer = await parts.started(createLocalIssuer({ audience: RESOURCE }))
    const directory = await mkdtemp(join(tmpdir(), 'mcp-authz-listeners-'))
    parts.stops.push(() => rm(directory, { recursive: true, force: true }))
    const [grpcPort = 0, httpPort = 0] = await freePorts(2)
    // In a directory of its own: the configuration is no policy.
    const sources = join(directory, 'policies')
    await mkdir(sources)
    await writeFile(join(sources, 'all.yaml'), `${issuer.policies}---\n${policies}`)
    const config = join(directory, 'config.yaml')
    const spec = {
      sources: [{ directory: sources }],
      listeners: [{ host: '127.0.0.1', port: grpcPort }],
      http: { host: '127.0.0.1', port: httpPort },
      shutdown: { drainSeconds: 1 },
    }
    await writeFile(config, stringify({ apiVersion: 'mcp-authz.dev/v1alpha1', kind: 'Config', spec }))
    const authz = await parts.started(startAuthzProcess({ config, httpPort }))
    await authz.untilReady()
    const { forward, stop } = forwardChecks(grpcPort)
    parts.stops.push(stop)
    parts.checks.answer(forward)
    return { ...(await behindEnvoy(parts, listeners)), authz, issuer }
  } catch (cause) {
    await parts.stop()
    throw cause
  }
}

async function startParts() {
  const stops: (() => Promise<unknown>)[] = []
  const started = async <T extends { stop(): Promise<unknown> }>(starting: Promise<T>): Promise<T> => {
    const part = await starting
    stops.push(() => part.stop())
    return part
  }
  const stop = async (): Promise<void> => {
    for (const one of stops.splice(0).reverse()) await one()
  }
  return { stops, started, stop, server: await started(startByteServer()), checks: await started(startCheckServer()) }
}

async function behindEnvoy<Name extends string>(
  { started, stop, server, checks }: Awaited<ReturnType<typeof startParts>>,
  listeners: Listeners<Name>,
): Promise<ListenerStand<Name>> {
  const { path } = await findEnvoy({ announce: () => {} })
  const settings = Object.entries<Omit<ListenerSettings, 'port'>>(listeners)
  const [adminPort = 0, ...ports] = await freePorts(1 + settings.length)
  const byName = new Map(settings.map(([name], at) => [name, ports[at] ?? 0]))
  const config = envoyListeners({
    adminPort,
    authzPort: checks.port,
    upstreamPort: server.port,
    listeners: settings.map(([name, one]) => ({ ...one, port: byName.get(name) ?? 0 })),
  })
  const envoy = await started(startEnvoy({ path, config }))
  return {
    port: name => byName.get(name) ?? 0,
    ...{ envoy, server, checks, stop },
    forget() {
      server.forget()
      checks.forget()
    },
  }
}
