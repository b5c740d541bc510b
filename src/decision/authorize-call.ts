import type { Principal, UserInfo } from '../identity/principal.js'
import { hasTarget } from '../policy/call-names.js'
import { activationOf } from '../policy/expression-environment.js'
import type { Grant } from '../policy/grant.js'
import type { MatchedCall } from '../policy/match.js'
import type { PrincipalRole, Requirement, Server } from '../policy/server.js'
import type { Call } from '../protocol/call.js'
import type { JsonObject } from '../protocol/json-value.js'
import type { Access, Authorizer } from '../rbac/authorizer.js'
import type { ResourceAttributes } from '../rbac/operation.js'
import type { CatalogTool, ResolvedTool } from '../rbac/tool-catalog.js'
import { virtualOperations } from '../rbac/virtual-resources.js'
import { partsOf } from './call-parts.js'
import { circumstancesOf } from './circumstances.js'
import type { Failure } from './decision.js'
import type { Eventually } from './eventually.js'
import { failure } from './failure.js'
import { fewestMissingScopes } from './fewest-missing-scopes.js'
import { quoted } from './quoted.js'
import { explainStep, type Trial } from './trial.js'

/** A trial that has passed the stages before authorization. */
export interface JudgedTrial extends Trial {
  readonly server: Server
  readonly principal: Principal
  readonly call: Call
}

type Verdict = Failure | undefined

/**
 * Stage 7: whether the call was given. Every entry of `require` must allow, for every listed principal on its own.
 * Calls without a target need `connect` only.
 */
export function authorizeCall(trial: JudgedTrial, matched: MatchedCall): Eventually<Verdict> {
  const { server, call } = trial
  const refused = refuseByCatalog(trial)
  if (refused !== undefined) return refused
  if (!hasTarget(call))
    return server.connect === 'required' ? authorizeVirtual(trial, call, 'authorization.connect') : undefined
  const parts = partsOf(call)
  if (parts.length > maxTargets) return failure('message.params', `a call may name at most ${maxTargets} targets`)
  const unscoped: Unscoped[] = []
  return first(
    parts,
    part => authorizePart(trial, part, { ...matched, call: part }, unscoped),
    () => scopesMissing(trial, unscoped),
  )
}

/**
 * What only scopes stand in the way of: the scope lists of the Grants that would give it. Kept until everything else was
 * asked, because nobody should be sent to a login that cannot help, nor to two where one does.
 */
type Unscoped = readonly (readonly string[])[]

/** The failure for which a login helps. Names what is missing, and beside it what the caller has of our scopes. */
function scopesMissing(trial: JudgedTrial, unscoped: readonly Unscoped[]): Verdict {
  if (unscoped.length === 0) return undefined
  const { server, principal, snapshot } = trial
  const missing = fewestMissingScopes(unscoped, principal.scopes) ?? []
  // Clients replace their scopes by those of a challenge (MCP authorization, step-up); others of theirs are not ours to name.
  const named = snapshot.scopes.get(server.name) ?? []
  trial.missingScopes = named.filter(scope => missing.includes(scope) || principal.scopes.includes(scope))
  return failure('authorization.scope', `the token lacks a scope; needed: ${missing.join(' ')}`)
}

/**
 * The catalogue's own word, whatever the Server requires: what it does not know or refuses is refused, and so is a call
 * that it cannot make sense of.
 */
function refuseByCatalog(trial: JudgedTrial): Verdict {
  const { server, call, catalogTool } = trial
  const { target } = call
  if (server.catalog === undefined || (target.kind !== 'tool' && target.kind !== 'prompt')) return undefined
  const what = `the ${target.kind} ${quoted(target.name)}`
  if (catalogTool === undefined) {
    // A catalogue without prompts says nothing about them.
    if (target.kind === 'prompt' && server.catalog.prompts.size === 0) return undefined
    return failure(
      'authorization.tool_unknown',
      `${what} is not one that the server "${server.name}" is known to have`,
      {
        hints: ['Use only names from the list of the server; do not invent names.'],
      },
    )
  }
  if (catalogTool.refuse !== undefined) {
    return failure('authorization.tool_refused', `${what} is refused for everybody: ${catalogTool.refuse}`)
  }
  const resolved = resolveTool(trial, catalogTool)
  if (resolved.ok) return undefined
  return failure(resolved.reason, resolved.message, { hints: resolved.hint === undefined ? [] : [resolved.hint] })
}

/** What the catalogue makes of the call; Guardrails look at it too. */
function resolveTool(trial: JudgedTrial, catalogTool: CatalogTool): ResolvedTool {
  const resolved = catalogTool.resolve(trial.call.arguments ?? noArguments, trial.server.kubernetes)
  trial.resolved = resolved
  if (resolved.ok) {
    trial.operations = resolved.operations
    trial.images = resolved.images
    trial.replicas = resolved.replicas
  }
  return resolved
}

const noArguments: JsonObject = new Map()

/** Targets of one call: each is a question to RBAC of its own. */
const maxTargets = 64

