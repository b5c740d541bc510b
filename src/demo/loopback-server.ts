import { createServer, type RequestListener, type Server } from 'node:http'
import { portOf } from './free-port.js'

export interface LoopbackServer {
  readonly server: Server
  readonly port: number
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly url: string
  /** Closes the listener and every connection, open streams too. May be called twice. */
  stop(): Promise<void>
}

/** Listens on 127.0.0.1 only. Without `port`, or with 0, the system picks one. */
export async function startLoopbackServer(handler: RequestListener, port = 0): Promise<LoopbackServer> {
  const server = createServer(handler)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve())
  })
  const bound = portOf(server)
  return {
    server,
    port: bound,
    url: `http://127.0.0.1:${bound}`,
    stop: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
