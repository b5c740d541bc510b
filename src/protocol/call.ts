import type { JsonObject } from './json-value.js'

/** MCP up to 2025-11-25 is legacy (handshake, sessions); from 2026-07-28 on it is modern (stateless, `_meta`). */
export type Era = 'legacy' | 'modern'

export type Target =
  | { readonly kind: 'tool' | 'prompt' | 'resource' | 'task'; readonly name: string }
  | { readonly kind: 'none' }

/**
 * What the HTTP request amounts to. `stream` is the GET event stream, `close` the DELETE of a session; they carry no
 * JSON-RPC message. For a `response` (legacy only) the method is "".
 */
export type CallKind = 'request' | 'notification' | 'response' | 'stream' | 'close'

export interface Call {
  readonly protocol: 'mcp' | 'json'
  readonly kind: CallKind
  readonly era: Era
  /** The protocol version as stated by the body (modern) or the header (legacy); undefined before the handshake. */
  readonly version: string | undefined
  /** The id of a request or response as the bytes of its JSON lexeme, e.g. `"a\u0062"` or `7`; never re-encoded. */
  readonly id: string | undefined
  readonly method: string
  readonly target: Target
  /** The tool that was named to the server when it calls the target for the caller (a meta-tool). */
  readonly via?: string | undefined
  /** What else the method touches, each to be judged like a target: uris of subscriptions/listen. */
  readonly alsoTargets: readonly Target[]
  readonly params: JsonObject | undefined
  /** Arguments of a tool or prompt; undefined when absent. */
  readonly arguments: JsonObject | undefined
  readonly sessionId: string | undefined
}

/** Where the id of a broken or unauthenticated message is known, its lexeme; a denial echoes it. */
export type KnownId = string | undefined
