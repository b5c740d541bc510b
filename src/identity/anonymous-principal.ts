import type { Principal } from './principal.js'

/** A caller without a token, where a Server allows that: the API server's anonymous user. */
export function anonymousPrincipal(workload: string): Principal {
  return {
    kind: 'anonymous',
    user: { username: 'system:anonymous', uid: '', groups: ['system:unauthenticated'], extra: new Map() },
    claims: new Map(),
    issuer: '',
    issuerAlias: '',
    scopes: [],
    agent: { id: '', issuer: '', assurance: 'none' },
    throughAgent: false,
    actors: [],
    chainId: '',
    workload,
    tenant: undefined,
    agentUser: undefined,
    expiresAt: undefined,
  }
}
