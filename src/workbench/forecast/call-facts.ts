import type { UnknownPattern } from '../../cel/environment.js'
import type { Principal } from '../../identity/principal.js'
import type { Server } from '../../policy/server.js'
import type { PolicySnapshot } from '../../policy/snapshot.js'
import type { Call } from '../../protocol/call.js'
import type { InboundRequest } from '../../protocol/inbound-request.js'
import type { Authorizer } from '../../rbac/authorizer.js'
import type { KnownOperations } from './known-operations.js'

/** What is known otherwise of the rules of one call: by a decision about it that was recorded. */
export interface Evidence {
  /** Whether the call keeps the rules of a Guardrail; undefined: nothing is known of it. */
  guardrail(name: string): 'kept' | 'violated' | undefined
  /** Whether the conditions of a Grant hold and its scopes are there; undefined: nothing is known of it. */
  grant(name: string): 'gives' | 'withholds' | undefined
}

/** One call, as far as it is known. */
export interface CallFacts {
  readonly snapshot: PolicySnapshot
  readonly server: Server
  readonly principal: Principal
  /** `arguments` and `params` count only where they are known. Of a tool, the target is named without the Server's prefix. */
  readonly call: Call
  readonly request: InboundRequest
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Default: one that nothing else has. */
  readonly decisionId?: string
  /**
   * Whether `call.arguments` is all that was sent, nothing included. A list: it is but for the arguments of these names, of
   * which some were sent.
   */
  readonly argumentsKnown: boolean | readonly string[]
  /** Whether `principal.scopes` are those of the token. */
  readonly scopesKnown: boolean
  /** What else is not known. What hangs on the arguments is worked out of the above. */
  readonly unknowns: readonly UnknownPattern[]
  /** What the call does in terms of Kubernetes, known although the arguments are not. `complete`: and nothing else. */
  readonly operations?: KnownOperations | undefined
  /** Of a rule (`Kind/name`): whether it names none of the members of operations that `operations` does not have. */
  readonly readsAttributesOnly?: ((policy: string) => boolean) | undefined
  /** Answers questions about permissions in place of those of the Server. `failed`: it does not know. */
  readonly authorizer?: Authorizer | undefined
  readonly evidence?: Evidence | undefined
}
