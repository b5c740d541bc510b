import { chainId, maxActors } from './actor-chain.js'
import { identityLimits } from './identity-limits.js'
import { mayAct } from './may-act.js'
import type { OnBehalfOfRule } from './on-behalf-of-rule.js'
import type { Actor, Principal, UserInfo } from './principal.js'
import type { IdentityReason } from './reasons.js'

export type Delegated =
  | { readonly ok: true; readonly principal: Principal }
  | { readonly ok: false; readonly reason: IdentityReason; readonly message: string }

const refused = (message: string): Delegated => ({ ok: false, reason: 'identity.on_behalf_of', message })

/** What is known of the person. */
type Person = Pick<Principal, 'user' | 'claims' | 'issuer' | 'issuerAlias' | 'actors' | 'tenant' | 'expiresAt'> & {
  readonly subject: string
}

/**
 * The principal of software that acts for a person whose token it shows. The person must be one: a token that speaks for
 * software, or for which `may_act` names somebody else, is refused.
 */
export function delegatedByToken(presenter: Principal, person: Principal): Delegated {
  if (person.kind !== 'user') return refused('The on-behalf-of token speaks for software; show one of a person.')
  if (!mayAct(person.claims, presenter.claims))
    return refused('The on-behalf-of token allows another party to act for its subject (may_act).')
  const subject = person.claims.get('sub')
  return join(presenter, { ...person, subject: typeof subject === 'string' ? subject : '' }, 'jwt')
}

/** The principal of a trusted workload that acts for the person whom it names. */
export function delegatedByName(presenter: Principal, name: string, { prefix }: OnBehalfOfRule): Delegated {
  const username = prefix + name
  if (!isPlainName(name) || username.length > identityLimits.characters)
    return refused(
      `The on-behalf-of header does not hold one user name: printable, without spaces around it, at most ${identityLimits.characters} characters.`,
    )
  if (username.startsWith('system:') || username.startsWith('agent:') || name.startsWith('system:'))
    return {
      ok: false,
      reason: 'identity.reserved_name',
      message: 'The user name of the on-behalf-of header begins with a prefix that is reserved here (system:, agent:).',
    }
  const user: UserInfo = { username, uid: '', groups: ['system:authenticated'], extra: new Map() }
  const { tenant, expiresAt } = presenter
  return join(
    presenter,
    { user, claims: new Map(), issuer: '', issuerAlias: '', actors: [], tenant, expiresAt, subject: username },
    'plain',
  )
}

/** Letters of any script, but nothing that a gateway may have garbled, or that shows as something else. */
function isPlainName(name: string): boolean {
  return name !== '' && name.trim() === name && !/[\p{C}\p{Zl}\p{Zp}\ufffd,;%]/u.test(name)
}

/**
 * Scopes and agent are those of the software: its token is the one that was issued for this server. User, groups, claims
 * and issuer are the person's.
 */
function join(presenter: Principal, person: Person, form: 'jwt' | 'plain'): Delegated {
  if (presenter.tenant !== undefined && person.tenant !== undefined && presenter.tenant !== person.tenant)
    return {
      ok: false,
      reason: 'identity.tenant_conflict',
      message: 'The agent and the person for whom it acts belong to different tenants.',
    }
  const actors = actorsOf(presenter, person.actors)
  if (actors.length > maxActors) return refused('The chain of actors for whom this agent acts is too long.')
  const ends = [presenter.expiresAt, person.expiresAt].filter(end => end !== undefined)
  const principal: Principal = {
    ...presenter,
    kind: 'user',
    user: person.user,
    claims: person.claims,
    issuer: person.issuer,
    issuerAlias: person.issuerAlias,
    throughAgent: true,
    actors,
    chainId: chainId(person.issuer, person.subject, actors),
    tenant: person.tenant,
    expiresAt: ends.length === 0 ? undefined : Math.min(...ends),
    onBehalfOf: form,
  }
  return { ok: true, principal }
}

/** The one who presents is the nearest (it has no actors itself), unless the person's token was exchanged for it and says so. */
function actorsOf(presenter: Principal, persons: readonly Actor[]): readonly Actor[] {
  const itself: Actor = { subject: presenter.agent.id, issuer: presenter.issuer }
  const [nearest] = persons
  const said = nearest?.subject === itself.subject && nearest.issuer === itself.issuer
  return said ? persons : [itself, ...persons]
}
