import type { UserInfo } from '../identity/principal.js'
import type { PrincipalRole } from '../policy/server.js'
import type { Call, Target } from '../protocol/call.js'
import type { Access, Authorizer } from '../rbac/authorizer.js'
import type { ResourceAttributes } from '../rbac/operation.js'
import type { CatalogTool } from '../rbac/tool-catalog.js'
import { type VirtualOperations, virtualOperations } from '../rbac/virtual-resources.js'
import { isAbandoned } from './abandoned-requests.js'
import { askInOrder, type Inquiry } from './ask-in-order.js'
import type { Failure } from './decision.js'
import { type PrincipalSubject, principalSubjects } from './each-principal.js'
import { andThen, type Eventually } from './eventually.js'
import { failure } from './failure.js'
import { quoted } from './quoted.js'
import { ThoroughInquiry } from './thorough-inquiry.js'
import { explainStep, type JudgedTrial, type Verdict } from './trial.js'

/** RBAC on what the call does in terms of Kubernetes. */
export function authorizeOperations(trial: JudgedTrial, call: Call): Eventually<Verdict> {
  const { server, catalogTool, resolved } = trial
  const { target } = call
  const named = target.kind === 'tool' || target.kind === 'prompt'
  if (!named || catalogTool === undefined || resolved?.ok !== true) return unexplained(call)
  if (resolved.operations.length === 0) return authorizeNothing(trial, catalogTool, call)
  const authorizer = server.authorizers.get(resolved.cluster)
  if (authorizer === undefined) {
    const message = `${described(target)} is about a cluster whose permissions are not known here`
    return failure('authorization.cluster_unknown', message)
  }
  return askAboutEach(trial, resolved.operations, new OperationsInquiry(trial, authorizer))
}

/** Of a call of which the catalogue says nothing. */
export function unexplained({ target }: Call): Failure {
  const message = `nothing says what ${described(target)} does in terms of Kubernetes, and this server requires that`
  return failure('authorization.no_operation', message, {
    hints: ['Ask the platform team to require tools or grants for this server.'],
  })
}

/** `operations: none` is enough for somebody known who reads; everything else must be given another way as well. */
export function authorizeNothing(
  { server, principal }: JudgedTrial,
  catalogTool: CatalogTool,
  { target }: Call,
): Verdict {
  const reads = principal.kind !== 'anonymous' && catalogTool.access === 'read'
  if (catalogTool.noOperations && (reads || server.require.length > 1)) return undefined
  const message = `${described(target)} amounts to no Kubernetes operation that could be authorized`
  return failure('authorization.no_operation', message)
}

/** Put together only for a refusal: making the name safe costs more than asking does. */
function described(target: Target): string {
  return target.kind === 'none' ? 'this call' : `the ${target.kind} ${quoted(target.name)}`
}

/** RBAC on the virtual resources that stand for a call (`tools.mcp-authz.dev`). */
export function authorizeVirtual(trial: JudgedTrial, call: Call, reason: VirtualReason): Eventually<Verdict> {
  const { server } = trial
  const questions = virtualOperations({ name: server.name, namespace: server.namespace }, virtualCall(trial, call))
  if (questions.length === 0) {
    return failure('authorization.no_operation', `no virtual resource stands for "${call.method}"`)
  }
  return askAboutEach(trial, questions, new VirtualInquiry(trial, call, reason))
}

/** Policies and RBAC name tools without the prefix that an aggregating gateway adds. */
function virtualCall({ tool }: JudgedTrial, call: Call): Call {
  return tool === undefined || call.target.kind !== 'tool' ? call : { ...call, target: { kind: 'tool', name: tool } }
}

/** One question about one principal. */
interface Asked<Question> {
  readonly subject: PrincipalSubject
  readonly question: Question
}

/** Every question about the first principal, then every one about the next. */
function askAboutEach<Question>(
  trial: JudgedTrial,
  questions: readonly Question[],
  inquiry: Inquiry<Asked<Question>, Access>,
): Eventually<Verdict> {
  const principals = principalSubjects(trial)
  if (!principals.ok) return principals.failure
  const all: Asked<Question>[] = []
  for (const subject of principals.subjects) for (const question of questions) all.push({ subject, question })
  if (trial.server.mode !== 'Audit') return askInOrder(all, inquiry)
  const thorough = new ThoroughInquiry(inquiry)
  return andThen(askInOrder(all, thorough), verdict => thorough.refusal ?? verdict)
}

