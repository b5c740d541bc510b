import type { Decide, Decision } from '../../decision/decision.js'
import type { GatewayProfile, InboundRequest, ListenerTrust } from '../../protocol/inbound-request.js'
import { createGrpcDoor, type GrpcDoor, type TransportName } from '../grpc/grpc-door.js'
import type { ListenAddress } from '../grpc/listener-socket.js'
import type { TlsSettings } from '../grpc/tls-server.js'
import { type CheckHandlerOptions, createCheckHandler } from './check-handler.js'

export interface ExtAuthzListener {
  readonly name: string
  readonly profile: GatewayProfile
  readonly trust: ListenerTrust
  readonly address: ListenAddress
  readonly tls?: TlsSettings
  /** Largest CheckRequest in bytes; larger ones are denied. Default 5 MiB. */
  readonly maxMessageBytes?: number
  /** Requests per connection at the same time. Default 1000. */
  readonly transport?: TransportName
  readonly maxConcurrentStreams?: number
  /** Decisions that may wait at the same time. Default 1024. */
  readonly maxInFlight?: number
  /**
   * How long a request may take that comes without a deadline. Milliseconds. Default: 2000 with the profile agentgateway,
   * which never says how long it waits; else each part takes its own time.
   */
  readonly answerWithinMs?: number
  /** The body limit of a gateway whose routes cannot tell it; a body that fills it is refused. Bytes. Default: none is known. */
  readonly gatewayBodyBytes?: number
  /** Age at which connections are closed gracefully. Default never. */
  readonly maxConnectionAgeMs?: number
}

export interface ExtAuthzDoorOptions {
  readonly decide: Decide
  readonly listener: ExtAuthzListener
  /** As in {@link CheckHandlerOptions}; gets what the record tells of this listener. Default: nothing is refused. */
  refusal?(listener: InboundRequest['listener'], read: () => InboundRequest | undefined): Decision | undefined
  /** Something is broken, in us or around us. `detail` is one line without data of a request. */
  onError(detail: string, error?: unknown): void
  /** A denial that `decide` knows nothing of, for the log and the metrics; without request when none could be read. */
  onEmergency?(decision: Decision, request: InboundRequest | undefined): void
}

export type ExtAuthzDoor = GrpcDoor

export const extAuthzService = 'envoy.service.auth.v3.Authorization'

/** Milliseconds for what comes without a deadline, where the gateway never has one. */
const ownLimits: Readonly<Record<GatewayProfile, number | undefined>> = { envoy: undefined, agentgateway: 2000 }

/** Envoy's external authorization over gRPC, with the standard health service beside it. */
export function createExtAuthzDoor(options: ExtAuthzDoorOptions): ExtAuthzDoor {
  const { decide, listener, onError, onEmergency, refusal } = options
  const { name, profile, trust, gatewayBodyBytes } = listener
  const answerWithinMs = listener.answerWithinMs ?? ownLimits[profile]
  const maxMessageBytes = listener.maxMessageBytes ?? 5 * 1024 * 1024
  const told: CheckHandlerOptions['listener'] = {
    ...{ name, door: 'ext-authz', profile, trust },
    ...(gatewayBodyBytes !== undefined && { gatewayBodyBytes }),
  }
  const check = createCheckHandler({
    decide,
    listener: told,
    ...(refusal !== undefined && { refusal: (read: () => InboundRequest | undefined) => refusal(told, read) }),
    maxMessageBytes,
    onError,
    ...(answerWithinMs === undefined ? {} : { answerWithinMs }),
    ...(onEmergency === undefined ? {} : { onEmergency }),
    ...(listener.maxInFlight === undefined ? {} : { maxInFlight: listener.maxInFlight }),
  })
  const service = { unary: new Map([[`/${extAuthzService}/Check`, check]]) }
  return createGrpcDoor({ name: extAuthzService, service, listener, maxMessageBytes, onError })
}
