import type { Call, Era } from '../call.js'
import type { CallFailure, CallResult } from '../call-result.js'
import type { InboundRequest } from '../inbound-request.js'
import { readJsonCall } from '../json-call.js'
import { type JsonRpcMessage, readJsonRpc } from '../json-rpc.js'
import type { MethodReason, ProtocolReason } from '../reasons.js'
import type { JsonLimits } from '../strict-json.js'
import { readEra } from './era.js'
import { headerMismatch, headerMismatchCode } from './header-rules.js'
import { isEnabled, type McpMethod, methodTable } from './method-table.js'
import { readSessionId } from './session-id.js'
import { readStreamOrClose } from './stream-or-close.js'
import { type ParamsFailure, readArguments, readTargets, refuseParams } from './targets.js'

export interface ReadCallOptions {
  readonly protocol: 'mcp' | 'json'
  /** What the Server lists under `methods`: extension methods by name, or a family such as `tasks/*`. */
  readonly methods: ReadonlySet<string>
  readonly limits?: JsonLimits
}

/**
 * Reads the HTTP request as one MCP or JSON call: body first, then what the headers say about it. Framing is taken as
 * checked (framing.ts); a body that is not complete is refused all the same. Everything unknown is refused. Never throws.
 */
export function readCall(request: InboundRequest, options: ReadCallOptions): CallResult {
  if (options.protocol === 'json') return readJsonCall(request, options.limits)
  switch (request.method) {
    case 'POST':
      return readMessage(request, options)
    case 'GET':
      return readStreamOrClose(request, 'stream')
    case 'DELETE':
      return readStreamOrClose(request, 'close')
    default:
      return {
        ...{ ok: false, reason: 'framing.http_method', message: 'MCP uses POST, GET and DELETE.', status: 405 },
        ...unread,
      }
  }
}

const unread = { id: undefined, kind: undefined, era: undefined } as const

function readMessage(request: InboundRequest, options: ReadCallOptions): CallResult {
  if (request.body.state !== 'complete') {
    const reason = request.body.state === 'absent' ? 'framing.body_missing' : 'framing.body_incomplete'
    return { ok: false, reason, message: 'The whole body of the message is needed.', status: 400, ...unread }
  }
  const read = readJsonRpc(request.body.bytes, options.limits)
  if (!read.ok) {
    const { reason, message, id } = read
    const status = reason === 'message.too_large' ? 413 : 400
    return { ok: false, reason, message, status, jsonRpcCode: messageCode(reason), ...unread, id }
  }
  const message = read.message
  const method = message.kind === 'response' ? '' : message.method
  const params = message.kind === 'response' ? undefined : message.params
  const badParams = refuseParams(params)
  if (badParams !== undefined) return broken(message, undefined, badParams)

  const era = readEra(message.kind, method, params, request.headers)
  if (!era.ok) {
    return broken(message, era.era, { reason: 'message.era', message: era.message }, era.jsonRpcCode)
  }
  const session = readSessionId(request.headers, era.era)
  if (!session.ok) return broken(message, era.era, session, -32600)
  if (message.kind === 'response') {
    return readResponse(message, request, { era: era.era, version: era.version, sessionId: session.id })
  }

  const row = methodTable.get(method)
  const refused = refuseMethod(message, row, era.era, options.methods)
  if (refused !== undefined) return refused
  const isNotification = row === undefined ? method.startsWith('notifications/') : row.kind === 'notification'
  if (isNotification !== (message.kind === 'notification')) {
    return broken(message, era.era, {
      reason: 'message.id',
      message: isNotification
        ? 'A notification has no id.'
        : 'A request needs an id; without one no server executes it.',
    })
  }

  const targets = row === undefined ? noTargets : readTargets(row, params)
  if (!targets.ok) return broken(message, era.era, targets)
  const args = row?.takesArguments === true ? readArguments(params) : noArguments
  if (!args.ok) return broken(message, era.era, args)
  if (targets.alsoTargets.some(target => target.kind === 'task') && !isEnabled('tasks/get', options.methods)) {
    return denyMethod(message, era.era, 'method.not_enabled', 'Tasks are not enabled for this server.')
  }

  const mismatch = headerMismatch(
    {
      era: era.era,
      kind: message.kind,
      version: era.version,
      method,
      name: targets.target.kind === 'none' ? undefined : targets.target.name,
      nameRequired: row?.nameHeader === true,
    },
    request.headers,
  )
  if (mismatch !== undefined) {
    const code = era.era === 'modern' ? headerMismatchCode : -32600
    return broken(message, era.era, { reason: 'message.header_mismatch', message: mismatch }, code)
  }
  return {
    ok: true,
    // Written out: a spread here costs more than all the checks above.
    call: {
      protocol: 'mcp',
      kind: message.kind,
      era: era.era,
      version: era.version,
      id: message.id,
      method,
      target: targets.target,
      alsoTargets: targets.alsoTargets,
      params,
      arguments: args.arguments,
      sessionId: session.id,
    },
  }
}

