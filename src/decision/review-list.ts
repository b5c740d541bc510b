import type { PolicySnapshot } from '../policy/snapshot.js'
import type { InboundRequest } from '../protocol/inbound-request.js'
import type { Decision } from './decision.js'
import { emergencyDecision } from './emergency-decision.js'
import { andThen, type Eventually } from './eventually.js'
import { filterLists, listMethods, unreadableList } from './filter-lists.js'
import type { Viewer } from './hypothetical-call.js'
import { identifyCaller } from './identify-caller.js'
import { plainDenial } from './plain-denial.js'

export interface ListReviewOptions {
  /** The snapshot in force; undefined until a first one compiled. */
  snapshot(): PolicySnapshot | undefined
  /** Milliseconds since the epoch. Default: the system's clock. */
  now?(): number
  /** Called when a part of ours threw; the result is denied. Must not throw. */
  onBug?(error: unknown): void
}

export interface ResultToReview {
  /** Who asked and where; its body is not looked at. */
  readonly request: InboundRequest
  readonly method: string
  /** The `result` of a response, as JSON. */
  readonly result: Uint8Array
}

export type ListReview =
  | { readonly ok: true; readonly result: Uint8Array }
  | { readonly ok: false; readonly decision: Decision }

/**
 * Filters the lists in a result by what its caller may use: for doors that are shown results apart from their requests.
 * Results of methods that are no lists pass. What cannot be judged is denied. Never throws, never rejects.
 */
export function createListReview(options: ListReviewOptions): (asked: ResultToReview) => Eventually<ListReview> {
  const broken = (error: unknown): ListReview => {
    options.onBug?.(error)
    return { ok: false, decision: emergencyDecision('internal.error', 'the list could not be judged') }
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

function review(options: ListReviewOptions, { request, method, result }: ResultToReview): Eventually<ListReview> {
  if (!listMethods.has(method)) return { ok: true, result }
  const snapshot = options.snapshot()
  if (snapshot === undefined) {
    return { ok: false, decision: emergencyDecision('policy.not_loaded', 'the policies are not loaded yet') }
  }
  const now = options.now?.() ?? Date.now()
  return andThen(identifyCaller(snapshot, request), caller => {
    if (caller.kind === 'audit') return { ok: true, result }
    if (caller.kind === 'unknown') return { ok: false, decision: plainDenial(caller.why) }
    const { server, principal } = caller
    const { authority, path, deadline } = request
    // A response may come without the address of its request.
    const where = authority === '' || path === '' ? {} : { authority, path }
    return filter(result, { snapshot, server, principal, ...where, deadline, now })
  })
}

// Lists are read as whole messages, which is how all other doors meet them.
const head = Buffer.from('{"jsonrpc":"2.0","id":0,"result":')
const tail = Buffer.from('}')

function filter(result: Uint8Array, viewer: Viewer): Eventually<ListReview> {
  const message = Buffer.concat([head, result, tail])
  return andThen(filterLists(message, viewer), filtered => {
    if (!filtered.ok) return { ok: false, decision: plainDenial(unreadableList()) }
    const changed = filtered.bytes !== message
    return { ok: true, result: changed ? filtered.bytes.subarray(head.length, -tail.length) : result }
  })
}
