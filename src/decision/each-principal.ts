import type { UserInfo } from '../identity/principal.js'
import type { PrincipalRole } from '../policy/server.js'
import type { Failure } from './decision.js'
import { failure } from './failure.js'
import type { JudgedTrial } from './trial.js'

/** One of those whom the Server wants to be authorized, as RBAC knows them. */
export interface PrincipalSubject {
  readonly role: PrincipalRole
  readonly info: UserInfo
}

export type PrincipalSubjects =
  | { readonly ok: true; readonly subjects: readonly PrincipalSubject[] }
  | { readonly ok: false; readonly failure: Failure }

/** The listed principals, in the order of the list: each must be allowed on its own. */
export function principalSubjects(trial: JudgedTrial): PrincipalSubjects {
  const subjects: PrincipalSubject[] = []
  for (const role of trial.server.principals) {
    const info = role === 'user' ? trial.principal.user : trial.principal.agentUser
    if (info === undefined) return { ok: false, failure: agentMissing() }
    // Anybody can name the client id of a public client: RBAC must not take that for the agent itself.
    if (role === 'agent' && trial.principal.agent.assurance !== 'attested')
      return { ok: false, failure: agentClaimed() }
    subjects.push({ role, info })
  }
  return { ok: true, subjects }
}

export function agentMissing(): Failure {
  return failure(
    'identity.agent_missing',
    'this server requires that an agent is named beside the user, and the token names none',
    {
      hints: ['Use a token that the agent obtained for the user, for instance by token exchange (RFC 8693).'],
    },
  )
}

function agentClaimed(): Failure {
  return failure(
    'identity.agent_missing',
    'the agent is only claimed by the token, and this server needs one that is attested',
    {
      hints: ['Ask the platform team to list the client under Identity.spec.clients, if its issuer authenticates it.'],
    },
  )
}
