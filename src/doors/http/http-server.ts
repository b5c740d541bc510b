import { readFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { createSecureContext, type Server as TlsServer } from 'node:tls'
import type { BoundAddress } from '../grpc/grpc-transport.js'
import { type ListenAddress, type ListenerSocket, openListenerSocket } from '../grpc/listener-socket.js'
import type { TlsSettings } from '../grpc/tls-server.js'

export interface HttpServerOptions {
  readonly address: ListenAddress
  readonly tls: TlsSettings | undefined
  /** Time in which a whole request must have come, in milliseconds. */
  readonly requestTimeoutMs: number
  readonly onRequest: RequestListener
  /** Trouble with a connection or with certificate files; never holds data of a request. */
  onError(message: string): void
}

export interface HttpServer {
  /** Rejects with an error for the operator when the address or the certificates cannot be used. */
  start(): Promise<BoundAddress>
  /** Accepts no more, and ends connections on which nothing is going on. */
  close(): void
  /** Resolves when no connection is left, or after `limitMs`. */
  emptied(limitMs: number): Promise<void>
  destroy(): void
  /** Compares certificate files with what is in use. True if new ones took effect. */
  reloadTls(): boolean
}

/** HTTP/1.1, with TLS if asked, on TCP or a unix socket, with small limits. Client certificates are checked if `clientCA` says how. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { address, tls, requestTimeoutMs, onRequest, onError } = options
  const limits = {
    maxHeaderSize: 16 * 1024,
    headersTimeout: Math.min(5_000, requestTimeoutMs),
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: 30_000,
    connectionsCheckingInterval: Math.min(1_000, requestTimeoutMs / 2),
  }
  const secure = tls === undefined ? undefined : secureServer(tls, limits, options)
  const server: Server = secure?.server ?? createServer(limits, onRequest)
  server.maxRequestsPerSocket = 10_000
  let socket: ListenerSocket | undefined
  return {
    async start() {
      socket = await openListenerSocket({
        address,
        onConnection: connection => server.emit('connection', connection),
        onError,
      })
      // The server does not listen itself; it begins to watch its time-outs when it is told that somebody does.
      server.emit('listening')
      return socket.address
    },
    close() {
      secure?.close()
      socket?.close()
      server.closeIdleConnections()
    },
    emptied: limitMs => socket?.emptied(limitMs) ?? Promise.resolve(),
    destroy() {
      secure?.close()
      socket?.close()
      socket?.destroyConnections()
      // Ends the watch; that it never listened is no news.
      server.close(() => undefined)
    },
    reloadTls: () => secure?.reload() ?? false,
  }
}

interface Material {
  readonly cert: Buffer
  readonly key: Buffer
  readonly ca?: Buffer
}

function secureServer(
  tls: TlsSettings,
  limits: object,
  { onRequest, onError }: HttpServerOptions,
): { readonly server: Server & TlsServer; reload(): boolean; close(): void } {
  let current = read(tls)
  const certified = tls.clientCA !== undefined
  const settings = {
    ...limits,
    ...current,
    ALPNProtocols: ['http/1.1'],
    minVersion: 'TLSv1.2',
    handshakeTimeout: 10_000,
    requestCert: certified,
    rejectUnauthorized: certified,
  } as const
  const server = createSecureServer(settings, onRequest)
  server.on('tlsClientError', (error: NodeJS.ErrnoException) =>
    onError(`TLS handshake failed: ${error.code ?? error.name}`),
  )
  let lastProblem = ''
  const reload = (): boolean => {
    try {
      const next = read(tls)
      if (same(current, next)) return false
      // Throws on a key that does not fit, e.g. when only one of two files is written yet.
      createSecureContext({ ...next })
      server.setSecureContext({ ...next })
      current = next
      lastProblem = ''
      return true
    } catch (error) {
      const detail = error instanceof Error ? error.message : 'unknown error'
      const problem = `certificate files were not reloaded, the last good ones stay: ${detail}`
      if (problem !== lastProblem) onError(problem)
      lastProblem = problem
      return false
    }
  }
  const timer = setInterval(reload, tls.reloadIntervalMs ?? 10_000).unref()
  return { server, reload, close: () => clearInterval(timer) }
}

function read({ cert, key, clientCA }: TlsSettings): Material {
  return {
    cert: readFileSync(cert),
    key: readFileSync(key),
    ...(clientCA !== undefined && { ca: readFileSync(clientCA) }),
  }
}

function same(a: Material, b: Material): boolean {
  const [ca, other] = [a.ca, b.ca]
  return a.cert.equals(b.cert) && a.key.equals(b.key) && (ca === undefined || other === undefined || ca.equals(other))
}
