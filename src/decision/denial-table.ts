import type { DenialMode } from '../policy/server.js'
import type { Era } from '../protocol/call.js'

/**
 * What was refused, as far as it matters to the answer. `toolsCall` and `request` are JSON-RPC requests with an id;
 * `body` is the call of a `json` Server, which has nowhere to put an answer of ours; `unread` is a message of which not
 * even the kind is known.
 */
export const messageKinds = [
  'toolsCall',
  'request',
  'notification',
  'response',
  'stream',
  'close',
  'preflight',
  'body',
  'unread',
] as const
export type MessageKind = (typeof messageKinds)[number]

export const denialEras = ['legacy', 'modern', 'unknown'] as const satisfies readonly (Era | 'unknown')[]
export type DenialEra = (typeof denialEras)[number]

/** `sse` is HTTP+SSE of 2024-11-05: the answer to a POST is an acknowledgement, results come on the stream. */
export const denialTransports = ['streamable', 'sse'] as const
export type DenialTransport = (typeof denialTransports)[number]

/**
 * Why, in the classes that clients tell apart: a broken request, an address that is nobody's, no (good) token, a token
 * with too little scope, a method that is not there, a rule that says no, something that we depend on.
 */
export const failureClasses = [
  'shape',
  'address',
  'unauthenticated',
  'insufficientScope',
  'method',
  'policy',
  'dependency',
] as const
export type FailureClass = (typeof failureClasses)[number]

export interface DenialFacts {
  readonly failure: FailureClass
  readonly message: MessageKind
  readonly era: DenialEra
  readonly transport: DenialTransport
  readonly mode: DenialMode
}

/** How a denial is said: a tool result with `isError`, a JSON-RPC error, or what the server says of an unknown name. */
export type DenialForm =
  | { readonly body: 'toolResult'; readonly status: number }
  | { readonly body: 'error'; readonly status: number; readonly code: number }
  | { readonly body: 'hidden'; readonly status: number }

/** What the reader of a broken message found right for it; it wins over the table. */
export interface StatedForm {
  readonly status?: number | undefined
  readonly code?: number | undefined
}

/**
 * Our own JSON-RPC codes lie outside the ranges that JSON-RPC and MCP reserve. Never 401 or 403: a client that takes
 * the code for an HTTP status would start a login (the official MCP Inspector does).
 */
const codes = { denied: -31403, unauthenticated: -31401, unavailable: -31503 } as const
const invalidRequest = -32600
const methodNotFound = -32601

type Answerable = 'toolsCall' | 'request'
type Unanswerable = Exclude<MessageKind, Answerable>

const toolResult = { body: 'toolResult', status: 200 } as const
const errorIn = (status: number): DenialForm => ({ body: 'error', status, code: codes.denied })
const hiddenIn = (status: number): DenialForm => ({ body: 'hidden', status })

/**
 * A rule said no to a request. Over streamable HTTP every client reads a result or an error in HTTP 200. A client of the
 * old transport reads nothing but the status of its POST: a 200 would leave it waiting for an answer on the stream.
 */
const requestForms: Readonly<
  Record<DenialTransport, Readonly<Record<DenialMode, Readonly<Record<Answerable, DenialForm>>>>>
> = {
  streamable: {
    toolError: { toolsCall: toolResult, request: errorIn(200) },
    jsonrpcError: { toolsCall: errorIn(200), request: errorIn(200) },
    http403: { toolsCall: errorIn(403), request: errorIn(403) },
    hide: { toolsCall: hiddenIn(200), request: hiddenIn(200) },
  },
  sse: {
    toolError: { toolsCall: errorIn(403), request: errorIn(403) },
    jsonrpcError: { toolsCall: errorIn(403), request: errorIn(403) },
    http403: { toolsCall: errorIn(403), request: errorIn(403) },
    hide: { toolsCall: hiddenIn(400), request: hiddenIn(400) },
  },
}

/**
 * A rule said no to what has nowhere to put an answer: the HTTP status is all. 405 on the GET stream is what clients
 * take for "this server offers none" and go on; on the old transport there is nothing without the stream.
 */
const otherStatuses: Readonly<Record<DenialTransport, Readonly<Record<Unanswerable, number>>>> = {
  streamable: { notification: 403, response: 403, stream: 405, close: 403, preflight: 403, body: 403, unread: 403 },
  sse: { notification: 403, response: 403, stream: 403, close: 403, preflight: 403, body: 403, unread: 403 },
}

/**
 * A request for a method that is not there: each era has its own way, by which clients fall back. Not 404 where there
 * may be a session, which clients would take for its end.
 */
const methodStatuses: Readonly<Record<DenialTransport, Readonly<Record<DenialEra, number>>>> = {
  streamable: { legacy: 200, modern: 404, unknown: 200 },
  sse: { legacy: 400, modern: 400, unknown: 400 },
}

/** The form of every denial. Total: each combination has an answer that its client can read without waiting. */
export function denialForm(facts: DenialFacts, stated: StatedForm = {}): DenialForm {
  const { failure, message, era, transport, mode } = facts
  switch (failure) {
    case 'shape':
      return { body: 'error', status: stated.status ?? 400, code: stated.code ?? invalidRequest }
    case 'address':
      return { body: 'error', status: stated.status ?? 403, code: codes.denied }
    case 'unauthenticated':
      return { body: 'error', status: 401, code: codes.unauthenticated }
    case 'insufficientScope':
      return { body: 'error', status: 403, code: codes.denied }
    case 'dependency':
      return { body: 'error', status: 503, code: codes.unavailable }
    case 'method': {
      const status = isAnswerable(message) ? methodStatuses[transport][era] : 403
      return { body: 'error', status, code: methodNotFound }
    }
    case 'policy':
      return isAnswerable(message)
        ? requestForms[transport][mode][message]
        : { body: 'error', status: otherStatuses[transport][message], code: codes.denied }
  }
}

function isAnswerable(message: MessageKind): message is Answerable {
  return message === 'toolsCall' || message === 'request'
}
