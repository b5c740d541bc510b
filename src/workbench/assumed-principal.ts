import type { Authenticator } from '../identity/authenticator.js'
import type { Principal } from '../identity/principal.js'
import type { JsonObject } from '../protocol/json-value.js'

/** Who is taken to ask; nothing of it is verified. */
export interface AssumedCaller {
  readonly user: string
  /** `system:authenticated` is added. */
  readonly groups?: readonly string[]
  readonly uid?: string
  readonly extra?: ReadonlyMap<string, readonly string[]>
  /** The software that acts for the user: alias of its issuer, and its id. */
  readonly agent?: { readonly issuer: string; readonly id: string; readonly assurance?: 'attested' | 'claimed' }
  readonly scopes?: readonly string[]
  readonly tenant?: string
  /** Default: `sub`, the user. */
  readonly claims?: JsonObject
  readonly issuer?: string
  /** SPIFFE id. */
  readonly workload?: string
  readonly kind?: Principal['kind']
}

/** A principal as it would be after verification. */
export function assumedPrincipal(caller: AssumedCaller): Principal {
  const { user, groups = [], uid = '', extra = new Map(), agent, kind = 'user' } = caller
  const everybody = kind === 'anonymous' ? 'system:unauthenticated' : 'system:authenticated'
  return {
    kind,
    user: { username: user, uid, groups: [...new Set([...groups, everybody])], extra },
    claims: caller.claims ?? new Map([['sub', user]]),
    issuer: caller.issuer ?? '',
    issuerAlias: agent?.issuer ?? '',
    scopes: caller.scopes ?? [],
    agent: { id: '', issuer: '', assurance: 'none', ...(agent && { assurance: 'attested', ...agent }) },
    throughAgent: agent !== undefined,
    actors: [],
    chainId: '',
    workload: caller.workload ?? '',
    tenant: caller.tenant,
    agentUser: agent && {
      username: `agent:${agent.issuer}:${agent.id}`,
      uid: '',
      groups: ['system:authenticated'],
      extra: new Map(),
    },
    expiresAt: undefined,
  }
}

/** Takes the principal's word; only where nothing is let through. */
export function assume(principal: Principal): Authenticator {
  return {
    issuers: [],
    ready: true,
    pending: [],
    start: () => Promise.resolve(),
    stop: () => undefined,
    authenticate: () => ({ ok: true, principal }),
  }
}
