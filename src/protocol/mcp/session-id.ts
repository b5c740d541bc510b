import type { Era } from '../call.js'
import { detachedString } from '../detached-string.js'
import type { SessionReason } from '../reasons.js'
import type { RequestHeaders } from '../request-headers.js'

/** Visible ASCII (specification 2025-03-26 on). Gateways that seal their state into the id make it long. */
const sessionIdPattern = /^[\x21-\x7e]{1,4096}$/

export type SessionIdResult =
  | { readonly ok: true; readonly id: string | undefined }
  | { readonly ok: false; readonly reason: SessionReason; readonly message: string }

/**
 * The `Mcp-Session-Id` of a request. The modern era has no sessions; a request that claims to be modern and names one is
 * refused, because a legacy server behind us would execute it in that session.
 */
export function readSessionId(headers: RequestHeaders, era: Era): SessionIdResult {
  if (!headers.has('mcp-session-id')) return { ok: true, id: undefined }
  if (era === 'modern') {
    const message = 'This protocol version has no sessions; leave the header Mcp-Session-Id out.'
    return { ok: false, reason: 'session.unexpected', message }
  }
  const id = headers.one('mcp-session-id')
  if (id === undefined || !sessionIdPattern.test(id)) {
    const message = 'The Mcp-Session-Id must be one value of at most 4096 visible ASCII characters.'
    return { ok: false, reason: 'session.malformed', message }
  }
  return { ok: true, id: detachedString(id) }
}