function authorizePart(
  trial: JudgedTrial,
  part: Call,
  matched: MatchedCall,
  unscoped: Unscoped[],
): Eventually<Verdict> {
  return first(
    trial.server.require,
    requirement => authorizeRequirement(trial, part, matched, requirement, unscoped),
    () => undefined,
  )
}

/** Runs checks in order until one fails; stays synchronous as long as the checks do. */
function first<T>(
  items: readonly T[],
  check: (item: T) => Eventually<Verdict>,
  last: () => Verdict,
): Eventually<Verdict> {
  for (const [index, item] of items.entries()) {
    const verdict = check(item)
    if (verdict instanceof Promise) {
      return verdict.then(settled => settled ?? first(items.slice(index + 1), check, last))
    }
    if (verdict !== undefined) return verdict
  }
  return last()
}

function authorizeRequirement(
  trial: JudgedTrial,
  call: Call,
  matched: MatchedCall,
  requirement: Requirement,
  unscoped: Unscoped[],
): Eventually<Verdict> {
  switch (requirement) {
    case 'operations':
      return authorizeOperations(trial, call)
    case 'tools': {
      const virtual = authorizeVirtual(trial, call, 'authorization.virtual')
      // A prompt that the catalogue knows reads the cluster: RBAC on the name alone would not be enough.
      const alsoOperations = call.target.kind === 'prompt' && trial.catalogTool !== undefined
      if (!alsoOperations) return virtual
      return virtual instanceof Promise
        ? virtual.then(verdict => verdict ?? authorizeOperations(trial, call))
        : (virtual ?? authorizeOperations(trial, call))
    }
    case 'grants':
      return authorizeByGrants(trial, matched, unscoped)
  }
}

function authorizeOperations(trial: JudgedTrial, call: Call): Eventually<Verdict> {
  const { server, catalogTool, resolved, principal } = trial
  const { target } = call
  const what = target.kind === 'none' ? 'this call' : `the ${target.kind} ${quoted(target.name)}`
  const named = target.kind === 'tool' || target.kind === 'prompt'
  if (!named || catalogTool === undefined || resolved?.ok !== true) {
    const message = `nothing says what ${what} does in terms of Kubernetes, and this server requires that`
    return failure('authorization.no_operation', message, {
      hints: ['Ask the platform team to require tools or grants for this server.'],
    })
  }
  if (resolved.operations.length === 0) {
    // `operations: none` is enough for somebody known who reads; everything else must be given another way as well.
    const reads = principal.kind !== 'anonymous' && catalogTool.access === 'read'
    if (catalogTool.noOperations && (reads || server.require.length > 1)) return undefined
    return failure('authorization.no_operation', `${what} amounts to no Kubernetes operation that could be authorized`)
  }
  const authorizer = server.authorizers.get(resolved.cluster)
  if (authorizer === undefined) {
    return failure('authorization.cluster_unknown', `${what} is about a cluster whose permissions are not known here`)
  }
  return eachPrincipal(trial, user => authorizeAll(trial, authorizer, user, resolved.operations))
}

function authorizeAll(
  trial: JudgedTrial,
  authorizer: Authorizer,
  { role, info }: PrincipalSubject,
  operations: readonly ResourceAttributes[],
): Eventually<Verdict> {
  return first(
    operations,
    operation => {
      const access = authorizer.authorize(info, operation)
      return access instanceof Promise
        ? access.then(settled => judge(trial, role, info, operation, settled))
        : judge(trial, role, info, operation, access)
    },
    () => undefined,
  )
}

function judge(
  trial: JudgedTrial,
  role: PrincipalRole,
  user: UserInfo,
  operation: ResourceAttributes,
  access: Access,
): Verdict {
  trial.asked.push({ role, operation, allowed: access.allowed, reason: access.reason })
  explainAccess(trial, 'RBAC', role, operation, access)
  if (access.allowed) return undefined
  if ('failed' in access) return failure(access.failed, 'permissions could not be looked up; try again shortly')
  return failure('authorization.rbac', forbidden(role, user, operation), {
    hints: ['Ask for something that you have access to, or ask the owner of that namespace for access.'],
  })
}

/** Puts its text together only when somebody asked: it is longer than the rest of the question. */
function explainAccess(
  trial: JudgedTrial,
  rule: string,
  role: PrincipalRole,
  operation: ResourceAttributes,
  { allowed, reason }: Access,
): void {
  if (trial.steps === undefined) return
  const detail = `${role} ${describe(operation)}: ${reason || 'no rule allows it'}`
  explainStep(trial, 'authorization', rule, allowed ? 'pass' : 'fail', detail)
}

/** In the words of the API server, which operators and models have seen before. */
function forbidden(role: PrincipalRole, user: UserInfo, operation: ResourceAttributes): string {
  const who = role === 'agent' ? 'agent' : 'user'
  return `${who} ${quoted(user.username)} cannot ${describe(operation)}`
}

