import { atOnce, type Sliced } from '../../sliced.js'
import { FoldedKeys } from '../fold-key.js'
import { type JsonNode, type JsonOutline, type OutlineLimits, outlineJson } from '../json-outline.js'
import { MemberReader } from './member-reader.js'
import { type ResponseFailure, type ResponseReason, responseFailure } from './response-failure.js'

/** One message of a server: a response, or, on a stream, a request or notification of its own. */
export interface ServerMessage {
  readonly node: JsonNode
  /** As it was written, `null` included; undefined if there is none. Compare with `sameId`. */
  readonly id: string | undefined
  /** The value of `result`, if there is one, whatever else the message has. */
  readonly result: JsonNode | undefined
  readonly error: JsonNode | undefined
  /** There is a `method`: the message is a request or notification. */
  readonly hasMethod: boolean
  readonly params: JsonNode | undefined
}

export type ServerMessages =
  | { readonly ok: true; readonly outline: JsonOutline; readonly messages: readonly ServerMessage[] }
  | ResponseFailure

/** Messages of one answer. Batches of requests are smaller, but a server may add notifications. */
export const maxResponseBatch = 256

const messageKeys = new FoldedKeys(['jsonrpc', 'id', 'method', 'params', 'result', 'error'])
const reasons = {
  too_large: 'response.too_large',
  encoding: 'response.encoding',
  not_json: 'response.not_json',
  too_deep: 'response.too_deep',
  too_many_nodes: 'response.too_many_members',
} as const satisfies Record<string, ResponseReason>

/**
 * Reads what a server answers: one JSON-RPC message or a batch. Less strict than the reader of requests, because servers
 * that work must go on working: numbers of any size, half surrogate pairs in texts, and repeated keys where nobody here
 * looks are passed on. What a client could read in another way than we fails (see MemberReader). A message may be mixed,
 * with both a result and an error or a method: every part of it is then looked at, so that it does not matter which one a
 * client takes. A text that holds no message at all is fine and has none. Never throws.
 */
export function readServerMessages(bytes: Uint8Array, limits?: OutlineLimits): ServerMessages {
  return atOnce(serverMessagesInSlices(bytes, limits))
}

/** The same, some of it at a time; the bytes must stay as they are meanwhile. */
export function* serverMessagesInSlices(bytes: Uint8Array, limits?: OutlineLimits): Sliced<ServerMessages> {
  const read = yield* outlineJson(bytes, limits)
  if (!read.ok) return responseFailure(reasons[read.problem], read.at)
  const { outline } = read
  const members = new MemberReader(messageKeys)
  const messages: ServerMessage[] = []
  const elements = outline.kind(0) === 'array' ? outline.elements(0) : [0]
  if (elements.length > maxResponseBatch) return responseFailure('response.batch', 0)
  for (const node of elements) {
    if (outline.kind(node) !== 'object') continue
    const object = yield* members.inSlices(outline, node)
    if (!object.ok) return object
    const { values } = object
    const id = values.get('id')
    if (id !== undefined && !isId(outline, id)) return responseFailure('response.id', outline.start(id))
    messages.push({
      node,
      id: id === undefined ? undefined : outline.lexeme(id),
      result: values.get('result'),
      error: values.get('error'),
      hasMethod: values.has('method'),
      params: values.get('params'),
    })
  }
  return { ok: true, outline, messages }
}

function isId(outline: JsonOutline, id: JsonNode): boolean {
  const kind = outline.kind(id)
  return kind === 'string' || kind === 'number' || outline.lexeme(id) === 'null'
}

/**
 * Whether an answer's id is that of the request, both as they were written: servers spell an id anew, so strings compare
 * decoded and numbers by value.
 */
export function sameId(request: string, answer: string): boolean {
  if (request === answer) return true
  const [left, right] = [idValue(request), idValue(answer)]
  return left !== undefined && left === right
}

function idValue(lexeme: string): unknown {
  try {
    const value: unknown = JSON.parse(lexeme)
    return typeof value === 'string' || typeof value === 'number' ? value : undefined
  } catch {
    return undefined
  }
}

/** Which messages of an answer are meant, by their id as it was written. Default: all. */
export interface MessageChoice extends OutlineLimits {
  readonly only?: (id: string | undefined) => boolean
}

/** The messages that are meant. */
export function chosenMessages(messages: readonly ServerMessage[], { only }: MessageChoice): readonly ServerMessage[] {
  return only === undefined ? messages : messages.filter(({ id }) => only(id))
}

/** What has become of an answer. */
export interface Rewritten {
  readonly ok: true
  /** The very same array if nothing had to change. */
  readonly bytes: Uint8Array
}
