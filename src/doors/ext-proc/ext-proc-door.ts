import type { Decision } from '../../decision/decision.js'
import type { GatewayProfile, ListenerTrust } from '../../protocol/inbound-request.js'
import { createGrpcJsTransport } from '../grpc/grpc-js-transport.js'
import type { BoundAddress } from '../grpc/grpc-transport.js'
import { createGrpcHealth } from '../grpc/health.js'
import type { ListenAddress } from '../grpc/listener-socket.js'
import type { TlsSettings } from '../grpc/tls-server.js'
import type { CreateExchangeProcessor } from './exchange-processor.js'
import { createProcessHandler } from './process-handler.js'

export interface ExtProcListener {
  readonly name: string
  readonly profile: GatewayProfile
  readonly trust: ListenerTrust
  readonly address: ListenAddress
  readonly tls?: TlsSettings
  /** Largest ProcessingRequest in bytes; larger ones end the exchange with an error. Default 5 MiB. */
  readonly maxMessageBytes?: number
  /** Bytes of one body that we collect where the gateway does not. Default 4 MiB. */
  readonly maxBufferedBytes?: number
  /** Exchanges per connection at the same time. Default 1000. */
  readonly maxConcurrentStreams?: number
  /** Exchanges at the same time over all connections. Default 4096. */
  readonly maxOpenStreams?: number
  /** Age at which connections are closed gracefully. Default never. */
  readonly maxConnectionAgeMs?: number
  /** How long one part of an exchange may take us; below the gateway's message_timeout. Milliseconds, default 900. */
  readonly answerWithinMs?: number
  /** The gateway follows overrides of its modes (allow_mode_override). Default true. */
  readonly modeOverride?: boolean
  /** Who buffers answers that are wanted in one piece. Default door. */
  readonly buffering?: 'gateway' | 'door'
  /** How long a gateway that was asked to buffer may take to show a body. Milliseconds, default 10000. */
  readonly bodyWithinMs?: number
}

export interface ExtProcDoorOptions {
  readonly createProcessor: CreateExchangeProcessor
  readonly listener: ExtProcListener
  /** Something is broken, in us or around us. `detail` is one line without data of an exchange. */
  onError(detail: string, error?: unknown): void
  /** An exchange that the door ended with an error by itself, for the log and the metrics. */
  onEmergency?(decision: Decision): void
}

export interface ExtProcDoor {
  /** Opens the listener. Rejects with an error for the operator. Not ready until {@link setReady}. */
  start(): Promise<BoundAddress>
  /** What the gRPC health service says. Exchanges are answered either way. */
  setReady(ready: boolean): void
  /** Health says NOT_SERVING, nothing new is accepted, exchanges end. Resolves to those cut off: endless ones always are. */
  drain(limitMs: number): Promise<number>
  stop(): Promise<void>
  /** Compares certificate files with what is in use now, without waiting for the interval. */
  reloadTls(): boolean
}

export const extProcService = 'envoy.service.ext_proc.v3.ExternalProcessor'

/** As in the ext_authz door: room in which an oversized message is still answered by us instead of by a gRPC error. */
const oversizeRoom = 32 * 1024 * 1024

/**
 * Envoy's external processing over gRPC, with the standard health service beside it. The gateway must have
 * `max_requests_per_connection` (at most 900) on the cluster of this door: Envoy cancels each stream, and Node ends a
 * connection with all that is on it after 1000 cancelled streams and 33 a second (HTTP/2 rapid reset, CVE-2023-44487).
 */
export function createExtProcDoor({
  createProcessor,
  listener,
  onError,
  onEmergency,
}: ExtProcDoorOptions): ExtProcDoor {
  const { name, profile, trust, address, tls, maxConcurrentStreams, maxConnectionAgeMs } = listener
  const { maxMessageBytes = 5 * 1024 * 1024, maxBufferedBytes, maxOpenStreams, answerWithinMs } = listener
  const { modeOverride, buffering, bodyWithinMs } = listener
  const health = createGrpcHealth([extProcService])
  const process = createProcessHandler({
    createProcessor,
    listener: { name, door: 'ext-proc', profile, trust },
    maxMessageBytes,
    onError,
    ...(onEmergency !== undefined && { onEmergency }),
    ...(maxBufferedBytes !== undefined && { maxBufferedBytes }),
    ...(maxOpenStreams !== undefined && { maxOpenStreams }),
    ...(answerWithinMs !== undefined && { answerWithinMs }),
    ...(modeOverride !== undefined && { modeOverride }),
    ...(buffering !== undefined && { buffering }),
    ...(bodyWithinMs !== undefined && { bodyWithinMs }),
  })
  const service = { unary: new Map(), bidiStreams: new Map([[`/${extProcService}/Process`, process]]) }
  const transport = createGrpcJsTransport([service, health], {
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
