import type { Decision } from '../../decision/decision.js'
import type { GatewayProfile, ListenerTrust } from '../../protocol/inbound-request.js'
import { createGrpcDoor, type GrpcDoor, type TransportName } from '../grpc/grpc-door.js'
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
  /** Bytes of all bodies that we collect at the same time. Default 256 MiB. */
  readonly maxBufferedTotalBytes?: number
  /** Exchanges per connection at the same time. Default 1000. */
  readonly transport?: TransportName
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

export type ExtProcDoor = GrpcDoor

export const extProcService = 'envoy.service.ext_proc.v3.ExternalProcessor'

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
  const { name, profile, trust } = listener
  const { maxMessageBytes = 5 * 1024 * 1024, maxBufferedBytes, maxBufferedTotalBytes, maxOpenStreams } = listener
  const { answerWithinMs } = listener
  const { modeOverride, buffering, bodyWithinMs } = listener
  const process = createProcessHandler({
    createProcessor,
    listener: { name, door: 'ext-proc', profile, trust },
    maxMessageBytes,
    onError,
    ...(onEmergency !== undefined && { onEmergency }),
    ...(maxBufferedBytes !== undefined && { maxBufferedBytes }),
    ...(maxBufferedTotalBytes !== undefined && { maxBufferedTotalBytes }),
    ...(maxOpenStreams !== undefined && { maxOpenStreams }),
    ...(answerWithinMs !== undefined && { answerWithinMs }),
    ...(modeOverride !== undefined && { modeOverride }),
    ...(buffering !== undefined && { buffering }),
    ...(bodyWithinMs !== undefined && { bodyWithinMs }),
  })
  const service = { unary: new Map(), bidiStreams: new Map([[`/${extProcService}/Process`, process]]) }
  return createGrpcDoor({ name: extProcService, service, listener, maxMessageBytes, onError })
}
