import type { Decide, Decision } from '../../decision/decision.js'
import type { InboundRequest } from '../../protocol/inbound-request.js'
import type { UnaryHandler } from '../grpc/grpc-transport.js'
import { AnswerMcp, type McpHandlerOptions } from './answer-mcp.js'
import { inboundOf, lacksTarget } from './inbound-of-message.js'
import { readMcpRequest } from './read-mcp-message.js'
import { lastResort, writeRequestResult } from './write-mcp-result.js'

export interface RequestHandlerOptions extends McpHandlerOptions {
  readonly decide: Decide
}

/** One CheckRequest: bytes in, bytes out. Whatever happens inside, the answer is a pass that was decided, or an error. */
export function createRequestHandler(options: RequestHandlerOptions): UnaryHandler {
  const answer = new AnswerMcp(options)

  const encode = (decision: Decision): Uint8Array | undefined => {
    try {
      const written = writeRequestResult(decision)
      if (written.ok) return written.bytes
      answer.report(`a decision could not be sent: ${written.detail}`)
    } catch (error) {
      answer.report('a decision could not be encoded', error)
    }
    return undefined
  }
  const fail = (request: InboundRequest | undefined): Uint8Array =>
    encode(answer.deny('internal.error', 'The authorization service failed', request)) ?? lastResort
  const write = (decision: Decision, request: InboundRequest | undefined): Uint8Array =>
    encode(decision) ?? fail(request)

  return (message, context) => {
    let request: InboundRequest | undefined
    try {
      if (message.length > answer.maxMessageBytes) {
        answer.report('an McpRequest is larger than maxMessageBytes')
        const text = 'The request is larger than the authorization service accepts'
        return write(answer.deny('message.too_large', text, undefined), undefined)
      }
      const read = readMcpRequest(message)
      if (!read.ok) {
        answer.report(read.detail)
        const text = 'The authorization service could not read the request'
        return write(answer.deny('message.encoding', text, undefined), undefined)
      }
      const deadline = answer.deadline(context.deadline)
      const asked = inboundOf(read.message, options.listener, deadline, context.metadata('traceparent'))
      request = asked
      if (lacksTarget(read.message)) {
        answer.report('a message with mcp-prefixed does not name the one target that it is for')
        return write(answer.deny('internal.error', 'The target of the request is not known', asked), asked)
      }
      const decision = options.decide(asked)
      if (!(decision instanceof Promise)) return write(decision, asked)
      return answer
        .wait(decision, asked)
        .then(settled => write(settled, asked))
        .catch(() => lastResort)
    } catch (error) {
      answer.report('a decision failed', error)
      return fail(request)
    }
  }
}
