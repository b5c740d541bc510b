import type { KnownId } from './call.js'
import { FoldedKeys } from './fold-key.js'
import { isJsonArray, isJsonObject, type JsonArray, type JsonObject, type JsonValue } from './json-value.js'
import type { MessageReason } from './reasons.js'
import { type JsonLimits, parseStrictJson } from './strict-json.js'

export type JsonRpcMessage =
  | {
      readonly kind: 'request'
      readonly id: string
      readonly method: string
      readonly params: JsonObject | undefined
    }
  | {
      readonly kind: 'notification'
      readonly id: undefined
      readonly method: string
      readonly params: JsonObject | undefined
    }
  | {
      readonly kind: 'response'
      readonly id: string
      readonly outcome: 'result' | 'error'
      readonly value: JsonValue
    }

export type JsonRpcResult =
  | { readonly ok: true; readonly message: JsonRpcMessage }
  | {
      readonly ok: false
      readonly reason: MessageReason
      readonly message: string
      /** The id if it could be read and is valid, so that a denial can echo it. */
      readonly id: KnownId
    }

const withId = { lexemeOf: 'id' } as const
const protocolKeys = new FoldedKeys(['jsonrpc', 'id', 'method', 'params', 'result', 'error'])
/** Characters of an id's lexeme. Clients send counters and UUIDs. */
const maxIdLength = 512
const int64Digits = '-9223372036854775808'.length
const shortestBeyondInt64 = '9223372036854775808'.length
const int64Min = -(2n ** 63n)
const int64Max = 2n ** 63n - 1n
const integerLexeme = /^(?:0|-?[1-9][0-9]*)$/

/** Messages of a batch; each is judged, answered and recorded on its own. */
export const maxBatch = 32

export type JsonRpcBatch = {
  readonly ok: true
  readonly batch: readonly JsonRpcMessage[]
}

/**
 * Reads one JSON-RPC 2.0 message of the closed shape `{jsonrpc, id, method, params}` or `{jsonrpc, id, result | error}`.
 * Batches, mixed shapes, other top-level keys and keys that fold to a protocol key are refused, because servers disagree
 * about them. Never throws.
 */
export function readJsonRpc(bytes: Uint8Array, limits?: JsonLimits): JsonRpcResult
/** With `batches`, an array of such messages is read too: none of them malformed, no id twice, at most 32. */
export function readJsonRpc(
  bytes: Uint8Array,
  limits: JsonLimits | undefined,
  batches: boolean,
): JsonRpcResult | JsonRpcBatch
export function readJsonRpc(bytes: Uint8Array, limits?: JsonLimits, batches = false): JsonRpcResult | JsonRpcBatch {
  const json = parseStrictJson(bytes, limits === undefined ? withId : { ...limits, ...withId })
  if (!json.ok) {
    const id = json.lexeme !== undefined && isIdLexeme(json.lexeme) ? json.lexeme : undefined
    return { ok: false, reason: json.reason, message: json.message, id }
  }
  if (!isJsonArray(json.value)) return readMessage(json.value, json.lexeme)
  if (batches) return readBatch(json.value, json.lexemes ?? [])
  return refuseBatch('Batches are not accepted; send one message per request.')
}

function readBatch(elements: JsonArray, lexemes: readonly (string | undefined)[]): JsonRpcResult | JsonRpcBatch {
  if (elements.length === 0) return refuseBatch('The batch is empty; send one message per request.')
  if (elements.length > maxBatch) return refuseBatch(`A batch has at most ${maxBatch} messages; send fewer at once.`)
  const batch: JsonRpcMessage[] = []
  const ids = new Set<string>()
  for (const [index, element] of elements.entries()) {
    const read = readMessage(element, lexemes[index])
    if (!read.ok) {
      // Which of the messages an id would belong to is not clear to a client whose batch is refused as a whole.
      return { ...read, message: `Message ${index + 1} of the batch: ${read.message}`, id: undefined }
    }
    batch.push(read.message)
    const id = isJsonObject(element) ? element.get('id') : undefined
    if (id === undefined) continue
    // By value, so that 7, "7" and "\u0037" are one: an answer could not be told from another.
    if (ids.has(String(id))) return refuseBatch('Two messages of the batch have the same id.')
    ids.add(String(id))
  }
  const responses = batch.filter(message => message.kind === 'response').length
  if (responses !== 0 && responses !== batch.length) {
    return refuseBatch('A batch holds either requests and notifications, or responses.')
  }
  return { ok: true, batch }
}

