import type { Principal } from '../identity/principal.js'
import type { Server } from '../policy/server.js'
import type { InboundRequest } from '../protocol/inbound-request.js'
import { type LegacySse, readSseSession } from '../protocol/mcp/legacy-sse.js'
import { editEndpoint, withSession } from '../protocol/mcp/sse-session.js'
import type { RequestHeaders } from '../protocol/request-headers.js'
import {
  isVouchedFor,
  maxSessionIdLength,
  type SessionBinding,
  type SessionKeys,
  tagSession,
  untagSession,
  vouchForSession,
} from '../protocol/session-tag.js'
import type { Failure } from './decision.js'
import { failure } from './failure.js'

export const sessionHeader = 'mcp-session-id'

/**
 * Tells the door that decides about a request that the one before it has opened the tag of the session: {@link vouchForSession}.
 * Of our own headers, which no allowed request keeps; a client cannot make one that is believed.
 */
export const voucherHeader = 'x-mcp-authz-session'

/** What a request's session id is to the server behind. */
export type OpenedSession =
  /** There is none. */
  | { readonly kind: 'none' }
  | {
      readonly kind: 'own'
      readonly id: string
      /** For {@link voucherHeader}. */
      readonly voucher: string
      /** Over HTTP+SSE: path and query as the server is to get them. Else the id goes into the header. */
      readonly target?: string
    }
  | { readonly kind: 'refused'; readonly status: 400 | 404; readonly why: Failure }

/** Sessions of one caller at one Server. */
export class SessionBinder {
  readonly #keys: SessionKeys
  readonly #binding: SessionBinding
  readonly #sse: LegacySse | undefined

  constructor(keys: SessionKeys, server: Server, { issuer, user, agent }: Principal) {
    this.#keys = keys
    this.#sse = server.sse
    this.#binding = {
      server: server.name,
      issuer: issuer === '' ? undefined : issuer,
      subject: user.username,
      agent: agent.id === '' ? undefined : `${agent.issuer}:${agent.id}`,
    }
  }

  /** On the way in. 404 is what clients of the legacy era take for the end of a session, and begin another (2025-11-25). */
  open(request: Pick<InboundRequest, 'path' | 'query' | 'headers'>): OpenedSession {
    if (this.#sse !== undefined) return this.#openMessage(request, this.#sse)
    const { headers } = request
    if (!headers.has(sessionHeader)) return { kind: 'none' }
    const value = headers.one(sessionHeader)
    if (value === undefined || value.length > maxSessionIdLength) {
      const why = failure('session.malformed', 'The Mcp-Session-Id must be one value of at most 4096 characters.')
      return { kind: 'refused', status: 400, why }
    }
    return this.#openTag(value)
  }

  #openMessage({ path, query }: Pick<InboundRequest, 'path' | 'query'>, sse: LegacySse): OpenedSession {
    if (path !== sse.messages) return { kind: 'none' }
    const read = readSseSession({ query }, sse)
    if (!read.ok) return { kind: 'refused', status: 400, why: failure(read.reason, read.message) }
    const opened = this.#openTag(read.id ?? '')
    if (opened.kind !== 'own') return opened
    const own = withSession(query, sse, opened.id)
    if (own !== undefined) return { ...opened, target: `${path}?${own}` }
    return {
      kind: 'refused',
      status: 404,
      why: failure('session.unknown', 'This session is not known here. Begin a new one.'),
    }
  }

  #openTag(value: string): OpenedSession {
    const opened = untagSession(value, this.#binding, this.#keys)
    if (opened.ok) return { kind: 'own', id: opened.id, voucher: vouchForSession(opened.id, this.#binding, this.#keys) }
    const why =
      opened.problem === 'foreign'
        ? failure('session.foreign', 'This session is not yours. Begin a new one.')
        : failure('session.unknown', 'This session is not known here. Begin a new one.')
    return { kind: 'refused', status: 404, why }
  }

  /** Whether the id of a request was opened for this caller before it came here. */
  isVouchedFor(id: string, headers: RequestHeaders): boolean {
    const voucher = headers.one(voucherHeader)
    return voucher !== undefined && isVouchedFor(id, voucher, this.#binding, this.#keys)
  }

  /** The data of an `endpoint` event as the client is to get it; undefined if it must not. */
  endpoint(data: Uint8Array): Uint8Array | undefined {
    return this.#sse === undefined ? data : editEndpoint(data, this.#sse, id => this.tag(id))
  }

  /** On the way out: what the client is to be given; undefined if it must be given none. */
  tag(id: string): string | undefined {
    const tagged = tagSession(id, this.#binding, this.#keys)
    return tagged.ok ? tagged.value : undefined
  }
}
