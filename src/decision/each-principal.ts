import type { UserInfo } from '../identity/principal.js'
import type { PrincipalRole } from '../policy/server.js'
import type { Failure } from './decision.js'
import { type Eventually, firstOf } from './eventually.js'
import { failure } from './failure.js'
import type { JudgedTrial, Verdict } from './trial.js'

/** One of those whom the Server wants to be authorized, as RBAC knows them. */
export interface PrincipalSubject {
  readonly role: PrincipalRole
  readonly info: UserInfo
}

/** Each listed principal must be allowed on its own. */
export function eachPrincipal(
  trial: JudgedTrial,
  check: (subject: PrincipalSubject) => Eventually<Verdict>,
): Eventually<Verdict> {
  const subjects: PrincipalSubject[] = []
  for (const role of trial.server.principals) {
    const info = role === 'user' ? trial.principal.user : trial.principal.agentUser
    if (info === undefined) return agentMissing()
    // Anybody can name the client id of a public client: RBAC must not take that for the agent itself.
    if (role === 'agent' && trial.principal.agent.assurance !== 'attested') return agentClaimed()
    subjects.push({ role, info })
  }
  return firstOf(subjects, check)
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
