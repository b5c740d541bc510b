import type { Decide, Decision } from '../../decision/decision.js'
import { emergencyDecision } from '../../decision/emergency-decision.js'
import type { InboundRequest } from '../../protocol/inbound-request.js'
import type { CallContext, UnaryHandler } from '../grpc/grpc-transport.js'
import { answerInTime } from './answer-in-time.js'
import { readCheckRequest } from './read-check-request.js'
import { writeCheckResponse } from './write-check-response.js'

export interface CheckHandlerOptions {
  readonly decide: Decide
  readonly listener: InboundRequest['listener']
  /** Decisions that may wait at the same time; further requests are denied as overload. Default 1024. */
  readonly maxInFlight?: number
  /** Larger messages are denied without being read. Bytes, default 5 MiB. */
  readonly maxMessageBytes?: number
  /** Something is broken, in us or in the gateway's configuration. `detail` holds nothing of the request. */
  onError(detail: string, error?: unknown): void
}

/** One Check: bytes in, bytes out. Whatever happens inside, the answer is an allow that was decided, or a denial. */
export function createCheckHandler(options: CheckHandlerOptions): UnaryHandler {
  const maxInFlight = options.maxInFlight ?? 1024
  const maxMessageBytes = options.maxMessageBytes ?? 5 * 1024 * 1024
  let inFlight = 0

  const report = (detail: string, error?: unknown) => {
    try {
      options.onError(detail, error)
    } catch {
      // A broken log must not change an answer.
    }
  }
  const encode = (decision: Decision): Uint8Array | undefined => {
    try {
      const written = writeCheckResponse(decision)
      if (written.ok) return written.bytes
      report(`a decision could not be sent: ${written.detail}`)
    } catch (error) {
      report('a decision could not be encoded', error)
    }
    return undefined
  }
  const write = (decision: Decision): Uint8Array =>
    encode(decision) ?? encode(emergencyDecision('internal.error', 'The authorization service failed')) ?? lastResort
  const judge = (message: Buffer, context: CallContext): Decision | Promise<Decision> => {
    if (message.length > maxMessageBytes) {
      report('a CheckRequest is larger than maxMessageBytes: lower max_request_bytes of the gateway, or raise ours')
      return emergencyDecision('message.too_large', 'The request is larger than the authorization service accepts')
    }
    const read = readCheckRequest(message, options.listener, context.deadline)
    if (!read.ok) {
      report(read.detail)
      return emergencyDecision('message.encoding', 'The authorization service could not read the request')
    }
    if (inFlight >= maxInFlight) {
      return emergencyDecision('dependency.overloaded', 'The authorization service has too many requests waiting')
    }
    const decision = options.decide(read.request)
    if (!(decision instanceof Promise)) return decision
    inFlight++
    const leave = () => {
      inFlight--
    }
    decision.then(leave, leave)
    return answerInTime(decision, context.deadline, error => report('a decision failed', error))
  }

  return (message, context) => {
    try {
      const decision = judge(message, context)
      if (decision instanceof Promise) return decision.then(write).catch(() => lastResort)
      return write(decision)
    } catch (error) {
      report('a decision failed', error)
      return encode(emergencyDecision('internal.error', 'The authorization service failed')) ?? lastResort
    }
  }
}

/** The denial that needs nothing of the rest to work: status code 7, HTTP 500, no body. */
const lastResort: Uint8Array = Uint8Array.of(0x0a, 0x02, 0x08, 0x07, 0x12, 0x05, 0x0a, 0x03, 0x08, 0xf4, 0x03)
