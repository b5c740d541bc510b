import type { Principal } from '../identity/principal.js'
import type { Server } from '../policy/server.js'
import { serverExtension } from '../policy/server-table.js'
import type { PolicySnapshot } from '../policy/snapshot.js'
import type { InboundRequest } from '../protocol/inbound-request.js'
import type { Failure } from './decision.js'
import { andThen, type Eventually } from './eventually.js'
import { failure } from './failure.js'
import { unknownServer } from './find-server.js'

/** Who asks which Server, for doors that look at answers. */
export type Caller =
  | {
      readonly kind: 'known'
      readonly snapshot: PolicySnapshot
      readonly server: Server
      readonly principal: Principal
    }
  /** The Server is in Audit: nothing of it is changed, whoever asks. */
  | { readonly kind: 'audit'; readonly server: Server }
  | { readonly kind: 'unknown'; readonly server: Server | undefined; readonly why: Failure }

/**
 * As decisions about requests find Server and principal; the body is not looked at. A proof that is good once (DPoP) is
 * checked, but left for the decision about the request. So what is learnt here may shape only the answer to a request that
 * such a decision allowed, here or in another replica: whoever replays a proof can be known here, and is denied there.
 */
export function identifyCaller(snapshot: PolicySnapshot | undefined, request: InboundRequest): Eventually<Caller> {
  if (snapshot === undefined) {
    const why = failure('policy.not_loaded', 'the policies are not loaded yet')
    return { kind: 'unknown', server: undefined, why }
  }
  const { servers, authenticator } = snapshot
  const named = request.context.extensions.get(serverExtension)
  const server = named === undefined ? servers.byAddress(request.authority, request.path) : servers.byName(named)
  if (server === undefined) return { kind: 'unknown', server, why: unknownServer() }
  if (server.mode === 'Audit') return { kind: 'audit', server }
  return andThen(authenticator.authenticate(request, server.audience, { proof: 'shown' }), authenticated =>
    authenticated.ok
      ? { kind: 'known', snapshot, server, principal: authenticated.principal }
      : { kind: 'unknown', server, why: failure(authenticated.reason, authenticated.message) },
  )
}
