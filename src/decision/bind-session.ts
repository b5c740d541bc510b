import type { Principal } from '../identity/principal.js'
import type { Server } from '../policy/server.js'
import type { RequestHeaders } from '../protocol/request-headers.js'
import {
  maxSessionIdLength,
  type SessionBinding,
  type SessionKeys,
  tagSession,
  untagSession,
} from '../protocol/session-tag.js'
import type { Failure } from './decision.js'
import { failure } from './failure.js'

export const sessionHeader = 'mcp-session-id'

/** What a request's session id is to the server behind. */
export type OpenedSession =
  /** There is none. */
  | { readonly kind: 'none' }
  | { readonly kind: 'own'; readonly id: string }
  | { readonly kind: 'refused'; readonly status: 400 | 404; readonly why: Failure }

/** Sessions of one caller at one Server. */
export class SessionBinder {
  readonly #keys: SessionKeys
  readonly #binding: SessionBinding

  constructor(keys: SessionKeys, server: Server, { issuer, user, agent }: Principal) {
    this.#keys = keys
    this.#binding = {
      server: server.name,
      issuer: issuer === '' ? undefined : issuer,
      subject: user.username,
      agent: agent.id === '' ? undefined : `${agent.issuer}:${agent.id}`,
    }
  }

  /** On the way in. 404 is what clients of the legacy era take for the end of a session, and begin another (2025-11-25). */
  open(headers: RequestHeaders): OpenedSession {
    if (!headers.has(sessionHeader)) return { kind: 'none' }
    const value = headers.one(sessionHeader)
    if (value === undefined || value.length > maxSessionIdLength) {
      const why = failure('session.malformed', 'The Mcp-Session-Id must be one value of at most 4096 characters.')
      return { kind: 'refused', status: 400, why }
    }
    const opened = untagSession(value, this.#binding, this.#keys)
    if (opened.ok) return { kind: 'own', id: opened.id }
    const why =
      opened.problem === 'foreign'
        ? failure('session.foreign', 'This session is not yours. Begin a new one.')
        : failure('session.unknown', 'This session is not known here. Begin a new one.')
    return { kind: 'refused', status: 404, why }
  }

  /** On the way out: what the client is to be given; undefined if it must be given none. */
  tag(id: string): string | undefined {
    const tagged = tagSession(id, this.#binding, this.#keys)
    return tagged.ok ? tagged.value : undefined
  }
}
