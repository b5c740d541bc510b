import type { CallResult } from '../call-result.js'
import type { InboundRequest } from '../inbound-request.js'
import { legacyVersions, versionHeader } from './era.js'
import { readSessionId } from './session-id.js'

/** GET opens the event stream, with or without a session; DELETE ends one. Both exist in the legacy era only. */
export function readStreamOrClose(request: InboundRequest, kind: 'stream' | 'close'): CallResult {
  const version = versionHeader(request.headers)
  const unknown = { id: undefined, kind, era: 'legacy' } as const
  if (version !== undefined && !legacyVersions.has(version)) {
    const message = `${request.method} is not part of this protocol version; use POST.`
    return { ok: false, reason: 'message.era', message, status: 405, ...unknown }
  }
  const session = readSessionId(request.headers, 'legacy')
  if (!session.ok) return { ...session, status: 400, ...unknown }
  if (kind === 'close' && session.id === undefined) {
    return { ok: false, reason: 'session.missing', message: 'DELETE needs an Mcp-Session-Id.', status: 400, ...unknown }
  }
  if (request.headers.has('mcp-method') || request.headers.has('mcp-name')) {
    const message = `Mcp-Method and Mcp-Name describe a message, and a ${request.method} has none.`
    return { ok: false, reason: 'message.header_mismatch', message, status: 400, ...unknown }
  }
  return {
    ok: true,
    call: {
      protocol: 'mcp',
      kind,
      era: 'legacy',
      version,
      id: undefined,
      method: '',
      target: { kind: 'none' },
      alsoTargets: [],
      params: undefined,
      arguments: undefined,
      sessionId: session.id,
    },
  }
}