function refuse(id: KnownId, reason: MessageReason, message: string): JsonRpcResult {
  return { ok: false, reason, message, id }
}

function refuseBatch(message: string): JsonRpcResult {
  return { ok: false, reason: 'message.batch', message, id: undefined }
}

function readMessage(root: JsonValue, lexeme: string | undefined): JsonRpcResult {
  const id = lexeme !== undefined && isIdLexeme(lexeme) ? lexeme : undefined
  if (!isJsonObject(root)) return refuse(id, 'message.not_jsonrpc', 'The body must be one JSON-RPC object.')

  const { version, method, params, foreign } = readMembers(root)
  if (foreign !== undefined && protocolKeys.anyMistakable(root.keys())) {
    return refuse(
      id,
      'message.folded_key',
      'A key of the message differs from a JSON-RPC key only in case; spell it exactly.',
    )
  }
  if (version !== '2.0') return refuse(id, 'message.not_jsonrpc', 'The member "jsonrpc" must be "2.0".')
  if (lexeme !== undefined && id === undefined) {
    return refuse(id, 'message.id', 'The id must be a string or an integer of 64 bits, and short.')
  }
  if (method === undefined) return readResponse(root, id)

  if (foreign !== undefined) {
    return refuse(
      id,
      'message.not_jsonrpc',
      foreign === 'result' || foreign === 'error'
        ? 'A message with a method cannot have a result or an error.'
        : 'A request has the members jsonrpc, id, method and params and no others.',
    )
  }
  if (typeof method !== 'string' || method === '') {
    return refuse(id, 'message.not_jsonrpc', 'The method must be a string that is not empty.')
  }
  if (params !== undefined && !isJsonObject(params)) {
    return refuse(id, 'message.params', 'The params must be an object; leave them out if there are none.')
  }
  const message: JsonRpcMessage =
    id === undefined ? { kind: 'notification', id, method, params } : { kind: 'request', id, method, params }
  return { ok: true, message }
}

interface Members {
  readonly version: JsonValue | undefined
  readonly method: JsonValue | undefined
  readonly params: JsonValue | undefined
  /** The first key that is none of a request. */
  readonly foreign: string | undefined
}

/** In one pass: to look each of them up would take as long as reading a short message. */
function readMembers(root: JsonObject): Members {
  let version: JsonValue | undefined
  let method: JsonValue | undefined
  let params: JsonValue | undefined
  let foreign: string | undefined
  for (const [key, value] of root) {
    switch (key) {
      case 'jsonrpc':
        version = value
        break
      case 'method':
        method = value
        break
      case 'params':
        params = value
        break
      case 'id':
        break
      default:
        foreign ??= key
    }
  }
  return { version, method, params, foreign }
}

function readResponse(root: JsonObject, id: KnownId): JsonRpcResult {
  const result = root.get('result')
  const error = root.get('error')
  if ((result === undefined) === (error === undefined)) {
    return refuse(
      id,
      'message.not_jsonrpc',
      'A message needs a method, or, as a response, either a result or an error.',
    )
  }
  if (root.size !== (id === undefined ? 2 : 3)) {
    return refuse(
      id,
      'message.not_jsonrpc',
      'A response has the members jsonrpc, id and result or error and no others.',
    )
  }
  if (id === undefined) return refuse(id, 'message.id', 'A response needs the id of the request that it answers.')
  if (result !== undefined) {
    if (!isJsonObject(result)) return refuse(id, 'message.not_jsonrpc', 'The result of a response must be an object.')
    return { ok: true, message: { kind: 'response', id, outcome: 'result', value: result } }
  }
  const wellFormed =
    isJsonObject(error) && typeof error.get('code') === 'bigint' && typeof error.get('message') === 'string'
  if (!wellFormed)
    return refuse(id, 'message.not_jsonrpc', 'The error of a response needs an integer code and a message.')
  return { ok: true, message: { kind: 'response', id, outcome: 'error', value: error } }
}

/**
 * `-0` is no id: a server that reads it as a number answers with `0`. Neither is an integer beyond int64, which gateways
 * have taken for no id at all, and a request without an id for a notification.
 */
function isIdLexeme(lexeme: string): boolean {
  if (lexeme.startsWith('"')) return lexeme.length <= maxIdLength
  if (lexeme.length > int64Digits || !integerLexeme.test(lexeme)) return false
  // Nearly every id is short, and a bigint costs more than all that is asked here.
  if (lexeme.length < shortestBeyondInt64) return true
  const id = BigInt(lexeme)
  return id >= int64Min && id <= int64Max
}
