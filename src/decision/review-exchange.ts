import type { Principal } from '../identity/principal.js'
import type { PolicySnapshot } from '../policy/snapshot.js'
import type { InboundRequest } from '../protocol/inbound-request.js'
import type { Rewritten } from '../protocol/mcp/read-server-messages.js'
import type { ResponseFailure } from '../protocol/mcp/response-failure.js'
import type { SessionKeys } from '../protocol/session-tag.js'
import { type OpenedSession, SessionBinder } from './bind-session.js'
import type { Decision, Failure } from './decision.js'
import { andThen, type Eventually } from './eventually.js'
import { failure } from './failure.js'
import { filterLists, unreadableList } from './filter-lists.js'
import { unknownServer } from './find-server.js'
import { type Caller, identifyCaller } from './identify-caller.js'
import { plainDenial } from './plain-denial.js'
import { holdsList, refusalWithoutId, refuseResults } from './refuse-results.js'

/** Something that was refused on the way in or out, for the log and the metrics. */
export interface RefusedExchange {
  readonly decision: Decision
  /** undefined: of an answer whose request was never seen. */
  readonly request: InboundRequest | undefined
  /** Name of the Server, "" when none was found. */
  readonly server: string
}

export interface ExchangeReviewOptions {
  /** The snapshot in force; undefined until a first one compiled. */
  snapshot(): PolicySnapshot | undefined
  /** Default: sessions are not bound. */
  readonly sessions?: SessionKeys
  /** Milliseconds since the epoch. Default: the system's clock. */
  now?(): number
  /** Milliseconds that the lists of one message may take. Default 600, well below what the door waits. */
  readonly judgeWithinMs?: number
  /** Must not throw. */
  onRefused?(refused: RefusedExchange): void
}

/** Begins the review of exchanges. Never throws for a request; what it cannot judge it refuses. */
export interface ExchangeReview {
  open(request: InboundRequest): Eventually<ReviewedExchange>
  /** An answer whose request was not shown to us. */
  unseen(): ReviewedExchange
}

/**
 * What becomes of the answers of one HTTP exchange, which belong to whoever sent the request. Denies no request: that is
 * for the decision about it, beside which this stands. Only sessions of others are refused here.
 */
export interface ReviewedExchange {
  /** False: nothing of it is to be looked at or changed. */
  readonly active: boolean
  /** Whether it is known who asked. */
  readonly identified: boolean
  /** Whether session ids of the server are tagged on their way to the client, and the tags removed on their way back. */
  readonly bindsSessions: boolean
  /** Of the request. */
  readonly session: OpenedSession
  /** What the client is to be given in place of a session id of the server; undefined for nothing. */
  tag(id: string): string | undefined
  /**
   * A JSON-RPC message or batch as it may go on: without what its reader may not use; with errors in place of lists that
   * nobody may see. A failure where it cannot be read: nothing of it may go on, see {@link refuse}.
   */
  filter(message: Uint8Array): Eventually<Rewritten | ResponseFailure>
  /** What to send in place of a message that cannot be read. */
  refuse(message: Uint8Array): Uint8Array
  /** A refusal with a status of its own, recorded. */
  deny(why: Failure, status: number): Decision
}

export function createExchangeReview(options: ExchangeReviewOptions): ExchangeReview {
  return {
    open: request => andThen(asked(options, request), caller => new CallersExchange(options, caller, request)),
    unseen: () => new CallersExchange(options, unseen, undefined),
  }
}

const unseen: Caller = {
  kind: 'unknown',
  server: undefined,
  why: failure('internal.error', 'the gateway did not show the request, so nobody knows whose answer this is'),
}

const proofElsewhere = failure(
  'internal.error',
  'lists cannot be shown to callers that prove the possession of a key (DPoP)',
)

/** Records per exchange: a stream may have as many unreadable events as its server likes. */
const maxRecords = 16

