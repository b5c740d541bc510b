import type { Call, CallKind, Era, KnownId } from './call.js'
import type { ProtocolReason } from './reasons.js'

export type CallFailure = {
  readonly ok: false
  readonly reason: ProtocolReason
  /** For the caller; holds nothing of the request. */
  readonly message: string
  /** The id of a request or response if it is known, so that a denial can echo it. */
  readonly id: KnownId
  /** How far the message was understood. Both matter to the form of a denial: only requests can be answered in the body. */
  readonly kind: CallKind | undefined
  readonly era: Era | undefined
  /** HTTP status; undefined where the form is the denial mode's (method.*). */
  readonly status?: number
  /** Code of a JSON-RPC error that goes with the denial; undefined where the form is the denial mode's own. */
  readonly jsonRpcCode?: number
}

export type CallResult = { readonly ok: true; readonly call: Call } | CallFailure
