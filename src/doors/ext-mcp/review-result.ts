import type { Decision } from '../../decision/decision.js'
import type { InboundRequest } from '../../protocol/inbound-request.js'

/** A result of a server on its way to the client. */
export interface ServerResult {
  /**
   * The request that it answers, as far as it is known here: method and context, identity from the gateway's metadata;
   * no params and no headers of the client.
   */
  readonly request: InboundRequest
  readonly method: string
  /** The JSON of the result. Lists are those of all servers behind one address, with the names that clients see. */
  readonly result: Uint8Array
}

export type ReviewedResult =
  /** The result goes on; the very same array if nothing has changed. */
  | { readonly ok: true; readonly result: Uint8Array }
  /** A denial; the door tells it to the client and to the log. */
  | { readonly ok: false; readonly decision: Decision }

/** Filters or refuses results. Must not throw or reject; what escapes denies. */
export type ReviewResult = (result: ServerResult) => ReviewedResult | Promise<ReviewedResult>