/** A proof is good for one use, and the decision about the request needs it (RFC 9449, section 11.1). */
function asked(options: ExchangeReviewOptions, request: InboundRequest): Eventually<Caller> {
  return identifyCaller(options.snapshot(), request, request.headers.has('dpop') ? proofElsewhere : undefined)
}

/** Who reads the answers, without the snapshot in which that was found out: a stream would keep it. */
type Reader =
  | { readonly kind: 'known'; readonly principal: Principal }
  | { readonly kind: 'audit' }
  | { readonly kind: 'unknown'; readonly why: Failure }

class CallersExchange implements ReviewedExchange {
  readonly #options: ExchangeReviewOptions
  readonly #reader: Reader
  readonly #server: string
  readonly #request: InboundRequest | undefined
  readonly #binder: SessionBinder | undefined
  readonly active: boolean
  readonly identified: boolean
  readonly bindsSessions: boolean
  readonly session: OpenedSession
  #records = 0

  constructor(options: ExchangeReviewOptions, caller: Caller, request: InboundRequest | undefined) {
    this.#options = options
    this.#reader = readerOf(caller)
    this.#server = caller.server?.name ?? ''
    this.#request = request
    // What looks like MCP in the answers of another protocol is none.
    this.active = caller.kind !== 'audit' && caller.server?.protocol !== 'json'
    this.identified = caller.kind === 'known'
    const { sessions } = options
    this.bindsSessions = this.active && sessions !== undefined
    this.#binder =
      sessions !== undefined && caller.kind === 'known'
        ? new SessionBinder(sessions, caller.server, caller.principal)
        : undefined
    this.session = (request && this.#binder?.open(request.headers)) ?? { kind: 'none' }
  }

  tag(id: string): string | undefined {
    return this.#binder?.tag(id)
  }

  filter(message: Uint8Array): Eventually<Rewritten | ResponseFailure> {
    if (!this.active) return { ok: true, bytes: message }
    const reader = this.#reader
    switch (reader.kind) {
      case 'audit':
        return { ok: true, bytes: message }
      case 'unknown':
        return this.#withoutLists(message, reader.why)
      case 'known': {
        const { principal } = reader
        // A stream may outlive many snapshots: what is in force now counts.
        const snapshot = this.#options.snapshot()
        const server = snapshot?.servers.byName(this.#server)
        if (snapshot === undefined || server === undefined) return this.#withoutLists(message, unknownServer())
        if (server.mode === 'Audit') return { ok: true, bytes: message }
        const now = this.#options.now?.() ?? Date.now()
        const deadline = now + (this.#options.judgeWithinMs ?? 600)
        return filterLists(message, { snapshot, server, principal, ...this.#where(), deadline, now })
      }
    }
  }

  refuse(message: Uint8Array): Uint8Array {
    const decision = this.deny(unreadableList(), 503)
    return refuseResults(message, decision) ?? refusalWithoutId(decision)
  }

  deny(why: Failure, status: number): Decision {
    const decision = plainDenial(why, { status, code: -31000 - status })
    if (this.#records++ < maxRecords) {
      this.#options.onRefused?.({ decision, request: this.#request, server: this.#server })
    }
    return decision
  }

  #withoutLists(message: Uint8Array, why: Failure): Rewritten {
    if (!holdsList(message)) return { ok: true, bytes: message }
    const decision = this.deny(why, 403)
    return { ok: true, bytes: refuseResults(message, decision) ?? refusalWithoutId(decision) }
  }

  #where(): { readonly authority?: string; readonly path?: string } {
    if (this.#request === undefined) return {}
    const { authority, path } = this.#request
    return { authority, path }
  }
}

function readerOf(caller: Caller): Reader {
  switch (caller.kind) {
    case 'known':
      return { kind: 'known', principal: caller.principal }
    case 'audit':
      return { kind: 'audit' }
    case 'unknown':
      return { kind: 'unknown', why: caller.why }
  }
}
