import type { JsonValue } from '../protocol/json-value.js'

/**
 * One API server, behind one kept connection. Its requests never throw and never reject; each is answered within its time,
 * and no more than a fixed number are under way or waiting at once.
 */
export interface ApiServer {
  /** Name of the cluster in the configuration. */
  readonly cluster: string
  /** JSON in, JSON out. */
  request(request: ApiRequest): Promise<ApiResponse>
  /** Opens a response that comes line by line (`?watch=1`). */
  follow(request: FollowRequest): Following
  /** Ends everything under way; later requests fail as `unavailable`. */
  close(): void
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Path and query as they go out; put together with `apiPath`. */
  readonly path: string
  /** JSON text. */
  readonly body?: string
  /** Of the body. Default `application/json`. */
  readonly contentType?: string
  /** Media types of the answer (`accept`), all of them JSON. Default `application/json`. */
  readonly accept?: string
  /** Milliseconds for everything: waiting for a place, connecting, one retry, the answer. Default: the cluster's. */
  readonly timeoutMs?: number
  /** Whether doing it twice does no more than doing it once, so that it may be tried again. Default: true for GET. */
  readonly repeatable?: boolean
  /** Bytes of the answer. Default 4 MiB. */
  readonly maxBytes?: number
}

export type ApiResponse = ApiSuccess | ApiFailure

export interface ApiSuccess {
  readonly ok: true
  /** 2xx */
  readonly status: number
  readonly body: JsonValue
}

export interface ApiFailure {
  readonly ok: false
  /**
   * refused: the API server said no (4xx). throttled: 429, also after the retry. overloaded: too many of our own requests
   * are under way. timeout: no answer in time. unavailable: no connection, it broke, 5xx, credentials that cannot be read.
   * malformed: an answer that cannot be read, or is too large.
   */
  readonly reason: 'refused' | 'throttled' | 'overloaded' | 'timeout' | 'unavailable' | 'malformed'
  /** HTTP status, where there was an answer. */
  readonly status: number | undefined
  /** For the log: the API server's own message where it gave one, cut to 500 characters. Never holds a credential. */
  readonly message: string
  /** How long it asked to be left alone, in milliseconds. */
  readonly retryAfterMs?: number
}

export interface FollowRequest {
  readonly path: string
  /** As of {@link ApiRequest}. */
  readonly accept?: string
  /** Milliseconds until the headers of the answer must have come. Default: the cluster's time for a request. */
  readonly timeoutMs?: number
  /** Milliseconds without any byte after which the connection counts as dead. */
  readonly silenceMs: number
  /** Bytes of one line. Default 4 MiB. */
  readonly maxLineBytes?: number
  /** Called once the answer has begun well (200), and whatever was sent with its begin has arrived (has been told). */
  onOpen?(): void
  onLine(line: JsonValue): void
  /** Called once, after which nothing more comes; undefined when the API server ended it properly. */
  onEnd(failure: ApiFailure | undefined): void
}

export interface Following {
  /** Ends it; `onEnd` is not called any more. */
  close(): void
}
