import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { startChild } from './child-process.js'
import { freePort } from './free-port.js'
import { type McpServer, readyOrStopped } from './mcp-server.js'

/** The server listens on every interface and lets every website in; this makes it listen on 127.0.0.1 only. */
const LOOPBACK_ONLY = `data:text/javascript,${encodeURIComponent(`
  import net from 'node:net'
  const listen = net.Server.prototype.listen
  net.Server.prototype.listen = function (...args) {
    if (typeof args[0] === 'object') return listen.call(this, { ...args[0], host: '127.0.0.1' }, ...args.slice(1))
    return listen.call(this, args[0], '127.0.0.1', ...args.slice(1))
  }
`)}`

export interface EverythingServerOptions {
  /** Default: a free one. */
  readonly port?: number
  /** `sse` is the transport of 2024-11-05: GET /sse, POST /message. Default: streamableHttp. */
  readonly transport?: 'streamableHttp' | 'sse'
  readonly onLine?: (line: string) => void
}

/** Starts @modelcontextprotocol/server-everything: MCP up to 2025-11-25, with sessions and event streams. */
export async function startEverythingServer(options: EverythingServerOptions = {}): Promise<McpServer> {
  const port = options.port ?? (await freePort())
  const origin = `http://127.0.0.1:${port}`
  const { transport = 'streamableHttp' } = options
  const endpoint = `${origin}${transport === 'sse' ? '/sse' : '/mcp'}`
  const manifest = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/package.json')
  const child = await startChild({
    name: 'server-everything',
    command: process.execPath,
    args: ['--import', LOOPBACK_ONLY, join(dirname(manifest), 'dist', 'index.js'), transport],
    env: { PORT: String(port) },
    ...(options.onLine === undefined ? {} : { onLine: options.onLine }),
  })
  // The one answers a GET without a session 400, the other does not know the path.
  const answer = transport === 'sse' ? 404 : 400
  await readyOrStopped(child, async () => (await fetch(`${origin}/mcp`)).status === answer)
  return { port, origin, url: endpoint, child, stop: async () => void (await child.stop()) }
}
