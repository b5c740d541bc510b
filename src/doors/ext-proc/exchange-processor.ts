import type { HeaderValue, MetadataValue } from '../../decision/decision.js'
import type { InboundRequest } from '../../protocol/inbound-request.js'
import type { JsonObject } from '../../protocol/json-value.js'
import type { RequestHeaders } from '../../protocol/request-headers.js'

/** A request before its body. `context.extensions` are gRPC metadata that the operator set on the filter or the route. */
export interface RequestHead extends Omit<InboundRequest, 'body'> {
  /** There is no body. */
  readonly endOfStream: boolean
}

export interface ResponseHead {
  readonly status: number
  readonly headers: RequestHeaders
  /** Dynamic metadata of filters before us by namespace, e.g. what ext_authz said under `envoy.filters.http.ext_authz`. */
  readonly metadata: ReadonlyMap<string, JsonObject>
  /** There is no body: HEAD, 204, 304. */
  readonly endOfStream: boolean
  /**
   * No part of the request was shown before. Where the gateway shows requests, this is the answer of a filter before us,
   * such as a denial of ext_authz; where it skips them, every response comes so.
   */
  readonly unannounced: boolean
}

/**
 * Changes to headers. Of several values under one name the first takes the place of what was there, the others stand
 * beside it as headers of their own. A name is set or removed, not both. `:status`, `host`, `content-length` and their
 * like are not to be changed; the door keeps the length and the validators of a body true by itself.
 */
export interface HeaderChanges {
  readonly set?: readonly HeaderValue[]
  readonly remove?: readonly string[]
  /** Of a request: path and query that go on. The route stays the one that was chosen. */
  readonly target?: string
  /** For the gateway's log and for later filters, under {@link metadataNamespace}. */
  readonly tell?: ReadonlyMap<string, MetadataValue>
}

/** Where the gateway finds what we tell it, if it takes it (`receiving_namespaces`). */
export const metadataNamespace = 'mcp-authz'

/** What the client gets instead; the form of a decision's answer of kind `respond`. */
export interface ImmediateReply {
  /** 200, 202, 204 or 400 to 599. */
  readonly status: number
  readonly headers: readonly HeaderValue[]
  readonly body: string
  /** For the gateway's access log: visible ASCII without spaces, nothing of the request. */
  readonly details?: string
  readonly tell?: ReadonlyMap<string, MetadataValue>
}

export interface Respond {
  readonly kind: 'respond'
  readonly reply: ImmediateReply
}

export type HeadersVerdict =
  /** The body is not looked at; where the gateway shows it all the same, it goes on byte by byte. */
  | { readonly kind: 'pass'; readonly changes?: HeaderChanges }
  /**
   * The body is wanted. `buffer`: in one piece, up to the limits of the gateway and of the door; headers wait for it.
   * `stream`: as it comes; headers have gone, a failure later cuts the answer off, and validators such as etag are removed.
   * `judge`: as `buffer`, before anything goes on, and never by asking the gateway for it: where its configuration does not
   * hold headers back for the body (BUFFERED or FULL_DUPLEX_STREAMED), the exchange ends in an error.
   */
  | { readonly kind: 'body'; readonly as: 'judge' | 'buffer' | 'stream'; readonly changes?: HeaderChanges }
  | Respond

export type BodyVerdict =
  /**
   * What goes on in place of what came; empty bytes hold it back. `changes` are for `buffer` only, and only where
   * headers still wait (`ext_proc` with BUFFERED or a configured FULL_DUPLEX_STREAMED): elsewhere they fail the exchange.
   */
  { readonly kind: 'send'; readonly bytes: Uint8Array; readonly changes?: HeaderChanges } | Respond

export type Eventually<T> = T | Promise<T>

/**
 * The logic of one exchange. Each method is called when the one before it has answered; the door answers the gateway
 * with an error if one throws, rejects, or takes longer than the door waits. What it holds back is its own to bound.
 */
export interface ExchangeProcessor {
  /** Not called where the gateway skips requests, nor for answers of filters before us. Default: pass. */
  onRequestHeaders?(head: RequestHead): Eventually<HeadersVerdict>
  /**
   * After `body`: once with everything and `end`, or chunk by chunk until `end`, which may come with no bytes. Also called
   * when there is no body (`endOfStream`), so that what is judged here is always judged.
   */
  onRequestBody?(chunk: Uint8Array, end: boolean): Eventually<BodyVerdict>
  onRequestTrailers?(trailers: RequestHeaders): Eventually<HeaderChanges | undefined>
  onResponseHeaders(head: ResponseHead): Eventually<HeadersVerdict>
  /** As {@link onRequestBody}. */
  onResponseBody?(chunk: Uint8Array, end: boolean): Eventually<BodyVerdict>
  onResponseTrailers?(trailers: RequestHeaders): Eventually<HeaderChanges | undefined>
  /** The gateway has gone, as it does at the end of every exchange. Called once. */
  onClose?(): void
}

/** Makes the processor of one exchange. */
export type CreateExchangeProcessor = () => ExchangeProcessor
