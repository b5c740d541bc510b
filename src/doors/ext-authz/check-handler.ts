import { abandon } from '../../decision/abandoned-requests.js'
import type { Decide, Decision } from '../../decision/decision.js'
import { type EmergencyReason, emergencyDecision } from '../../decision/emergency-decision.js'
import { recordedTrace } from '../../decision/recorded-trace.js'
import type { InboundRequest } from '../../protocol/inbound-request.js'
import type { CallContext, UnaryHandler } from '../grpc/grpc-transport.js'
import { answerInTime } from './answer-in-time.js'
import { readCheckRequest } from './read-check-request.js'
import { writeCheckResponse } from './write-check-response.js'

export interface CheckHandlerOptions {
  readonly decide: Decide
  readonly listener: InboundRequest['listener']
  /** Decisions that may wait at the same time; further ones that would have to are denied as overload. Default 1024. */
  readonly maxInFlight?: number
  /** Larger messages are denied without being read. Bytes, default 5 MiB. */
  readonly maxMessageBytes?: number
  /** How long a request may take that comes without a deadline. Milliseconds; default: each part takes its own time. */
  readonly answerWithinMs?: number
  /**
   * Asked for each message before it is read: the denial while there is too much to do, undefined otherwise. It is recorded
   * and counted by whoever gives it. `read` gives the request if it can be read. Default: nothing is refused.
   */
  refusal?(read: () => InboundRequest | undefined): Decision | undefined
  /** Something is broken, in us or in the gateway's configuration. `detail` holds nothing of the request. */
  onError(detail: string, error?: unknown): void
  /**
   * The door denied by itself: `decide` was not asked, or not waited for, or its decision could not be sent. For the log
   * and the metrics, which hear of all other decisions from `decide`.
   * @param request undefined when there was none that could be read
   */
  onEmergency?(decision: Decision, request: InboundRequest | undefined): void
}

/** One Check: bytes in, bytes out. Whatever happens inside, the answer is an allow that was decided, or a denial. */
export function createCheckHandler(options: CheckHandlerOptions): UnaryHandler {
  const maxInFlight = options.maxInFlight ?? 1024
  const maxMessageBytes = options.maxMessageBytes ?? 5 * 1024 * 1024
  const { answerWithinMs } = options
  let inFlight = 0

  const report = (detail: string, error?: unknown) => {
    try {
      options.onError(detail, error)
    } catch {
      // A broken log must not change an answer.
    }
  }
  const deny = (reason: EmergencyReason, message: string, request: InboundRequest | undefined): Decision => {
    const decision = emergencyDecision(reason, message, request && recordedTrace(request))
    if (request !== undefined) abandon(request)
    try {
      options.onEmergency?.(decision, request)
    } catch (error) {
      report('a denial of the door could not be recorded', error)
    }
    return decision
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
  const fail = (request: InboundRequest | undefined): Uint8Array =>
    encode(deny('internal.error', 'The authorization service failed', request)) ?? lastResort
  const write = (decision: Decision, request: InboundRequest | undefined): Uint8Array =>
    encode(decision) ?? fail(request)
  const read = (message: Buffer, context: CallContext): InboundRequest | Decision => {
    if (message.length > maxMessageBytes) {
      report('a CheckRequest is larger than maxMessageBytes: lower max_request_bytes of the gateway, or raise ours')
      return deny('message.too_large', 'The request is larger than the authorization service accepts', undefined)
    }
    const deadline = context.deadline ?? (answerWithinMs === undefined ? undefined : Date.now() + answerWithinMs)
    const result = readCheckRequest(message, options.listener, deadline, context.metadata('traceparent'))
    if (result.ok) return result.request
    report(result.detail)
    return deny('message.encoding', 'The authorization service could not read the request', undefined)
  }
  /** Without a word to the log: a refusal tells of what can be read. */
  const peek = (message: Buffer, context: CallContext): InboundRequest | undefined => {
    if (message.length > maxMessageBytes) return undefined
    const result = readCheckRequest(message, options.listener, context.deadline, context.metadata('traceparent'))
    return result.ok ? result.request : undefined
  }
  let refused: { readonly decision: Decision; readonly bytes: Uint8Array } | undefined
  const writeRefusal = (decision: Decision): Uint8Array => {
    // One decision answers many.
    if (refused?.decision !== decision) refused = { decision, bytes: write(decision, undefined) }
    return refused.bytes
  }
  const wait = (pending: Promise<Decision>, request: InboundRequest): Decision | Promise<Decision> => {
    if (inFlight >= maxInFlight) {
      // Its work was begun and what it looks up will be cached.
      pending.catch(error => report('a decision failed', error))
      return deny('dependency.overloaded', 'The authorization service has too many requests waiting', request)
    }
    inFlight++
    const leave = () => {
      inFlight--
    }
    pending.then(leave, leave)
    return answerInTime(pending, {
      deadline: request.deadline,
      deny: (reason, message) => deny(reason, message, request),
      onError: report,
    })
  }

  return (message, context) => {
    let request: InboundRequest | undefined
    try {
      const refusal = options.refusal?.(() => peek(message, context))
      if (refusal !== undefined) return writeRefusal(refusal)
      const asked = read(message, context)
      if ('outcome' in asked) return write(asked, undefined)
      request = asked
      // Asked before the limit is looked at: a caller whose decision needs no waiting does not pay for those who wait.
      const decision = options.decide(asked)
      const answer = decision instanceof Promise ? wait(decision, asked) : decision
      if (!(answer instanceof Promise)) return write(answer, asked)
      return answer.then(settled => write(settled, asked)).catch(() => lastResort)
    } catch (error) {
      report('a decision failed', error)
      return fail(request)
    }
  }
}

/** The denial that needs nothing of the rest to work: status code 7, HTTP 500, no body. */
const lastResort: Uint8Array = Uint8Array.of(0x0a, 0x02, 0x08, 0x07, 0x12, 0x05, 0x0a, 0x03, 0x08, 0xf4, 0x03)