function describe({ verb, group, resource, subresource, namespace, name }: ResourceAttributes): string {
  const full = `${resource}${subresource === '' ? '' : `/${subresource}`}`
  const which = name === '' ? '' : ` ${quoted(name)}`
  const scope = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`
  return `${verb} resource "${full}"${which} in API group "${group}" ${scope}`
}

function authorizeVirtual(
  trial: JudgedTrial,
  call: Call,
  reason: 'authorization.virtual' | 'authorization.connect',
): Eventually<Verdict> {
  const { server } = trial
  const questions = virtualOperations({ name: server.name, namespace: server.namespace }, virtualCall(trial, call))
  if (questions.length === 0) {
    return failure('authorization.no_operation', `no virtual resource stands for "${call.method}"`)
  }
  return eachPrincipal(trial, user =>
    first(
      questions,
      question => anyOf(trial, reason, user, question.anyOf),
      () => undefined,
    ),
  )
}

/** Policies and RBAC name tools without the prefix that an aggregating gateway adds. */
function virtualCall({ tool }: JudgedTrial, call: Call): Call {
  return tool === undefined || call.target.kind !== 'tool' ? call : { ...call, target: { kind: 'tool', name: tool } }
}

function anyOf(
  trial: JudgedTrial,
  reason: 'authorization.virtual' | 'authorization.connect',
  user: PrincipalSubject,
  alternatives: readonly ResourceAttributes[],
): Eventually<Verdict> {
  const [next, ...rest] = alternatives
  if (next === undefined) {
    return failure(
      reason,
      `${user.role} ${quoted(user.info.username)} has no permission for this on the server "${trial.server.name}"`,
      {
        hints: ['Use only what the list of the server offers you, or ask for access.'],
      },
    )
  }
  const settle = (access: Access): Eventually<Verdict> => {
    trial.asked.push({ role: user.role, operation: next, allowed: access.allowed, reason: access.reason })
    explainAccess(trial, 'RBAC (virtual)', user.role, next, access)
    if (access.allowed) return undefined
    if ('failed' in access) return failure(access.failed, 'permissions could not be looked up; try again shortly')
    return anyOf(trial, reason, user, rest)
  }
  const access = trial.server.authorizer.authorize(user.info, next)
  return access instanceof Promise ? access.then(settle) : settle(access)
}

interface PrincipalSubject {
  readonly role: PrincipalRole
  readonly info: UserInfo
}

function eachPrincipal(
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
  return first(subjects, check, () => undefined)
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

function authorizeByGrants(trial: JudgedTrial, matched: MatchedCall, unscoped: Unscoped[]): Verdict {
  const { server, principal, snapshot } = trial
  const candidates = snapshot.grants.candidates(matched)
  const activation = activationOf(circumstancesOf(trial))
  const holds = (grant: Grant, role: PrincipalRole): boolean => {
    return givesTo(grant, role, principal) && grant.conditionsHold(activation, trial.budgets.deciding)
  }
  for (const role of server.principals) {
    if (role === 'agent' && principal.agentUser === undefined) return agentMissing()
    const matching = candidates.filter(grant => holds(grant, role))
    const given = matching.find(grant => grant.scopes.every(scope => principal.scopes.includes(scope)))
    if (given !== undefined) {
      trial.policies.push(`Grant/${given.name}`)
      explainStep(trial, 'authorization', `Grant/${given.name}`, 'pass', `gives to the ${role}`)
      continue
    }
    for (const grant of candidates) {
      explainStep(
        trial,
        'authorization',
        `Grant/${grant.name}`,
        matching.includes(grant) ? 'fail' : 'not matched',
        `for the ${role}`,
      )
    }
    if (matching.length > 0) {
      unscoped.push(matching.map(grant => grant.scopes))
      continue
    }
    return failure(
      'authorization.grant',
      `nothing grants this to ${role} ${quoted(role === 'agent' ? (principal.agentUser?.username ?? '') : principal.user.username)} on the server "${server.name}"`,
      {
        hints: ['Use only what you were given, or ask the owner of the server for a grant.'],
      },
    )
  }
  return undefined
}

/**
 * A Grant gives to the user by its subjects and agents. It gives to the agent when it names the agent, or when the
 * agent as an RBAC subject (`agent:<alias>:<id>`) is one of its subjects.
 */
function givesTo(grant: Grant, role: PrincipalRole, principal: Principal): boolean {
  const { match, allowClaimed } = grant
  if (role === 'user') return match.caller(principal, allowClaimed)
  if (principal.agent.assurance !== 'attested' && !allowClaimed) return false
  if (match.agentsGiven && match.caller(principal, allowClaimed)) return true
  const { agentUser } = principal
  return match.subjectsGiven && agentUser !== undefined && match.caller({ ...principal, user: agentUser }, allowClaimed)
}

/** The catalogue's word on the target of the call, if there is any. */
export function catalogEntry(server: Server, call: Call, tool: string | undefined): CatalogTool | undefined {
  if (tool !== undefined) return server.catalog?.tools.get(tool)
  return call.target.kind === 'prompt' ? server.catalog?.prompts.get(call.target.name) : undefined
}
