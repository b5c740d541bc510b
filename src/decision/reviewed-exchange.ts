import type { Principal } from '../identity/principal.js'
import type { PolicySnapshot } from '../policy/snapshot.js'
import type { InboundRequest } from '../protocol/inbound-request.js'
import type { Rewritten } from '../protocol/mcp/read-server-messages.js'
import type { ResponseFailure } from '../protocol/mcp/response-failure.js'
import type { SessionKeys } from '../protocol/session-tag.js'
import type { OpenedSession } from './bind-session.js'
import type { Decision, Failure } from './decision.js'
import type { Eventually } from './eventually.js'
import type { ResultNotes } from './guard-results.js'
import type { JudgedRequest } from './judged-request.js'

/** Something that was refused on the way in or out, for the log and the metrics. */
export interface RefusedExchange {
  readonly decision: Decision
  /** undefined: of an answer whose request was never seen. */
  readonly request: InboundRequest | undefined
  /** Name of the Server, "" when none was found. */
  readonly server: string
}

/** What was made of an answer because of Guardrails about results. */
export interface GuardedAnswer {
  readonly notes: ResultNotes
  /** Of the request; one of its own where nobody said it. */
  readonly decisionId: string
  readonly request: InboundRequest | undefined
  readonly server: string
  readonly principal: Principal
  readonly judged: JudgedRequest | undefined
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
  /** Must not throw. */
  onGuarded?(guarded: GuardedAnswer): void
}

/** Begins the review of exchanges. Never throws for a request; what it cannot judge it refuses. */
export interface ExchangeReview {
  open(request: InboundRequest): Eventually<ReviewedExchange>
  /** An answer whose request was not shown to us. */
  unseen(): ReviewedExchange
}

/** What has to be done with an answer. */
export interface AnswerWork {
  /** It may hold lists. */
  readonly lists: boolean
  /** Guardrails about results may concern it. */
  readonly guarded: boolean
  /** What the model is to read beside the result. */
  readonly texts: readonly string[]
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
  /** What is known of the caller counts only if the request was allowed: a proof of theirs was shown, but not used up. */
  readonly provisional: boolean
  /** Whether session ids of the server are tagged on their way to the client, and the tags removed on their way back. */
  readonly bindsSessions: boolean
  /** There are Guardrails about results of this Server. */
  readonly guardsResults: boolean
  /** Of the request. */
  readonly session: OpenedSession
  /** Path and query as the server is to get them, where that is something else (HTTP+SSE names sessions in the query). */
  readonly target: string | undefined
  /** The data of an `endpoint` event (HTTP+SSE) as the client is to get it; undefined if it must not. */
  endpoint(data: Uint8Array): Uint8Array | undefined
  /** What the client is to be given in place of a session id of the server; undefined for nothing. */
  tag(id: string): string | undefined
  /** By what is known of the request, and by the policies in force now. `undefined`: nothing is known, so all of it. */
  work(judged: JudgedRequest | undefined): AnswerWork
  /**
   * A JSON-RPC message or batch as it may go on: without what its reader may not use; with errors in place of lists that
   * nobody may see, and of results that Guardrails withhold; with texts for the model. A failure where it cannot be read:
   * nothing of it may go on, see {@link refuse}.
   */
  review(message: Uint8Array, judged: JudgedRequest | undefined): Eventually<Rewritten | ResponseFailure>
  /** A body that is no message as it may go on, or a message of ours in its place. */
  reviewText(text: Uint8Array, judged: JudgedRequest | undefined): Eventually<Uint8Array>
  /** What to send in place of a message that cannot be read. */
  refuse(message: Uint8Array, why: ResponseFailure): Uint8Array
  /** A refusal with a status of its own, recorded. */
  deny(why: Failure, status: number): Decision
}