const noTargets = { ok: true, target: { kind: 'none' }, alsoTargets: [] } as const
const noArguments = { ok: true, arguments: undefined } as const

/** The answer of a client to a request of the server: legacy only, and only within a session. */
function readResponse(
  message: JsonRpcMessage & { readonly kind: 'response' },
  request: InboundRequest,
  common: Pick<Call, 'era' | 'version' | 'sessionId'>,
): CallResult {
  const { era, version, sessionId } = common
  if (sessionId === undefined) {
    const text = 'A response needs the Mcp-Session-Id of the session whose request it answers.'
    return broken(message, era, { reason: 'session.missing', message: text }, -32600)
  }
  const mirrored = { era, version, kind: 'response', method: '', name: undefined, nameRequired: false } as const
  const mismatch = headerMismatch(mirrored, request.headers)
  if (mismatch !== undefined) {
    return broken(message, era, { reason: 'message.header_mismatch', message: mismatch }, -32600)
  }
  return {
    ok: true,
    call: {
      protocol: 'mcp',
      kind: 'response',
      era,
      version,
      id: message.id,
      method: '',
      target: { kind: 'none' },
      alsoTargets: [],
      params: undefined,
      arguments: undefined,
      sessionId,
    },
  }
}

function refuseMethod(
  message: JsonRpcMessage,
  row: McpMethod | undefined,
  era: Era,
  enabled: ReadonlySet<string>,
): CallFailure | undefined {
  if (message.kind === 'response') return undefined
  if (row === undefined) {
    if (isEnabled(message.method, enabled)) return undefined
    return denyMethod(message, era, 'method.unknown', 'This method is not known here, and the server does not list it.')
  }
  if (row.direction === 'toClient') {
    return denyMethod(message, era, 'method.direction', 'Only servers send this method; clients cannot.')
  }
  if (!row.eras.includes(era)) {
    const text = `This method is not part of the ${era === 'modern' ? 'protocol from 2026-07-28 on' : 'protocol up to 2025-11-25'}.`
    return denyMethod(message, era, 'method.era', text)
  }
  if (row.needs === 'enabled' && !isEnabled(row.name, enabled)) {
    return denyMethod(message, era, 'method.not_enabled', 'This method is not enabled for this server.')
  }
  return undefined
}

function denyMethod(message: JsonRpcMessage, era: Era, reason: MethodReason, text: string): CallFailure {
  return { ok: false, reason, message: text, id: message.id, kind: message.kind, era, jsonRpcCode: -32601 }
}

function broken(
  message: JsonRpcMessage,
  era: Era | undefined,
  failure: Pick<ParamsFailure, 'message'> & { readonly reason: ProtocolReason },
  jsonRpcCode = messageCode(failure.reason),
): CallFailure {
  const { reason, message: text } = failure
  return { ok: false, reason, message: text, id: message.id, kind: message.kind, era, status: 400, jsonRpcCode }
}

/** JSON-RPC 2.0, section 5.1. */
function messageCode(reason: ProtocolReason): number {
  switch (reason) {
    case 'message.not_json':
    case 'message.encoding':
      return -32700
    case 'message.params':
    case 'message.name':
    case 'message.uri':
      return -32602
    default:
      return -32600
  }
}
