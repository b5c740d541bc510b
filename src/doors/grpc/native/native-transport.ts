import type { Socket } from 'node:net'
import type { BoundAddress, GrpcService, GrpcTransport } from '../grpc-transport.js'
import { type ListenAddress, type ListenerSocket, openListenerSocket } from '../listener-socket.js'
import type { TlsSettings } from '../tls-server.js'
import { Connection, type ConnectionOptions } from './connection.js'
import { CallCounter, type GrpcServer, methodsOf } from './grpc-server.js'
import { defaultLimits, type Limits } from './limits.js'
import { openCall } from './open-call.js'

export interface NativeTransportOptions {
  readonly address: ListenAddress
  readonly tls?: TlsSettings
  /** Larger messages end in RESOURCE_EXHAUSTED before they are read. Bytes, default 5 MiB. */
  readonly maxReceiveBytes?: number
  /** HTTP/2 streams per connection. Default 1000. */
  readonly maxConcurrentStreams?: number
  /** Connections beyond this many are dropped at once. Default 1024. */
  readonly maxConnections?: number
  /** Connections are closed gracefully at this age, give or take a tenth, so that load spreads anew. Default never. */
  readonly maxConnectionAgeMs?: number
  /** Trouble that belongs in the log; never holds data of a request. */
  onError(message: string): void
  /** Where a connection ends; for tests. */
  readonly limits?: Partial<Limits>
}

/** How long connections that somebody holds open, such as watchers of our health, are waited for. */
const flushMs = 500

/** How long calls may go on after their connection has reached its age. */
const ageGraceMs = 10_000

/** How often the time-outs of connections are looked at. */
const watchMs = 1000

/** Lets peers that vanished without a word be noticed. */
const keepAliveMs = 60_000

/** The transport on sockets of our own: HTTP/2 and gRPC in as few steps as a decision needs. */
export function createNativeTransport(
  services: readonly GrpcService[],
  options: NativeTransportOptions,
): GrpcTransport & { reloadTls(): boolean } {
  const maxReceiveBytes = options.maxReceiveBytes ?? 5 * 1024 * 1024
  const limits = { ...defaultLimits, ...options.limits }
  const server: GrpcServer = { methods: methodsOf(services), maxReceiveBytes, calls: new CallCounter() }
  /** With the time at which each must go; Infinity when it need not. */
  const connections = new Map<Connection, number>()
  const connectionOptions: ConnectionOptions = {
    limits,
    maxConcurrentStreams: options.maxConcurrentStreams ?? 1000,
    openStream: (session, id, ended, head, fields) => openCall(server, session, id, ended, head, fields),
    onClosed: connection => connections.delete(connection),
    onTrouble: what => options.onError(`a connection was closed: ${what}`),
  }
  let socket: ListenerSocket | undefined
  let watcher: NodeJS.Timeout | undefined
  let draining = false
  let stopped = false

  const accept = (accepted: Socket) => {
    accepted.setKeepAlive(true, keepAliveMs)
    const connection = new Connection(accepted, connectionOptions)
    const { maxConnectionAgeMs } = options
    const age = maxConnectionAgeMs === undefined ? Infinity : maxConnectionAgeMs * (0.9 + Math.random() * 0.2)
    connections.set(connection, performance.now() + age)
    if (draining) connection.leave()
  }
  const watch = () => {
    const now = performance.now()
    for (const [connection, end] of connections) {
      if (now > end + ageGraceMs) connection.destroy()
      else if (now > end) connection.leave()
      connection.watch(now)
    }
  }

  return {
    async start(): Promise<BoundAddress> {
      if (stopped || socket !== undefined) throw new Error('this transport was started before')
      socket = await openListenerSocket({
        address: options.address,
        ...(options.tls !== undefined && { tls: options.tls }),
        ...(options.maxConnections !== undefined && { maxConnections: options.maxConnections }),
        onConnection: accept,
        onError: options.onError,
      })
      watcher = setInterval(watch, Math.min(watchMs, limits.handshakeMs, limits.stallMs, limits.keepAliveMs))
      watcher.unref()
      return socket.address
    },
    async drain(limitMs) {
      draining = true
      socket?.close()
      for (const connection of connections.keys()) connection.leave()
      const cutOff = await server.calls.idle(limitMs)
      // The last answers were handed over, which is not to say that they have left: a connection closes when they have.
      await socket?.emptied(flushMs)
      return cutOff
    },
    async stop() {
      if (stopped) return
      stopped = true
      clearInterval(watcher)
      socket?.close()
      socket?.destroyConnections()
      for (const connection of connections.keys()) connection.destroy()
    },
    reloadTls: () => socket?.tls?.reload() ?? false,
  }
}
