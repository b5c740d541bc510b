import type { InboundRequest } from '../../../protocol/inbound-request.js'
import { writeJson } from '../write-json.js'
import { callerHeaders } from './caller-headers.js'
import { type CallRules, readCall } from './read-call.js'
import { readContext } from './read-context.js'
import type { Tuple } from './read-evaluations.js'
import { readSubject } from './read-subject.js'
import type { Refused } from './refused.js'

export interface EvaluationRules extends CallRules {
  readonly listener: InboundRequest['listener']
  readonly subjectClaim: string
  /** Milliseconds since the epoch. */
  readonly deadline: number
  readonly traceparent: string | undefined
  /** Bytes that the messages of one HTTP request may still come to: defaults would multiply them otherwise. */
  readonly room: { bytes: number }
}

export interface Evaluation {
  readonly ok: true
  readonly request: InboundRequest
  /** Whether the answer has the id of the caller's message, or needs none, so that it can be handed on as it is. */
  readonly addressed: boolean
}

/**
 * One evaluation as the request that the caller made of the server, so that it is judged as if the gateway had sent it
 * through any other door. `action.name` is the MCP method and `action.properties.params` its params, `resource` what it
 * touches (COAZ-MCP default mappings), `context.request` what else of the HTTP request policies may look at.
 */
export function readEvaluation(tuple: Tuple, rules: EvaluationRules): Evaluation | Refused {
  const trusted = rules.listener.trust !== 'none'
  const subject = readSubject(tuple.subject, { trusted, claim: rules.subjectClaim })
  if (!subject.ok) return subject
  const call = readCall(tuple, rules)
  if (!call.ok) return call
  const context = readContext(tuple.context, trusted)
  if (!context.ok) return context
  // Once it is used up, nothing is put together any more.
  if (rules.room.bytes < 0) return tooMuch
  const { server, method } = call
  const notification = method.startsWith('notifications/')
  const id = notification ? '' : `"id":${context.id ?? '1'},`
  const params = call.params.size === 0 ? '' : `,"params":${writeJson(call.params)}`
  const bytes = Buffer.from(`{"jsonrpc":"2.0",${id}"method":${JSON.stringify(method)}${params}}`)
  rules.room.bytes -= bytes.length
  if (rules.room.bytes < 0) return tooMuch
  const headers = callerHeaders(subject, call, context.headers)
  const request: InboundRequest = {
    method: 'POST',
    scheme: 'https',
    authority: server.authority,
    path: server.path,
    query: undefined,
    headers,
    body: { state: 'complete', bytes },
    peer: { address: context.sourceAddress, principal: context.workload },
    context: {
      extensions: new Map([['mcp-server', server.name]]),
      routeMetadata: new Map(),
      filterMetadata: subject.asserted === undefined ? new Map() : new Map([[jwtFilter, subject.asserted]]),
    },
    traceparent: rules.traceparent,
    deadline: rules.deadline,
    listener: rules.listener,
  }
  return { ok: true, request, addressed: notification || context.id !== undefined }
}

/** Where the authenticator finds what a gateway verified. */
const jwtFilter = 'envoy.filters.http.jwt_authn'

const tooMuch: Refused = {
  ok: false,
  reason: 'message.too_large',
  message: 'The evaluations of this request come to too much together; send fewer at once.',
}