/** A call may do each of several things. */
class OperationsInquiry implements Inquiry<Asked<ResourceAttributes>, Access> {
  readonly #trial: JudgedTrial
  readonly #authorizer: Authorizer

  constructor(trial: JudgedTrial, authorizer: Authorizer) {
    this.#trial = trial
    this.#authorizer = authorizer
  }

  ask({ subject, question }: Asked<ResourceAttributes>): Eventually<Access> {
    return this.#authorizer.authorize(subject.info, question)
  }

  judge({ subject, question }: Asked<ResourceAttributes>, access: Access): Verdict {
    return judge(this.#trial, subject.role, subject.info, question, access)
  }

  late(): Verdict {
    return late(this.#trial)
  }
}

/** A call may use what virtual resources stand for, by one of the alternatives of each. */
class VirtualInquiry implements Inquiry<Asked<VirtualOperations>, Access> {
  readonly #trial: JudgedTrial
  readonly #call: Call
  readonly #reason: VirtualReason

  constructor(trial: JudgedTrial, call: Call, reason: VirtualReason) {
    this.#trial = trial
    this.#call = call
    this.#reason = reason
  }

  ask({ subject, question }: Asked<VirtualOperations>): Eventually<Access> {
    const access = this.#trial.server.authorizer.authorize(subject.info, question.anyOf[0])
    if (access instanceof Promise) askAboutOthers(this.#trial, this.#call, subject)
    return access
  }

  judge({ subject, question }: Asked<VirtualOperations>, access: Access): Eventually<Verdict> {
    return anyOf(this.#trial, this.#reason, subject, question.anyOf, access)
  }

  late(): Verdict {
    return late(this.#trial)
  }
}

type VirtualReason = 'authorization.virtual' | 'authorization.connect'

/** Targets of a call that are asked about ahead. */
const mostAhead = 16

/**
 * The targets of a call are judged one after the other. Where one has to be asked about, questions about the next ones are
 * sent along; their answers are known, or under way, when the turn of those targets comes.
 */
function askAboutOthers({ server, call }: JudgedTrial, part: Call, { info }: PrincipalSubject): void {
  if (call.alsoTargets.length === 0) return
  const targets = [call.target, ...call.alsoTargets]
  const next = targets.indexOf(part.target) + 1
  for (const target of targets.slice(next, next + mostAhead)) {
    const [question] = virtualOperations(server, { ...call, target, alsoTargets: [] })
    if (question === undefined) return
    const access = server.authorizer.authorize(info, question.anyOf[0])
    if (access instanceof Promise) access.catch(() => undefined)
  }
}

/** Any of the alternatives is enough; `access` is the answer to the first. */
function anyOf(
  trial: JudgedTrial,
  reason: VirtualReason,
  { role, info }: PrincipalSubject,
  alternatives: readonly ResourceAttributes[],
  access: Access,
  at = 0,
): Eventually<Verdict> {
  const operation = alternatives[at]
  if (operation !== undefined) {
    trial.asked.push({ role, operation, allowed: access.allowed, reason: access.reason })
    explainAccess(trial, 'RBAC (virtual)', role, operation, access)
  }
  if (access.allowed) return undefined
  if ('failed' in access) return failure(access.failed, 'permissions could not be looked up; try again shortly')
  const next = alternatives[at + 1]
  if (next === undefined) {
    const message = `${role} ${quoted(info.username)} has no permission for this on the server "${trial.server.name}"`
    return failure(reason, message, { hints: ['Use only what the list of the server offers you, or ask for access.'] })
  }
  return andThen(trial.server.authorizer.authorize(info, next), settled =>
    anyOf(trial, reason, { role, info }, alternatives, settled, at + 1),
  )
}

/** Why there is no time left to ask more; what is under way goes on, so that the next call finds it known. */
function late({ request }: JudgedTrial): Verdict {
  const inTime = request.deadline === undefined || Date.now() < request.deadline
  if (inTime && !isAbandoned(request)) return undefined
  return failure('dependency.timeout', 'permissions could not be looked up in time; try again shortly')
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
