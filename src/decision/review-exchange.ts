import { randomUUID } from 'node:crypto'
import type { Principal } from '../identity/principal.js'
import type { PolicySnapshot } from '../policy/snapshot.js'
import type { InboundRequest } from '../protocol/inbound-request.js'
import { appendTextInSlices } from '../protocol/mcp/append-text.js'
import type { Rewritten } from '../protocol/mcp/read-server-messages.js'
import type { ResponseFailure } from '../protocol/mcp/response-failure.js'
import { type OpenedSession, SessionBinder } from './bind-session.js'
import type { Decision, Failure } from './decision.js'
import { andThen, type Eventually } from './eventually.js'
import { failure } from './failure.js'
import { filterLists, listMethods } from './filter-lists.js'
import { unknownServer } from './find-server.js'
import { createResultGuard, type ResultGuard, type ResultNotes } from './guard-results.js'
import type { Viewer } from './hypothetical-call.js'
import { type Caller, identifyCaller } from './identify-caller.js'
import { workInTurns } from './in-turns.js'
import { isGuarded } from './is-guarded.js'
import type { JudgedRequest } from './judged-request.js'
import { plainDenial } from './plain-denial.js'
import { holdsList, refusalOfMessage, refuseResults } from './refuse-results.js'
import { isNoteworthy } from './result-notes.js'
import type { AnswerWork, ExchangeReview, ExchangeReviewOptions, ReviewedExchange } from './reviewed-exchange.js'

export function createExchangeReview(options: ExchangeReviewOptions): ExchangeReview {
  return {
    open: request =>
      andThen(identifyCaller(options.snapshot(), request), caller => new CallersExchange(options, caller, request)),
    unseen: () => new CallersExchange(options, unseen, undefined),
  }
}

const unseen: Caller = {
  kind: 'unknown',
  server: undefined,
  why: failure('internal.error', 'the gateway did not show the request, so nobody knows whose answer this is'),
}

