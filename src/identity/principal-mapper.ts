import type { JsonObject } from '../protocol/json-value.js'
import { actorChain, chainId } from './actor-chain.js'
import { claimsActivation } from './expressions.js'
import { type ConfiguredIssuer, clientKey, type IdentityConfiguration } from './identity-configuration.js'
import { defaultAgentExpression } from './identity-document.js'
import { tooLong, tooMany } from './identity-limits.js'
import { clientOf, isMachineToken, vendorClient } from './machine-token.js'
import { type MappedUser, mapUser } from './map-user.js'
import { isMayAct } from './may-act.js'
import type { Actor, Agent, Principal, UserInfo } from './principal.js'
import type { IdentityReason } from './reasons.js'
import { mapRoles } from './role-mapper.js'
import { tokenScopes } from './token-scopes.js'
import { workloadUser } from './workload-mapping.js'

export type Mapped =
  | { readonly ok: true; readonly principal: Principal }
  | { readonly ok: false; readonly reason: IdentityReason; readonly message: string }

const broken = (message: string) => ({ ok: false, reason: 'identity.claims', message }) as const
const nobody: Agent = { id: '', issuer: '', assurance: 'none' }

/**
 * Makes principals of verified claims. The result depends on nothing but claims, configuration and workload, so it is
 * kept as long as the claims are (they live in the token cache) and this configuration is in use.
 */
export class PrincipalMapper {
  readonly #configuration: IdentityConfiguration
  readonly #mapped = new WeakMap<
    JsonObject,
    { readonly workload: string; readonly user: UserInfo | undefined; readonly mapped: Mapped }
  >()

  constructor(configuration: IdentityConfiguration) {
    this.#configuration = configuration
  }

  /**
   * `claims` must be verified, and must be the same object for the same token if it is to be fast. So must `user`: whom an
   * API server says that the token speaks for; without it, the issuer's configuration says so.
   */
  map(claims: JsonObject, issuer: ConfiguredIssuer, expiresAt: number, workload: string, user?: UserInfo): Mapped {
    const known = this.#mapped.get(claims)
    if (known?.workload === workload && known.user === user) return known.mapped
    const mapped = this.#map(claims, issuer, expiresAt, workload, user)
    this.#mapped.set(claims, { workload, user, mapped })
    return mapped
  }

  #map(
    claims: JsonObject,
    { configuration, alias }: ConfiguredIssuer,
    expiresAt: number,
    workload: string,
    reviewed: UserInfo | undefined,
  ): Mapped {
    const issuer = configuration.url
    const mappedUser: MappedUser = reviewed ? { ok: true, user: reviewed } : mapUser(claims, configuration)
    if (!mappedUser.ok) return mappedUser
    const user = this.#withRoles(mappedUser.user, claims)
    if (!user.ok) return user
    const scopes = tokenScopes(claims)
    if (scopes === undefined) return broken('The scope of this token is neither text nor a list of texts.')
    const actors = actorChain(claims, issuer)
    if (actors === undefined)
      return broken('The act claim of this token is malformed, or its chain of actors is too long.')
    if (!isMayAct(claims.get('may_act'))) return broken('The may_act claim of this token is malformed.')
    const machine = isMachineToken(claims)
    const agent = this.#agent(claims, { alias, issuer, actors, machine, workload })
    if (agent === undefined) return broken('The agent cannot be derived from the claims of this token.')
    const tenant = this.#tenant(claims)
    if (!tenant.ok) return broken('The tenant cannot be derived from the claims of this token.')
    const oversized =
      tooLong('The agent that this token names', agent.id) ??
      tooLong('The tenant of this token', tenant.value ?? '') ??
      tooLong("The name in the certificate of the gateway's client", workload)
    if (oversized !== undefined) return broken(oversized)
    const subject = claims.get('sub')
    const principal: Principal = {
      kind: machine ? 'machine' : 'user',
      user: user.user,
      claims,
      issuer,
      issuerAlias: alias,
      scopes,
      agent,
      throughAgent: agent.id !== '',
      actors,
      chainId: chainId(issuer, typeof subject === 'string' ? subject : '', actors),
      workload,
      tenant: tenant.value,
      agentUser: this.#agentUser(agent, workload),
      expiresAt,
    }
    return { ok: true, principal }
  }

  /** The roles of Identity join the groups. */
  #withRoles(user: UserInfo, claims: JsonObject): MappedUser {
    const { roleMapper } = this.#configuration
    if (roleMapper === undefined) return { ok: true, user }
    const roles = mapRoles(roleMapper, claims)
    if (!roles.ok) return roles
    const groups = [...new Set([...user.groups, ...roles.groups])]
    const oversized = tooMany('groups', groups)
    return oversized === undefined ? { ok: true, user: { ...user, groups } } : broken(oversized)
  }

  /** undefined when the expression fails, or names an actor of another issuer, for which this issuer cannot vouch. */
  #agent(
    claims: JsonObject,
    token: { alias: string; issuer: string; actors: readonly Actor[]; machine: boolean; workload: string },
  ): Agent | undefined {
    const { alias, issuer, machine, workload } = token
    const program = this.#configuration.agent
    const evaluated = program.evaluate(claimsActivation(claims))
    if (!evaluated.ok || typeof evaluated.value !== 'string') return undefined
    // What the default cannot say: whose words `cid` and `appid` are.
    const said =
      evaluated.value === '' && program.source === defaultAgentExpression ? vendorClient(claims) : evaluated.value
    const [actor] = token.actors
    const client = clientOf(claims)
    const subject = claims.get('sub')
    // A machine token without a client (SPIFFE) names the software in its subject.
    const id = said === '' && machine && client === '' && typeof subject === 'string' ? subject : said
    if (id === '') return nobody
    const isActor = actor?.subject === id
    if (isActor && actor.issuer !== issuer) return undefined
    const listed = this.#configuration.clients.get(clientKey(alias, id))
    if (listed === 'direct' && actor === undefined && !machine) return nobody
    const own = machine && (id === client || (client === '' && id === subject))
    const attested = listed === 'attested' || isActor || own || id === workload
    return { id, issuer: alias, assurance: attested ? 'attested' : 'claimed' }
  }

  /** An absent claim means an unknown tenant; a tenant that is not text is a mistake somewhere, and denies. */
  #tenant(claims: JsonObject): { readonly ok: true; readonly value: string | undefined } | { readonly ok: false } {
    const evaluated = this.#configuration.tenant?.evaluate(claimsActivation(claims))
    if (evaluated === undefined || !evaluated.ok) return { ok: true, value: undefined }
    if (typeof evaluated.value !== 'string') return { ok: false }
    return { ok: true, value: evaluated.value === '' ? undefined : evaluated.value }
  }

  #agentUser(agent: Agent, workload: string): UserInfo | undefined {
    if (agent.id === '') return undefined
    const mapped = workload === '' ? undefined : workloadUser(workload, this.#configuration.workloads)
    if (mapped !== undefined) return mapped
    return {
      username: `agent:${agent.issuer}:${agent.id}`,
      uid: '',
      groups: ['system:authenticated'],
      extra: new Map(),
    }
  }
}
