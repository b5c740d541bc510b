import { randomUUID } from 'node:crypto'
import type { PolicySnapshot } from '../policy/snapshot.js'
import type { InboundRequest } from '../protocol/inbound-request.js'
import type { Decision } from './decision.js'
import { emergencyDecision } from './emergency-decision.js'
import { andThen, type Eventually } from './eventually.js'
import { failure } from './failure.js'
import { filterLists, listMethods, unreadableList } from './filter-lists.js'
import { createResultGuard } from './guard-results.js'
import type { Viewer } from './hypothetical-call.js'
import { identifyCaller } from './identify-caller.js'
import { isGuarded } from './is-guarded.js'
import { plainDenial } from './plain-denial.js'
import { isNoteworthy } from './result-notes.js'
import type { GuardedAnswer } from './reviewed-exchange.js'
import { withheldFailure } from './withheld-result.js'

export interface ResultReviewOptions {
  /** The snapshot in force; undefined until a first one compiled. */
  snapshot(): PolicySnapshot | undefined
  /** Milliseconds since the epoch. Default: the system's clock. */
  now?(): number
  /** Called when a part of ours threw; the result is denied. Must not throw. */
  onBug?(error: unknown): void
  /** Guardrails had something to say about a result. Must not throw. */
  onGuarded?(guarded: GuardedAnswer): void
}

export interface ResultToReview {
  /** Who asked and where; its body is not looked at. */
  readonly request: InboundRequest
  readonly method: string
  /** Un-prefixed name of the tool that was called. Default: not known, so that rules about any tool count. */
  readonly tool?: string | undefined
  /** The `result` of a response, as JSON. */
  readonly result: Uint8Array
}

export type ResultReview =
  | {
      readonly ok: true
      /** The very same array if nothing has changed. */
      readonly result: Uint8Array
    }
  | { readonly ok: false; readonly decision: Decision }

/**
 * Filters the lists in a result by what its caller may use, and judges it by the Guardrails about results: for doors that are
 * shown results apart from their requests. What cannot be judged is denied. Never throws, never rejects.
 */
export function createResultReview(options: ResultReviewOptions): (asked: ResultToReview) => Eventually<ResultReview> {
  const broken = (error: unknown): ResultReview => {
    options.onBug?.(error)
    return { ok: false, decision: emergencyDecision('internal.error', 'the result could not be judged') }
  }
  return asked => {
    try {
      const reviewed = review(options, asked)
      return reviewed instanceof Promise ? reviewed.catch(broken) : reviewed
    } catch (error) {
      return broken(error)
    }
  }
}

function review(options: ResultReviewOptions, asked: ResultToReview): Eventually<ResultReview> {
  const { request, method, result } = asked
  const snapshot = options.snapshot()
  if (snapshot === undefined) {
    return { ok: false, decision: emergencyDecision('policy.not_loaded', 'the policies are not loaded yet') }
  }
  // Nobody has to be known where nothing can change.
  if (!listMethods.has(method) && !snapshot.servers.all.some(({ name }) => isGuarded(snapshot, name))) {
    return passed(result)
  }
  const now = options.now?.() ?? Date.now()
  return andThen(identifyCaller(snapshot, request), caller => {
    if (caller.kind === 'audit') return passed(result)
    if (caller.kind === 'unknown') {
      const needed = listMethods.has(method) || caller.server === undefined || isGuarded(snapshot, caller.server.name)
      return needed ? { ok: false, decision: plainDenial(caller.why) } : passed(result)
    }
    const { server, principal } = caller
    const { authority, path, deadline } = request
    // A response may come without the address of its request.
    const where = authority === '' || path === '' ? {} : { authority, path }
    return judge(asked, { snapshot, server, principal, ...where, deadline, now }, options)
  })
}

function passed(result: Uint8Array): ResultReview {
  return { ok: true, result }
}

// Results are read as whole messages, which is how all other doors meet them.
const head = Buffer.from('{"jsonrpc":"2.0","id":0,"result":')
const tail = Buffer.from('}')

function judge(
  { request, method, tool, result }: ResultToReview,
  viewer: Viewer,
  { onGuarded }: ResultReviewOptions,
): Eventually<ResultReview> {
  const guard = createResultGuard(viewer, { method, tool })
  const isList = listMethods.has(method)
  if (!isList && guard.idle) return passed(result)
  const message = Buffer.concat([head, result, tail])
  const filtered = isList ? filterLists(message, viewer) : { ok: true as const, bytes: message }
  return andThen(filtered, listed => {
    if (!listed.ok) return { ok: false, decision: plainDenial(unreadableList()) }
    const decisionId = randomUUID()
    return andThen(guard.guard(listed.bytes, decisionId), guarded => {
      if (!guarded.ok) return { ok: false, decision: plainDenial(unreadableResult()) }
      const { bytes, notes } = guarded
      if (isNoteworthy(notes)) {
        const judged = { decisionId, method, tool, paged: false, texts: [] }
        onGuarded?.({ notes, decisionId, request, server: viewer.server.name, principal: viewer.principal, judged })
      }
      // Only what is a result can be told in the place of one.
      if (notes.failures.length > 0 && Buffer.compare(bytes.subarray(0, head.length), head) !== 0) {
        const { denial } = viewer.server
        const why = withheldFailure({ failures: notes.failures, decisionId, denial, method })
        return { ok: false, decision: plainDenial(why) }
      }
      const changed = bytes !== message
      return { ok: true, result: changed ? bytes.subarray(head.length, -tail.length) : result }
    })
  })
}

function unreadableResult() {
  return failure('internal.error', 'the result of the server cannot be read in one way only, so it is not passed on')
}
