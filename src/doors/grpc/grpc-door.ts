import { createGrpcJsTransport } from './grpc-js-transport.js'
import type { BoundAddress, GrpcService } from './grpc-transport.js'
import { createGrpcHealth } from './health.js'
import type { ListenAddress } from './listener-socket.js'
import { createNativeTransport } from './native/native-transport.js'
import type { TlsSettings } from './tls-server.js'

/** grpc-js: the library on node:http2. native: our own, on sockets. */
export type TransportName = 'grpc-js' | 'native'

/** What every door over gRPC is to whoever opens it. */
export interface GrpcDoor {
  /** Opens the listener. Rejects with an error for the operator. Not ready until {@link setReady}. */
  start(): Promise<BoundAddress>
  /** What the gRPC health service says. Messages are answered either way. */
  setReady(ready: boolean): void
  /** Health says NOT_SERVING, nothing new is accepted, what is in flight ends. Resolves to what was cut off. */
  drain(limitMs: number): Promise<number>
  stop(): Promise<void>
  /** Compares certificate files with what is in use now, without waiting for the interval. */
  reloadTls(): boolean
}

export interface GrpcDoorOptions {
  /** Full name of the service, for health. */
  readonly name: string
  readonly service: GrpcService
  readonly listener: {
    readonly address: ListenAddress
    readonly tls?: TlsSettings
    /** Default grpc-js. */
    readonly transport?: TransportName
    readonly maxConcurrentStreams?: number
    readonly maxConnectionAgeMs?: number
  }
  readonly maxMessageBytes: number
  onError(detail: string, error?: unknown): void
}

/**
 * Room above maxMessageBytes in which an oversized message is still answered by a denial of our own. Beyond it the transport
 * refuses with a gRPC error, which a gateway with failure_mode_allow takes for a permission.
 */
const oversizeRoom = 32 * 1024 * 1024

/** One service over gRPC, with the standard health service beside it. */
export function createGrpcDoor({ name, service, listener, maxMessageBytes, onError }: GrpcDoorOptions): GrpcDoor {
  const { address, tls, maxConcurrentStreams, maxConnectionAgeMs } = listener
  const health = createGrpcHealth([name])
  const create = listener.transport === 'native' ? createNativeTransport : createGrpcJsTransport
  const transport = create([service, health], {
    address,
    maxReceiveBytes: maxMessageBytes + oversizeRoom,
    onError,
    ...(tls !== undefined && { tls }),
    ...(maxConcurrentStreams !== undefined && { maxConcurrentStreams }),
    ...(maxConnectionAgeMs !== undefined && { maxConnectionAgeMs }),
  })
  return {
    start: () => transport.start(),
    setReady: ready => health.setReady(ready),
    drain: limitMs => {
      health.setReady(false)
      return transport.drain(limitMs)
    },
    stop: () => transport.stop(),
    reloadTls: () => transport.reloadTls(),
  }
}
