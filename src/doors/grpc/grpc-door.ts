import type { GrpcJsTransportOptions } from './grpc-js-transport.js'
import type { BoundAddress, GrpcService, GrpcTransport } from './grpc-transport.js'
import { createGrpcHealth } from './health.js'
import type { ListenAddress } from './listener-socket.js'
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
  let transport: Transport | undefined
  let stopped = false
  return {
    async start() {
      const create = await loadTransport(listener.transport ?? 'grpc-js')
      if (stopped) throw new Error('the listener was stopped before it was open')
      transport ??= create([service, health], {
        address,
        maxReceiveBytes: maxMessageBytes + oversizeRoom,
        onError,
        ...(tls !== undefined && { tls }),
        ...(maxConcurrentStreams !== undefined && { maxConcurrentStreams }),
        ...(maxConnectionAgeMs !== undefined && { maxConnectionAgeMs }),
      })
      return transport.start()
    },
    setReady: ready => health.setReady(ready),
    drain: async limitMs => {
      health.setReady(false)
      return (await transport?.drain(limitMs)) ?? 0
    },
    async stop() {
      stopped = true
      await transport?.stop()
    },
    reloadTls: () => transport?.reloadTls() ?? false,
  }
}

type Transport = GrpcTransport & { reloadTls(): boolean }

/** Only the one that is used: the library and what it stands on take their time and memory. */
async function loadTransport(
  name: TransportName,
): Promise<(services: readonly GrpcService[], options: GrpcJsTransportOptions) => Transport> {
  return name === 'native'
    ? (await import('./native/native-transport.js')).createNativeTransport
    : (await import('./grpc-js-transport.js')).createGrpcJsTransport
}
