import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js'
import { attachBidiStream } from './grpc-js-bidi-stream.js'
import type {
  BidiStreamHandler,
  BoundAddress,
  CallContext,
  GrpcService,
  GrpcTransport,
  ServerStreamHandler,
  UnaryHandler,
} from './grpc-transport.js'
import { type ListenAddress, type ListenerSocket, openListenerSocket } from './listener-socket.js'
import type { TlsSettings } from './tls-server.js'
import { toBuffer } from './to-buffer.js'
import { widenWindow } from './widen-window.js'

export interface GrpcJsTransportOptions {
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
}

/**
 * The transport on grpc-js. We listen ourselves and hand it the connections: that gives us client certificates checked
 * once per connection, certificates that reload, and unix sockets with a mode, none of which grpc-js offers.
 */
export function createGrpcJsTransport(
  services: readonly GrpcService[],
  options: GrpcJsTransportOptions,
): GrpcTransport & { reloadTls(): boolean } {
  const server = new Server({
    'grpc.enable_channelz': 0,
    'grpc.max_receive_message_length': options.maxReceiveBytes ?? 5 * 1024 * 1024,
    'grpc.max_concurrent_streams': options.maxConcurrentStreams ?? 1000,
    ...(options.maxConnectionAgeMs === undefined
      ? {}
      : { 'grpc.max_connection_age_ms': options.maxConnectionAgeMs, 'grpc.max_connection_age_grace_ms': 10_000 }),
  })
  const inFlight = createInFlightCounter()
  for (const service of services) {
    for (const [path, handler] of service.unary) registerUnary(server, path, handler, inFlight)
    for (const [path, handler] of service.serverStreams ?? []) registerServerStream(server, path, handler)
    for (const [path, handler] of service.bidiStreams ?? []) registerBidiStream(server, path, handler, inFlight)
  }
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure())
  widenWindow(server)
  let socket: ListenerSocket | undefined
  let stopped = false

  return {
    async start(): Promise<BoundAddress> {
      if (stopped || socket !== undefined) throw new Error('this transport was started before')
      socket = await openListenerSocket({
        address: options.address,
        ...(options.tls === undefined ? {} : { tls: options.tls }),
        ...(options.maxConnections === undefined ? {} : { maxConnections: options.maxConnections }),
        onConnection: connection => injector.injectConnection(connection),
        onError: options.onError,
      })
      return socket.address
    },
    async drain(limitMs) {
      socket?.close()
      // It destroys connections after its time: not before we have counted what they cut off.
      injector.drain(limitMs + flushMs)
      const cutOff = await inFlight.idle(limitMs)
      // The last answers were handed over, which is not to say that they have left: a connection closes when they have.
      await socket?.emptied(flushMs)
      return cutOff
    },
    async stop() {
      if (stopped) return
      stopped = true
      socket?.close()
      socket?.destroyConnections()
      server.forceShutdown()
    },
    reloadTls: () => socket?.tls?.reload() ?? false,
  }
}

/** How long connections that somebody holds open, such as watchers of our health, are waited for. */
const flushMs = 500

const passBytes = (bytes: Buffer): Buffer => bytes

function registerUnary(server: Server, path: string, handler: UnaryHandler, inFlight: InFlightCounter): void {
  server.register<Buffer, Buffer>(
    path,
    (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
      inFlight.enter()
      const answer = (bytes: Uint8Array) => {
        inFlight.leave()
        callback(null, toBuffer(bytes))
      }
      const fail = () => {
        inFlight.leave()
        callback({ code: status.INTERNAL, details: 'the handler failed' }, null)
      }
      try {
        const result = handler(call.request, callContext(call))
        if (result instanceof Uint8Array) answer(result)
        else result.then(answer, fail)
      } catch {
        fail()
      }
    },
    passBytes,
    passBytes,
    'unary',
  )
}

function registerServerStream(server: Server, path: string, handler: ServerStreamHandler): void {
  server.register<Buffer, Buffer>(
    path,
    (call: ServerWritableStream<Buffer, Buffer>) => {
      let closed = false
      const listeners: (() => void)[] = []
      const close = () => {
        if (closed) return
        closed = true
        for (const listener of listeners) listener()
      }
      call.on('cancelled', close)
      call.on('error', close)
      handler(call.request, callContext(call), {
        send: message => {
          if (!closed) call.write(toBuffer(message))
        },
        end: () => {
          if (!closed) call.end()
          close()
        },
        onClose: listener => {
          if (closed) listener()
          else listeners.push(listener)
        },
      })
    },
    passBytes,
    passBytes,
    'serverStream',
  )
}

function registerBidiStream(server: Server, path: string, handler: BidiStreamHandler, inFlight: InFlightCounter): void {
  server.register<Buffer, Buffer>(
    path,
    (call: ServerDuplexStream<Buffer, Buffer>) => {
      inFlight.enter()
      attachBidiStream(call, handler, callContext(call), () => inFlight.leave())
    },
    passBytes,
    passBytes,
    'bidi',
  )
}

type AnyCall =
  | ServerUnaryCall<Buffer, Buffer>
  | ServerWritableStream<Buffer, Buffer>
  | ServerDuplexStream<Buffer, Buffer>

function callContext(call: AnyCall): CallContext {
  const deadline = call.getDeadline()
  const at = deadline instanceof Date ? deadline.getTime() : deadline
  return {
    deadline: Number.isFinite(at) ? at : undefined,
    get peer() {
      const peer = call.getPeer()
      return peer === 'unknown' ? '' : peer
    },
    cancelled: () => call.cancelled,
    metadata: name => {
      const value = call.metadata.get(name)[0]
      return typeof value === 'string' ? value : undefined
    },
  }
}

interface InFlightCounter {
  enter(): void
  leave(): void
  idle(limitMs: number): Promise<number>
}

function createInFlightCounter(): InFlightCounter {
  let count = 0
  const waiting = new Set<() => void>()
  return {
    enter: () => {
      count++
    },
    leave: () => {
      count--
      if (count === 0) for (const wake of waiting) wake()
    },
    idle: limitMs => {
      if (count === 0) return Promise.resolve(0)
      return new Promise(resolve => {
        const done = () => {
          clearTimeout(timer)
          waiting.delete(done)
          resolve(count)
        }
        const timer = setTimeout(done, limitMs)
        waiting.add(done)
      })
    },
  }
}
