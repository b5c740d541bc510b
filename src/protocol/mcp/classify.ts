import type { Call, Era } from '../call.js'
import type { CallFailure, CallResult } from '../call-result.js'
import type { InboundRequest } from '../inbound-request.js'
import { readJsonCall } from '../json-call.js'
import { type JsonRpcMessage, readJsonRpc } from '../json-rpc.js'
import type { MethodReason, ProtocolReason } from '../reasons.js'
import type { JsonLimits } from '../strict-json.js'
import { readEra, versionHeader } from './era.js'
import { headerMismatch, headerMismatchCode } from './header-rules.js'
import { type LegacySse, readSseSession, refuseLegacySse } from './legacy-sse.js'
import { isEnabled, type McpMethod, methodTable } from './method-table.js'
import { readSessionId } from './session-id.js'
import { readStreamOrClose } from './stream-or-close.js'
import { type ParamsFailure, readArguments, readTargets, refuseParams } from './targets.js'

export interface ReadCallOptions {
  readonly protocol: 'mcp' | 'json'
  /** What the Server lists under `methods`: extension methods by name, or a family such as `tasks/*`. */
  readonly methods: ReadonlySet<string>
  /** Extension methods of which the Server says what they touch. They count as listed. */
  readonly extensions?: ReadonlyMap<string, McpMethod>
  /** Set for a server of the transport HTTP+SSE. */
  readonly sse?: LegacySse | undefined
  readonly limits?: JsonLimits
}

export type CallsResult = CallResult | { readonly ok: true; readonly batch: readonly Call[] }

/**
 * Reads the HTTP request as one MCP or JSON call: body first, then what the headers say about it. Framing is taken as
 * checked (framing.ts); a body that is not complete is refused all the same. Everything unknown is refused. Never throws.
 */
export function readCall(request: InboundRequest, options: ReadCallOptions): CallResult {
  const read = readCalls(request, options, false)
  return 'batch' in read ? refuseBatch('Send one message per request.') : read
}

/**
 * The same, and with `batches` also the messages of a JSON-RPC batch (MCP 2025-03-26, where servers must take them). If one
 * of them cannot be read, none is.
 */
export function readCalls(request: InboundRequest, options: ReadCallOptions, batches: boolean): CallsResult {
  if (options.protocol === 'json') return readJsonCall(request, options.limits)
  const misplaced = options.sse && refuseLegacySse(request, options.sse)
  if (misplaced !== undefined) return misplaced
  switch (request.method) {
    case 'POST':
      return readBody(request, options, batches)
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

function readBody(request: InboundRequest, options: ReadCallOptions, batches: boolean): CallsResult {
  if (request.body.state !== 'complete') {
    const reason = request.body.state === 'absent' ? 'framing.body_missing' : 'framing.body_incomplete'
    return { ok: false, reason, message: 'The whole body of the message is needed.', status: 400, ...unread }
  }
  const read = readJsonRpc(request.body.bytes, options.limits, batches)
  if (!read.ok) {
    const { reason, message, id } = read
    const status = reason === 'message.too_large' ? 413 : 400
    return { ok: false, reason, message, status, jsonRpcCode: messageCode(reason), ...unread, id }
  }
  return 'batch' in read ? readBatch(read.batch, request, options) : readMessage(read.message, request, options)
}

/** Where servers take batches by their specification; later ones refuse them, and some execute them all the same. */
const batchVersions: ReadonlySet<string | undefined> = new Set([undefined, '2024-10-07', '2024-11-05', '2025-03-26'])

function readBatch(
  messages: readonly JsonRpcMessage[],
  request: InboundRequest,
  options: ReadCallOptions,
): CallsResult {
  if (!batchVersions.has(versionHeader(request.headers))) {
    return refuseBatch('This protocol version has no batches; send one message per request.')
  }
  if (request.headers.has('mcp-method') || request.headers.has('mcp-name')) {
    return refuseBatch('Mcp-Method and Mcp-Name describe one message; leave them out of a batch.')
  }
  const batch: Call[] = []
  for (const [index, message] of messages.entries()) {
    const read = readMessage(message, request, options)
    if (!read.ok) {
      const text = `Message ${index + 1} of the batch: ${read.message}`
      return { ...read, ...unread, message: text, status: read.status ?? 400 }
    }
    if (read.call.method === 'initialize') return refuseBatch('The request initialize must be sent on its own.')
    if (read.call.era === 'modern') return refuseBatch('From 2026-07-28 on there are no batches.')
    batch.push(read.call)
  }
  return { ok: true, batch }
}

function refuseBatch(message: string): CallFailure {
  return { ok: false, reason: 'message.batch', message, status: 400, jsonRpcCode: -32600, ...unread }
}

function readMessage(message: JsonRpcMessage, request: InboundRequest, options: ReadCallOptions): CallResult {
  const method = message.kind === 'response' ? '' : message.method
  const params = message.kind === 'response' ? undefined : message.params
  const badParams = refuseParams(params)
  if (badParams !== undefined) return broken(message, undefined, badParams)

  const era = readEra(message.kind, method, params, request.headers)
  if (!era.ok) {
    return broken(message, era.era, { reason: 'message.era', message: era.message }, era.jsonRpcCode)
  }
  if (options.sse !== undefined && era.era === 'modern') {
    const text = 'This server speaks HTTP+SSE, which is older than this protocol version; open with initialize.'
    return broken(message, era.era, { reason: 'message.era', message: text }, -32602)
  }
  const session = options.sse ? readSseSession(request, options.sse) : readSessionId(request.headers, era.era)
  if (!session.ok) return broken(message, era.era, session, -32600)
  if (message.kind === 'response') {
    return readResponse(message, request, { era: era.era, version: era.version, sessionId: session.id })
  }

  const row = methodTable.get(method) ?? options.extensions?.get(method)
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
