import type { KnownId } from './call.js'
import { FoldedKeys } from './fold-key.js'
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from './json-value.js'
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

const requestKeys = new Set(['jsonrpc', 'id', 'method', 'params'])
const protocolKeys = new FoldedKeys(['jsonrpc', 'id', 'method', 'params', 'result', 'error'])
/** Characters of an id's lexeme. Clients send counters and UUIDs. */
const maxIdLength = 512
const integerLexeme = /^(?:0|-?[1-9][0-9]*)$/

/**
 * Reads one JSON-RPC 2.0 message of the closed shape `{jsonrpc, id, method, params}` or `{jsonrpc, id, result | error}`.
 * Batches, mixed shapes, other top-level keys and keys that fold to a protocol key are refused, because servers disagree
 * about them. Never throws.
 */
export function readJsonRpc(bytes: Uint8Array, limits: JsonLimits = {}): JsonRpcResult {
  const json = parseStrictJson(bytes, { ...limits, lexemeOf: 'id' })
  const id = json.lexeme !== undefined && isIdLexeme(json.lexeme) ? json.lexeme : undefined
  if (!json.ok) return { ok: false, reason: json.reason, message: json.message, id }
  const refuse = (reason: MessageReason, message: string): JsonRpcResult => ({ ok: false, reason, message, id })
  const root = json.value
  if (isJsonArray(root)) return refuse('message.batch', 'Batches are not accepted; send one message per request.')
  if (!isJsonObject(root)) return refuse('message.not_jsonrpc', 'The body must be one JSON-RPC object.')

  if (protocolKeys.anyMistakable(root.keys())) {
    return refuse(
      'message.folded_key',
      'A key of the message differs from a JSON-RPC key only in case; spell it exactly.',
    )
  }
  if (root.get('jsonrpc') !== '2.0') return refuse('message.not_jsonrpc', 'The member "jsonrpc" must be "2.0".')
  if (json.lexeme !== undefined && id === undefined) {
    return refuse('message.id', 'The id must be a string or an integer, and short.')
  }
  if (!root.has('method')) return readResponse(root, id)

  for (const key of root.keys()) {
    if (requestKeys.has(key)) continue
    return refuse(
      'message.not_jsonrpc',
      key === 'result' || key === 'error'
        ? 'A message with a method cannot have a result or an error.'
        : 'A request has the members jsonrpc, id, method and params and no others.',
    )
  }
  const method = root.get('method')
  if (typeof method !== 'string' || method === '') {
    return refuse('message.not_jsonrpc', 'The method must be a string that is not empty.')
  }
  const params = root.get('params')
  if (params !== undefined && !isJsonObject(params)) {
    return refuse('message.params', 'The params must be an object; leave them out if there are none.')
  }
  const message: JsonRpcMessage =
    id === undefined ? { kind: 'notification', id, method, params } : { kind: 'request', id, method, params }
  return { ok: true, message }
}

function readResponse(root: JsonObject, id: KnownId): JsonRpcResult {
  const refuse = (reason: MessageReason, message: string): JsonRpcResult => ({ ok: false, reason, message, id })
  const result = root.get('result')
  const error = root.get('error')
  if ((result === undefined) === (error === undefined)) {
    return refuse('message.not_jsonrpc', 'A message needs a method, or, as a response, either a result or an error.')
  }
  if (root.size !== (id === undefined ? 2 : 3)) {
    return refuse('message.not_jsonrpc', 'A response has the members jsonrpc, id and result or error and no others.')
  }
  if (id === undefined) return refuse('message.id', 'A response needs the id of the request that it answers.')
  if (result !== undefined) {
    if (!isJsonObject(result)) return refuse('message.not_jsonrpc', 'The result of a response must be an object.')
    return { ok: true, message: { kind: 'response', id, outcome: 'result', value: result } }
  }
  const wellFormed =
    isJsonObject(error) && typeof error.get('code') === 'bigint' && typeof error.get('message') === 'string'
  if (!wellFormed) return refuse('message.not_jsonrpc', 'The error of a response needs an integer code and a message.')
  return { ok: true, message: { kind: 'response', id, outcome: 'error', value: error } }
}

/** `-0` is no id: a server that reads it as a number answers with `0`. */
function isIdLexeme(lexeme: string): boolean {
  return lexeme.length <= maxIdLength && (lexeme.startsWith('"') || integerLexeme.test(lexeme))
}
