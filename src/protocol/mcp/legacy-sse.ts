import type { CallFailure } from '../call-result.js'
import { detachedString } from '../detached-string.js'
import type { InboundRequest } from '../inbound-request.js'
import type { SessionIdResult } from './session-id.js'

/** A server of the transport HTTP+SSE (MCP 2024-11-05), which has a path for its stream and one for messages. */
export interface LegacySse {
  /** Path of the event stream: GET only. */
  readonly stream: string
  /** Path that takes messages: POST only. */
  readonly messages: string
  /** The parameter of the query in which messages name their session. */
  readonly session: string
}

const unread = { id: undefined, kind: undefined, era: undefined } as const
/** Nothing that is decoded, nor `+` and `;`, which servers read in different ways. */
const plainQuery = /^[A-Za-z0-9._~=&-]{1,1024}$/
const sessionValue = /^[A-Za-z0-9._~-]{1,256}$/

/**
 * What is wrong with a request to such a server before its message is read: a POST goes to the path for messages, a GET to
 * that of the stream, and there is no third. Clients that try the newer transport first take the 405 for "use the other".
 */
export function refuseLegacySse(request: InboundRequest, sse: LegacySse): CallFailure | undefined {
  const { method, path } = request
  const right = path === sse.messages ? 'POST' : 'GET'
  if (method !== right) {
    const text =
      right === 'POST'
        ? 'This path takes messages: use POST.'
        : `This path is an event stream: use GET, and POST messages to ${sse.messages}.`
    return { ok: false, reason: 'framing.http_method', message: text, status: 405, ...unread }
  }
  if (!request.headers.has('mcp-session-id')) return undefined
  const text = 'Over this transport the session is named in the query; leave the header Mcp-Session-Id out.'
  return { ok: false, reason: 'session.unexpected', message: text, status: 400, ...unread }
}

/** The session of a message: exactly one parameter of the query, which is spelt plainly. */
export function readSseSession({ query }: Pick<InboundRequest, 'query'>, { session }: LegacySse): SessionIdResult {
  if (query === undefined || query === '') {
    return { ok: false, reason: 'session.missing', message: `The query must name the session: ?${session}=…` }
  }
  const malformed = {
    ok: false,
    reason: 'session.malformed',
    message: `The query must be plain, with each name once, and ${session} at most 256 letters, digits, ".", "_", "~" and "-".`,
  } as const
  if (!plainQuery.test(query)) return malformed
  const names = new Set<string>()
  let id: string | undefined
  for (const pair of query.split('&')) {
    const equals = pair.indexOf('=')
    const name = equals < 0 ? pair : pair.slice(0, equals)
    // Servers differ in which of two they take, and some do not care about case.
    const folded = name.toLowerCase()
    if (names.has(folded) || (folded === session.toLowerCase() && name !== session)) return malformed
    names.add(folded)
    if (name === session) id = equals < 0 ? '' : pair.slice(equals + 1)
  }
  if (id === undefined) {
    return { ok: false, reason: 'session.missing', message: `The query must name the session: ?${session}=…` }
  }
  return sessionValue.test(id) ? { ok: true, id: detachedString(id) } : malformed
}
