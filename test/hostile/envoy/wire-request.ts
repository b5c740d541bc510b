import type { CaseRequest } from '../support/case-request.js'

/** The ways in which a request can travel to the gateway. */
export const transports = ['http1', 'http1-chunked', 'http2', 'http2-apart'] as const

/**
 * - `http1`: with a content-length;
 * - `http1-chunked`: in two chunks;
 * - `http2`: the last DATA frame ends the stream;
 * - `http2-apart`: an empty DATA frame behind it does.
 */
export type WireTransport = (typeof transports)[number]

export interface WireAnswer {
  /** 0: the gateway closed or reset without an answer. */
  readonly status: number
  readonly body: string
  /** HTTP/1.1 only: lower-case names, the last value of each. */
  readonly headers: ReadonlyMap<string, string>
}

/** How long an answer may take, in milliseconds. */
export const ANSWER_TIMEOUT_MS = 10_000

/** Whether a request can travel this way: one that says how its body is framed goes in one way only. */
export function travels({ headers, body, method }: CaseRequest, transport: WireTransport): boolean {
  const framed = headers.some(([name]) => /^(?:content-length|transfer-encoding)$/i.test(name))
  if (transport === 'http1' || transport === 'http2') return true
  return !framed && (body !== undefined || method === 'POST')
}

/** True once an answer that came as an event stream has told its first event. */
export function toldAnEvent(body: string): boolean {
  return /^(?:event|data|id|retry|:)/.test(body) && /^data: ?\S.*\n\r?\n/m.test(body)
}
