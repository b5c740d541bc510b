import type { Decision } from '../../decision/decision.js'
import type { InboundRequest } from '../../protocol/inbound-request.js'
import { methodTable } from '../../protocol/mcp/method-table.js'
import type { UnaryHandler } from '../grpc/grpc-transport.js'
import { AnswerMcp, type McpHandlerOptions } from './answer-mcp.js'
import { inboundOf } from './inbound-of-message.js'
import { readMcpResponse } from './read-mcp-message.js'
import type { ReviewedResult, ReviewResult } from './review-result.js'
import { lastResort, writePassedResult, writeRefusedResult } from './write-mcp-result.js'

export interface ResponseHandlerOptions extends McpHandlerOptions {
  readonly reviewResult?: ReviewResult
}

/** What says under `metadata` that our own ext_authz allowed the request: `default(extauthz.decision, "") == "allow"`. */
const judgedKey = 'judged'

/** One CheckResponse: bytes in, bytes out. Whatever happens inside, the answer is a result that was judged, or an error. */
export function createResponseHandler(options: ResponseHandlerOptions): UnaryHandler {
  const answer = new AnswerMcp(options)

  const refuse = (decision: Decision): Uint8Array => {
    try {
      return writeRefusedResult(decision)
    } catch (error) {
      answer.report('a decision could not be encoded', error)
      return lastResort
    }
  }
  const write = (reviewed: ReviewedResult | Decision, given: Uint8Array, request: InboundRequest): Uint8Array => {
    if ('outcome' in reviewed) return refuse(reviewed)
    if (reviewed.ok) return writePassedResult(reviewed.result === given ? undefined : reviewed.result)
    answer.record(reviewed.decision, request)
    return refuse(reviewed.decision)
  }

  return (message, context) => {
    let request: InboundRequest | undefined
    try {
      if (message.length > answer.maxMessageBytes) {
        answer.report('an McpResponse is larger than maxMessageBytes')
        return refuse(answer.deny('message.too_large', 'The result is larger than can be judged here', undefined))
      }
      const read = readMcpResponse(message)
      if (!read.ok || read.message.payload === undefined) {
        answer.report(read.ok ? 'an McpResponse has no result' : read.detail)
        return refuse(answer.deny('message.encoding', 'The authorization service could not read the result', undefined))
      }
      const { method, payload: result } = read.message
      const asked = inboundOf(
        { ...read.message, payload: undefined },
        options.listener,
        answer.deadline(context.deadline),
      )
      request = asked
      const direction = methodTable.get(method)?.direction
      if (direction === undefined || direction === 'toClient') {
        answer.report('an McpResponse names a method that is not known here')
        return refuse(answer.deny('message.encoding', 'The result is one of a method that is not known here', asked))
      }
      if (unshown.has(method) && read.message.metadata.get(judgedKey) !== true) {
        answer.report(`a result of ${method}, for which no request was judged: put ext_authz of ours before (docs)`)
        return refuse(answer.deny('internal.error', 'Nobody has judged the request for this result', asked))
      }
      if (options.reviewResult === undefined && method.endsWith('/list')) {
        answer.report('lists are not filtered here; take them out of mcpGuardrails.methods')
        // What should have been filtered must not pass for filtered.
        return refuse(answer.deny('internal.error', 'Nobody filters lists here', asked))
      }
      if (options.reviewResult === undefined) return writePassedResult(undefined)
      const reviewed = options.reviewResult({ request: asked, method, result })
      if (!(reviewed instanceof Promise)) return write(reviewed, result, asked)
      return answer
        .wait(reviewed, asked)
        .then(settled => write(settled, result, asked))
        .catch(() => lastResort)
    } catch (error) {
      answer.report('a result could not be judged', error)
      return refuse(answer.deny('internal.error', 'The authorization service failed', request))
    }
  }
}

/** The gateway shows no request for these: what they name was not judged here. */
const unshown: ReadonlySet<string> = new Set(['resources/subscribe', 'resources/unsubscribe', 'completion/complete'])