/** Records per exchange: a stream may have as many unreadable events as its server likes. */
const maxRecords = 16

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
  readonly provisional: boolean
  readonly bindsSessions: boolean
  readonly session: OpenedSession
  readonly target: string | undefined
  readonly #namesSessions: boolean
  #records = 0
  #guard: { readonly snapshot: PolicySnapshot; readonly guard: ResultGuard } | undefined
  #ownId: string | undefined

  constructor(options: ExchangeReviewOptions, caller: Caller, request: InboundRequest | undefined) {
    this.#options = options
    this.#reader = readerOf(caller)
    this.#server = caller.server?.name ?? ''
    this.#request = request
    // What looks like MCP in the answers of another protocol is none.
    this.active = caller.kind !== 'audit' && caller.server?.protocol !== 'json'
    this.identified = caller.kind === 'known'
    this.provisional = request?.headers.has('dpop') === true
    const { sessions } = options
    this.bindsSessions = this.active && sessions !== undefined
    this.#binder =
      sessions !== undefined && caller.kind === 'known'
        ? new SessionBinder(sessions, caller.server, caller.principal)
        : undefined
    this.session = (request && this.#binder?.open(request)) ?? { kind: 'none' }
    const sse = this.bindsSessions ? caller.server?.sse : undefined
    this.#namesSessions = sse !== undefined
    // Nobody knows whose session it is: should the request be allowed all the same, then without one.
    const nobodys = this.#binder === undefined && request !== undefined && request.path === sse?.messages
    this.target = this.session.kind === 'own' ? this.session.target : nobodys ? request.path : undefined
  }

  endpoint(data: Uint8Array): Uint8Array | undefined {
    return this.#namesSessions ? this.#binder?.endpoint(data) : data
  }

  tag(id: string): string | undefined {
    return this.#binder?.tag(id)
  }

  work(judged: JudgedRequest | undefined): AnswerWork {
    if (!this.active || this.#reader.kind === 'audit') return idle
    const lists = judged?.method === undefined || listMethods.has(judged.method)
    return { lists, guarded: this.#guarded(judged), texts: judged?.texts ?? [] }
  }

  review(message: Uint8Array, judged: JudgedRequest | undefined): Eventually<Rewritten | ResponseFailure> {
    if (!this.active || this.#reader.kind === 'audit') return { ok: true, bytes: message }
    const { lists, texts } = this.work(judged)
    const filtered = lists ? this.#filter(message, judged) : { ok: true as const, bytes: message }
    return andThen(filtered, read => {
      if (!read.ok) return read
      return andThen(this.#guardResults(read.bytes, judged), guarded => {
        if (!guarded.ok) return guarded
        const told = [...guarded.warnings.map(warning => `Warning: ${warning}`), ...texts]
        return told.length === 0 ? { ok: true, bytes: guarded.bytes } : withTexts(guarded.bytes, told)
      })
    })
  }

  reviewText(text: Uint8Array, judged: JudgedRequest | undefined): Eventually<Uint8Array> {
    if (!this.active || !this.#guarded(judged)) return text
    const reader = this.#reader
    // Unseen answers are those of filters before us.
    if (reader.kind !== 'known' && this.#request === undefined) return text
    const guard = this.#guardFor(judged)
    if (reader.kind !== 'known' || guard === undefined) return refusalOfMessage(text, this.deny(this.#whyNot(), 403))
    const { principal } = reader
    return andThen(guard.guardText(text, this.#decisionId(judged)), ({ bytes, notes }) => {
      this.#note(notes, principal, judged)
      return bytes
    })
  }

  /** Why nothing can be judged for this reader. */
  #whyNot(): Failure {
    return this.#reader.kind === 'unknown' ? this.#reader.why : unknownServer()
  }

  #filter(message: Uint8Array, judged: JudgedRequest | undefined): Eventually<Rewritten | ResponseFailure> {
    const reader = this.#reader
    switch (reader.kind) {
      case 'audit':
        return { ok: true, bytes: message }
      case 'unknown':
        return this.#withoutLists(message, reader.why)
      case 'known': {
        // A stream may outlive many snapshots: what is in force now counts.
        const viewer = this.#viewer(reader.principal)
        if (viewer === undefined) return this.#withoutLists(message, unknownServer())
        return viewer.server.mode === 'Audit'
          ? { ok: true, bytes: message }
          : filterLists(message, { ...viewer, paged: judged?.paged ?? false })
      }
    }
  }

  #viewer(principal: Principal): Viewer | undefined {
    const snapshot = this.#options.snapshot()
    const server = snapshot?.servers.byName(this.#server)
    if (snapshot === undefined || server === undefined) return undefined
    const now = this.#options.now?.() ?? Date.now()
    const deadline = now + (this.#options.judgeWithinMs ?? 600)
    return { snapshot, server, principal, ...this.#where(), deadline, now }
  }

  #guarded(judged: JudgedRequest | undefined): boolean {
    const snapshot = this.#options.snapshot()
    if (snapshot === undefined) return true
    if (this.#reader.kind === 'known') {
      const server = snapshot.servers.byName(this.#server)
      // A Server that is gone has no rules that could be kept any more.
      if (server === undefined) return true
      return server.mode !== 'Audit' && this.#guardFor(judged)?.idle === false
    }
    return this.guardsResults
  }

  get guardsResults(): boolean {
    const snapshot = this.#options.snapshot()
    if (snapshot === undefined) return true
    const names = this.#server === '' ? snapshot.servers.all.map(({ name }) => name) : [this.#server]
    return names.some(name => isGuarded(snapshot, name))
  }

  /** Of an exchange there is one request, and so one guard for as long as the policies stay. */
  #guardFor(judged: JudgedRequest | undefined): ResultGuard | undefined {
    const reader = this.#reader
    const viewer = reader.kind === 'known' ? this.#viewer(reader.principal) : undefined
    if (viewer === undefined || viewer.server.mode === 'Audit') return undefined
    if (this.#guard?.snapshot !== viewer.snapshot) {
      const guard = createResultGuard(viewer, { method: judged?.method, tool: judged?.tool })
      this.#guard = { snapshot: viewer.snapshot, guard }
    }
    return this.#guard.guard
  }

  #guardResults(
    message: Uint8Array,
    judged: JudgedRequest | undefined,
  ): Eventually<(Rewritten & { readonly warnings: readonly string[] }) | ResponseFailure> {
    if (!this.#guarded(judged)) return { ok: true, bytes: message, warnings: [] }
    const reader = this.#reader
    const guard = this.#guardFor(judged)
    if (reader.kind !== 'known' || guard === undefined) {
      const decision = this.deny(this.#whyNot(), 403)
      return {
        ok: true,
        bytes: refuseResults(message, decision, true) ?? refusalOfMessage(message, decision),
        warnings: [],
      }
    }
    const decisionId = this.#decisionId(judged)
    return andThen(guard.guard(message, decisionId), guarded => {
      if (!guarded.ok) return guarded
      const { notes, bytes } = guarded
      this.#note(notes, reader.principal, judged)
      return { ok: true, bytes, warnings: notes.warnings }
    })
  }

  #note(notes: ResultNotes, principal: Principal, judged: JudgedRequest | undefined): void {
    if (!isNoteworthy(notes) || this.#records++ >= maxRecords) return
    const decisionId = this.#decisionId(judged)
    this.#options.onGuarded?.({
      ...{ notes, decisionId, request: this.#request, server: this.#server, principal, judged },
    })
  }

  #decisionId(judged: JudgedRequest | undefined): string {
    if (judged !== undefined && judged.decisionId !== '') return judged.decisionId
    this.#ownId ??= randomUUID()
    return this.#ownId
  }

  refuse(message: Uint8Array, { message: why }: ResponseFailure): Uint8Array {
    const text = `the answer of the server is not passed on: ${why} The request may have been carried out.`
    const decision = this.deny(failure('internal.error', text), 503)
    // What was not read was not judged by Guardrails either.
    return refuseResults(message, decision, this.guardsResults) ?? refusalOfMessage(message, decision)
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
    return { ok: true, bytes: refuseResults(message, decision) ?? refusalOfMessage(message, decision) }
  }

  #where(): { readonly authority?: string; readonly path?: string } {
    if (this.#request === undefined) return {}
    const { authority, path } = this.#request
    return { authority, path }
  }
}

const idle: AnswerWork = { lists: false, guarded: false, texts: [] }

/** Nothing depends on them: where they cannot be added, the answer stays as it is. */
function withTexts(message: Uint8Array, texts: readonly string[]): Eventually<Rewritten> {
  return andThen(workInTurns(appendTextInSlices(message, texts)), told =>
    told !== 'late' && told.ok ? told : { ok: true, bytes: message },
  )
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
