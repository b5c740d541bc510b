import type { Decide, Decision } from '../../decision/decision.js'
import type { GatewayProfile, InboundRequest, ListenerTrust } from '../../protocol/inbound-request.js'
import { createGrpcJsTransport } from '../grpc/grpc-js-transport.js'
import type { BoundAddress } from '../grpc/grpc-transport.js'
import { createGrpcHealth } from '../grpc/health.js'
import type { ListenAddress } from '../grpc/listener-socket.js'
import type { TlsSettings } from '../grpc/tls-server.js'
import { createCheckHandler } from './check-handler.js'

export interface ExtAuthzListener {
  readonly name: string
  readonly profile: GatewayProfile
  readonly trust: ListenerTrust
  readonly address: ListenAddress
  readonly tls?: TlsSettings
  /** Largest CheckRequest in bytes; larger ones are denied. Default 5 MiB. */
  readonly maxMessageBytes?: number
  /** Requests per connection at the same time. Default 1000. */
  readonly maxConcurrentStreams?: number
  /** Decisions that may wait at the same time. Default 1024. */
  readonly maxInFlight?: number
  /**
   * How long a request may take that comes without a deadline. Milliseconds. Default: 2000 with the profile agentgateway,
   * which never says how long it waits; else each part takes its own time.
   */
  readonly answerWithinMs?: number
  /** Age at which connections are closed gracefully. Default never. */
  readonly maxConnectionAgeMs?: number
}

export interface ExtAuthzDoorOptions {
  readonly decide: Decide
  readonly listener: ExtAuthzListener
  /** Something is broken, in us or around us. `detail` is one line without data of a request. */
  onError(detail: string, error?: unknown): void
  /** A denial that `decide` knows nothing of, for the log and the metrics; without request when none could be read. */
  onEmergency?(decision: Decision, request: InboundRequest | undefined): void
}

export interface ExtAuthzDoor {
  /** Opens the listener. Rejects with an error for the operator. Not ready until {@link setReady}. */
  start(): Promise<BoundAddress>
  /** What the gRPC health service says. Requests are answered either way. */
  setReady(ready: boolean): void
  /** Health says NOT_SERVING, nothing new is accepted, calls in flight end. Resolves to the calls cut off. */
  drain(limitMs: number): Promise<number>
  stop(): Promise<void>
  /** Compares certificate files with what is in use now, without waiting for the interval. */
  reloadTls(): boolean
}

export const extAuthzService = 'envoy.service.auth.v3.Authorization'

/** Milliseconds for what comes without a deadline, where the gateway never has one. */
const ownLimits: Readonly<Record<GatewayProfile, number | undefined>> = { envoy: undefined, agentgateway: 2000 }

/**
 * Room above maxMessageBytes in which an oversized message is still answered by our own denial. Beyond it the transport
 * refuses with a gRPC error, which a gateway with failure_mode_allow takes for a permission.
 */
const oversizeRoom = 32 * 1024 * 1024

/** Envoy's external authorization over gRPC, with the standard health service beside it. */
export function createExtAuthzDoor({ decide, listener, onError, onEmergency }: ExtAuthzDoorOptions): ExtAuthzDoor {
  const { name, profile, trust, address } = listener
  const answerWithinMs = listener.answerWithinMs ?? ownLimits[profile]
  const maxMessageBytes = listener.maxMessageBytes ?? 5 * 1024 * 1024
  const health = createGrpcHealth([extAuthzService])
  const check = createCheckHandler({
    decide,
    listener: { name, door: 'ext-authz', profile, trust },
    maxMessageBytes,
    onError,
    ...(answerWithinMs === undefined ? {} : { answerWithinMs }),
    ...(onEmergency === undefined ? {} : { onEmergency }),
    ...(listener.maxInFlight === undefined ? {} : { maxInFlight: listener.maxInFlight }),
  })
  const service = { unary: new Map([[`/${extAuthzService}/Check`, check]]) }
  const transport = createGrpcJsTransport([service, health], {
    address,
    maxReceiveBytes: maxMessageBytes + oversizeRoom,
    onError,
    ...(listener.tls === undefined ? {} : { tls: listener.tls }),
    ...(listener.maxConcurrentStreams === undefined ? {} : { maxConcurrentStreams: listener.maxConcurrentStreams }),
    ...(listener.maxConnectionAgeMs === undefined ? {} : { maxConnectionAgeMs: listener.maxConnectionAgeMs }),
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
