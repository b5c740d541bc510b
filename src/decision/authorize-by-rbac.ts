import type { UserInfo } from '../identity/principal.js'
import type { PrincipalRole } from '../policy/server.js'
import type { Call } from '../protocol/call.js'
import type { Access, Authorizer } from '../rbac/authorizer.js'
import type { ResourceAttributes } from '../rbac/operation.js'
import { virtualOperations } from '../rbac/virtual-resources.js'
import { eachPrincipal, type PrincipalSubject } from './each-principal.js'
import { type Eventually, firstOf } from './eventually.js'
import { failure } from './failure.js'
import { quoted } from './quoted.js'
import { explainStep, type JudgedTrial, type Verdict } from './trial.js'

/** RBAC on what the call does in terms of Kubernetes. */
export function authorizeOperations(trial: JudgedTrial, call: Call): Eventually<Verdict> {
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

/** RBAC on the virtual resources that stand for a call (`tools.mcp-authz.dev`). */
export function authorizeVirtual(
  trial: JudgedTrial,
  call: Call,
  reason: 'authorization.virtual' | 'authorization.connect',
): Eventually<Verdict> {
  const { server } = trial
  const questions = virtualOperations({ name: server.name, namespace: server.namespace }, virtualCall(trial, call))
  if (questions.length === 0) {
    return failure('authorization.no_operation', `no virtual resource stands for "${call.method}"`)
  }
  return eachPrincipal(trial, user => firstOf(questions, question => anyOf(trial, reason, user, question.anyOf)))
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

function authorizeAll(
  trial: JudgedTrial,
  authorizer: Authorizer,
  { role, info }: PrincipalSubject,
  operations: readonly ResourceAttributes[],
): Eventually<Verdict> {
  return firstOf(operations, operation => {
    const access = authorizer.authorize(info, operation)
    return access instanceof Promise
      ? access.then(settled => judge(trial, role, info, operation, settled))
      : judge(trial, role, info, operation, access)
  })
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
