import type { Decide, Decision } from '../../decision/decision.js'
import type { InboundRequest, ListenerTrust } from '../../protocol/inbound-request.js'
import { createGrpcDoor, type GrpcDoor, type TransportName } from '../grpc/grpc-door.js'
import type { ListenAddress } from '../grpc/listener-socket.js'
import type { TlsSettings } from '../grpc/tls-server.js'
import { createRequestHandler } from './request-handler.js'
import { createResponseHandler } from './response-handler.js'
import type { ReviewResult } from './review-result.js'

export interface ExtMcpListener {
  readonly name: string
  readonly trust: ListenerTrust
  readonly address: ListenAddress
  readonly tls?: TlsSettings
  /** Largest McpRequest or McpResponse in bytes; larger ones are denied. Default 5 MiB. */
  readonly maxMessageBytes?: number
  /** Requests per connection at the same time. Default 1000. */
  readonly transport?: TransportName
  readonly maxConcurrentStreams?: number
  /** Decisions of one phase that may wait at the same time. Default 1024. */
  readonly maxInFlight?: number
  /** Age at which connections are closed gracefully. Default never. */
  readonly maxConnectionAgeMs?: number
  /** How long a message may take that comes without a deadline. Milliseconds, default 2000; agentgateway waits for 10 s. */
  readonly answerWithinMs?: number
}

export interface ExtMcpDoorOptions {
  readonly decide: Decide
  readonly listener: ExtMcpListener
  /** What becomes of results. Default: lists are refused, because nobody filters them, and everything else passes. */
  readonly reviewResult?: ReviewResult
  /** Something is broken, in us or around us. `detail` is one line without data of a request. */
  onError(detail: string, error?: unknown): void
  /** A denial that `decide` knows nothing of, for the log and the metrics; without request when none could be read. */
  onEmergency?(decision: Decision, request: InboundRequest | undefined): void
}

export type ExtMcpDoor = GrpcDoor

export const extMcpService = 'agentgateway.dev.ext_mcp.ExtMcp'

/** agentgateway's policy service for MCP (mcpGuardrails) over gRPC, with the standard health service beside it. */
export function createExtMcpDoor(options: ExtMcpDoorOptions): ExtMcpDoor {
  const { decide, onError, onEmergency, reviewResult } = options
  const { name, trust } = options.listener
  const { maxMessageBytes = 5 * 1024 * 1024, maxInFlight, answerWithinMs } = options.listener
  const common = {
    listener: { name, door: 'ext-mcp', profile: 'agentgateway', trust },
    maxMessageBytes,
    onError,
    ...(onEmergency !== undefined && { onEmergency }),
    ...(maxInFlight !== undefined && { maxInFlight }),
    ...(answerWithinMs !== undefined && { answerWithinMs }),
  } as const
  const service = {
    unary: new Map([
      [`/${extMcpService}/CheckRequest`, createRequestHandler({ ...common, decide })],
      [`/${extMcpService}/CheckResponse`, createResponseHandler({ ...common, ...(reviewResult && { reviewResult }) })],
    ]),
  }
  return createGrpcDoor({ name: extMcpService, service, listener: options.listener, maxMessageBytes, onError })
}
