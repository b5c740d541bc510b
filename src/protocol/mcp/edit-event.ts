import { type StreamEvent, withData } from '../sse/stream-event.js'
import type { Rewritten } from './read-server-messages.js'
import type { ResponseFailure } from './response-failure.js'

/**
 * One piece of a server's event stream after `edit` has had its data: the very bytes of the source if nothing changed. The
 * type of an event does not matter, because some clients do not look at it. What holds no message passes: comments, the
 * empty event that a stream may begin with, and the `endpoint` of the transport HTTP+SSE, whose data is a URI.
 */
export function editEvent(
  event: StreamEvent,
  edit: (data: Uint8Array) => Rewritten | ResponseFailure,
): Rewritten | ResponseFailure {
  const { bytes, data, type } = event
  if (data === undefined || data.length === 0) return { ok: true, bytes }
  const edited = edit(data)
  if (edited.ok) return { ok: true, bytes: edited.bytes === data ? bytes : withData(event, edited.bytes) }
  return edited.reason === 'response.not_json' && type === 'endpoint' ? { ok: true, bytes } : edited
}
