import type { Call } from './call.js'
import type { CallResult } from './call-result.js'
import type { InboundRequest } from './inbound-request.js'
import { isJsonObject } from './json-value.js'
import { type JsonLimits, parseStrictJson } from './strict-json.js'

const unread = { id: undefined, kind: undefined, era: undefined } as const

/** A POST with any JSON object as body, for servers that speak no MCP (e.g. an LLM route). `params` is the body. */
export function readJsonCall(request: InboundRequest, limits?: JsonLimits): CallResult {
  if (request.method !== 'POST') {
    const message = 'This server takes POST with a JSON body.'
    return { ok: false, reason: 'framing.http_method', message, status: 405, ...unread }
  }
  if (request.body.state !== 'complete') {
    const reason = request.body.state === 'absent' ? 'framing.body_missing' : 'framing.body_incomplete'
    return { ok: false, reason, message: 'The whole JSON body is needed.', status: 400, ...unread }
  }
  const json = parseStrictJson(request.body.bytes, limits)
  if (!json.ok) {
    const status = json.reason === 'message.too_large' ? 413 : 400
    return { ok: false, reason: json.reason, message: json.message, status, ...unread }
  }
  if (!isJsonObject(json.value)) {
    return { ok: false, reason: 'message.params', message: 'The body must be a JSON object.', status: 400, ...unread }
  }
  const call: Call = {
    protocol: 'json',
    kind: 'request',
    era: 'modern',
    version: undefined,
    id: undefined,
    method: '',
    target: { kind: 'none' },
    alsoTargets: [],
    params: json.value,
    arguments: undefined,
    sessionId: undefined,
  }
  return { ok: true, call }
}
