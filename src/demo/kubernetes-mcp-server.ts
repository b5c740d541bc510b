import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { startChild } from './child-process.js'
import { freePort } from './free-port.js'
import { httpReady } from './http-ready.js'
import { type McpServer, readyOrStopped } from './mcp-server.js'

export interface KubernetesMcpServerOptions {
  readonly kubeconfig: string
  /** Default: a free one. */
  readonly port?: number
  /** true: the server keeps no sessions and speaks MCP 2026-07-28; false (default): sessions, MCP up to 2025-11-25. */
  readonly stateless?: boolean
  /** Further command line arguments, such as `--toolsets`. */
  readonly args?: readonly string[]
  readonly onLine?: (line: string) => void
}

/** Starts kubernetes-mcp-server from npm. Its package is a small script that starts the binary for this platform. */
export async function startKubernetesMcpServer(options: KubernetesMcpServerOptions): Promise<McpServer> {
  const port = options.port ?? (await freePort())
  const origin = `http://127.0.0.1:${port}`
  const where = ['--bind-address', '127.0.0.1', '--port', String(port), '--kubeconfig', options.kubeconfig]
  const child = await startChild({
    name: 'kubernetes-mcp-server',
    command: process.execPath,
    args: [findScript(), ...where, ...(options.stateless ? ['--stateless'] : []), ...(options.args ?? [])],
    // The kubeconfig above must be the only credential that it can find.
    env: { KUBECONFIG: undefined, KUBERNETES_SERVICE_HOST: undefined, KUBERNETES_SERVICE_PORT: undefined },
    ...(options.onLine === undefined ? {} : { onLine: options.onLine }),
  })
  await readyOrStopped(child, httpReady(`${origin}/healthz`))
  return { port, origin, url: `${origin}/mcp`, child, stop: async () => void (await child.stop()) }
}

function findScript(): string {
  try {
    const manifest = createRequire(import.meta.url).resolve('kubernetes-mcp-server/package.json')
    return join(dirname(manifest), 'bin', 'index.js')
  } catch (cause) {
    throw new Error('kubernetes-mcp-server is not installed: run `npm install` in the checkout', { cause })
  }
}
