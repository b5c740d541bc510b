import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { portOf } from './free-port.js'

export interface LoopbackServer {
  readonly server: Server
  readonly port: number
  /** `http://127.0.0.1:<port>`, or https; without a slash at the end. */
  readonly url: string
  /** Closes the listener and every connection, open streams too. May be called twice. */
  stop(): Promise<void>
}

/** PEM. */
export interface TlsPair {
  readonly cert: string
  readonly key: string
}

/** Longer than anything that is tried on one connection; `stop` closes idle ones. */
export const idleMs = 600_000

/** Listens on 127.0.0.1 only, with TLS if there is a certificate. Without `port`, or with 0, the system picks one. */
export async function startLoopbackServer(handler: RequestListener, port = 0, tls?: TlsPair): Promise<LoopbackServer> {
  const server = tls === undefined ? createServer(handler) : createTlsServer({ ...tls }, handler)
  // A gateway that takes an idle connection again just as Node closes it (after 5 s by default) answers 503.
  server.keepAliveTimeout = idleMs
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve())
  })
  const bound = portOf(server)
  return {
    server,
    port: bound,
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${bound}`,
    stop: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
