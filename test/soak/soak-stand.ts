import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { makeReviewer } from '../../src/demo/kube-identity.js'
import { type OpenIdProvider, startOpenIdProvider } from '../../src/demo/openid-provider.js'
import { userCache } from '../../src/demo/user-cache.js'
import { packageRoot } from '../../src/package-root.js'
import { type Stand, startStand } from '../e2e/support/stand.js'
import { startApiServer, type TestApiServer } from '../kube/start-api-server.js'
import { type SoakServer, startSoakServer } from './soak-server.js'

export interface SoakStand {
  readonly stand: Stand
  readonly server: SoakServer
  /** undefined: RBAC comes from files. */
  readonly api: TestApiServer | undefined
  readonly idp: OpenIdProvider
  /** A provider with other keys in the place of the one that was there. */
  rotateKeys(): Promise<void>
  /** Of mcp-authz, without labels; 0 if it is not there. */
  metrics(): Promise<(name: string) => number>
  stop(): Promise<void>
}

/** Whether the API server of test/kube was built on this machine: that takes too long to do it here. */
export function hasApiServer(): boolean {
  try {
    return readdirSync(userCache()).some(name => name.startsWith('kube-server-'))
  } catch {
    return false
  }
}

/**
 * How far the API server steps back (nice(1)): one that starts would take both cores for seconds, and half of what could be
 * decided before is no half then.
 */
const apiServerNiceness = 15

const namespace = (name: string) => `apiVersion: v1\nkind: Namespace\nmetadata: { name: ${name} }\n`

/** @param decisionLog file for the records */
export async function startSoakStand(withApiServer: boolean, decisionLog: string): Promise<SoakStand> {
  const stops: (() => Promise<unknown>)[] = []
  const stop = async () => {
    for (const one of stops.splice(0).reverse()) await one().catch(() => undefined)
  }
  try {
    const server = await startSoakServer()
    stops.push(() => server.stop())
    const api = withApiServer ? await startApiServer({ audit: false, niceness: apiServerNiceness }) : undefined
    if (api !== undefined) {
      stops.push(() => api.stop())
      await api.apply(`${namespace('team-a')}---\n${namespace('team-b')}`)
      await api.apply(join(packageRoot, 'policies', 'demo', 'rbac.yaml'))
    }
    const kubeconfig = api === undefined ? undefined : await makeReviewer(api)
    const before = process.env.NODE_OPTIONS
    process.env.NODE_OPTIONS = `--import ${pathToFileURL(join(packageRoot, 'test/soak/collect-garbage.mjs'))}`
    let stand: Stand
    try {
      stand = await startStand({
        startServer: async () => server,
        policies: demo =>
          kubeconfig === undefined
            ? demo
            : Object.fromEntries(Object.entries(demo).filter(([name]) => name !== 'rbac.yaml')),
        config: {
          decisionLog: { file: decisionLog, rotate: { maxBytes: 16 * 1024 * 1024, files: 2 } },
          ...(kubeconfig !== undefined && {
            clusters: { local: { authorizer: 'sar', kubeconfig, timeoutMs: 600 } },
          }),
        },
      })
    } finally {
      if (before === undefined) delete process.env.NODE_OPTIONS
      else process.env.NODE_OPTIONS = before
    }
    stops.push(() => stand.stop())
    let { idp } = stand
    stops.push(() => idp.stop())
    return {
      ...{ stand, server, api, stop },
      get idp() {
        return idp
      },
      async rotateKeys() {
        const { port } = idp
        await idp.stop()
        idp = await startOpenIdProvider({ port, resource: stand.url })
      },
      async metrics() {
        const text = await (await fetch(`http://127.0.0.1:${stand.httpPort}/metrics`)).text()
        const lines = text.split('\n')
        return name => {
          const line = lines.find(one => one.startsWith(`${name} `))
          return line === undefined ? 0 : Number(line.slice(name.length + 1))
        }
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}
