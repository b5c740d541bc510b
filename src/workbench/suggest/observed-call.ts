import { hash } from 'node:crypto'
import type { PrincipalRole } from '../../policy/server.js'
import type { PolicySnapshot } from '../../policy/snapshot.js'
import type { Target } from '../../protocol/call.js'
import { isJsonObject, type JsonObject } from '../../protocol/json-value.js'
import { methodTable } from '../../protocol/mcp/method-table.js'
import type { ResourceAttributes } from '../../rbac/operation.js'
import { isWellFormed } from '../../rbac/well-formed.js'
import type { DecisionRecord } from '../../telemetry/read-records.js'

/** Who made a call, as far as rules can name it. */
export interface ObservedCaller {
  readonly kind: 'user' | 'machine' | 'anonymous'
  readonly user: string
  /** Sorted; each once. */
  readonly groups: readonly string[]
  readonly agent: ObservedAgent | undefined
  /** Somebody acted for the user, though no agent is named. */
  readonly throughUnnamed: boolean
}

export interface ObservedAgent {
  readonly issuer: string
  readonly id: string
  readonly assurance: 'attested' | 'claimed'
}

/** What a rule would name: a tool, prompt or resource, or a method that has no such target. */
export interface ObservedTarget {
  readonly kind: 'tool' | 'prompt' | 'resource' | 'method'
  readonly method: string
  /** "" for a method. */
  readonly name: string
}

export interface ObservedOperation extends ResourceAttributes {
  readonly role: PrincipalRole
}

export interface ObservedArguments {
  /** undefined: they are not recorded. */
  readonly args: JsonObject | undefined
  /** Members that were left out or changed when the record was made. */
  readonly changed: ReadonlySet<string>
}

/** A call that happened, and what has to be given for it to happen again. */
export interface ObservedCall {
  readonly server: string
  readonly caller: ObservedCaller
  readonly targets: readonly ObservedTarget[]
  /** What RBAC was asked, tools and the like left out. */
  readonly operations: readonly ObservedOperation[]
  /** Whether {@link operations} may lack some: a record has room for so many. */
  readonly unfinished: boolean
  /** Questions about the Server itself: to connect, to list. */
  readonly serverQuestions: readonly ObservedOperation[]
  /** Namespace of the virtual resources, where RBAC was asked about one. */
  readonly virtualNamespace: string | undefined
  readonly arguments: ObservedArguments
  /** It would have been denied for want of a permission; the Server is in Audit. */
  readonly lacking: boolean
  readonly asksGrants: boolean
  readonly asksTools: boolean
  readonly timestamp: string
}

/** Why a record says nothing of what to give. The caller is told all the same: he is a member of his groups. */
export interface LeftOut {
  readonly why: string
  readonly server?: string
  readonly caller?: ObservedCaller
}

/** Characters of one text in a record at most: what is as long may have been cut. */
const maxText = 512
const maxListed = 64
const virtualGroup = 'mcp-authz.dev'
const grantable: ReadonlySet<string> = new Set([
  'authorization.rbac',
  'authorization.virtual',
  'authorization.connect',
  'authorization.grant',
])

/**
 * What the record of a call says of the permissions that it needs.
 * @param snapshot the policies that the suggestion is compared with, where there are some
 */
export function observeCall(record: DecisionRecord, snapshot?: PolicySnapshot): ObservedCall | LeftOut {
  const { decision, server, mcp, rbac = [], policies = [] } = record
  const caller = callerOf(record)
  const left = (why: string): LeftOut => ({ why, ...(server !== undefined && { server }), ...(caller && { caller }) })
  if (decision === 'respond') return left('asked for a document, not for a call')
  if (decision === 'deny') return left('denied')
  if (server === undefined) return left('of no Server')
  if (record.subject === undefined) return left('without a subject')
  if (caller === undefined) return left('with a caller who is not recorded to the end, or cannot be named')
  if (mcp === undefined) return left('without a message')
  if (isUnnamable(server)) return left('of a Server that cannot be named')
  const refused = otherRefusal(record, snapshot)
  if (refused !== undefined) return left(refused)
  const targets = targetsOf(mcp)
  if (mcp.also_total !== undefined || targets.some(({ name }) => name.length >= maxText))
    return left('with targets that are not recorded to the end')
  if (targets.some(({ kind }) => kind === 'method' && mcp.method.startsWith('tasks/')))
    return left('about tasks, which no rule can give')
  if (targets.some(({ name, method }) => isUnnamable(name) || isUnnamable(method)))
    return left('with a target whose name holds a "*" or no text')
  if (rbac.some(one => hasWildcard(one) || one.name.length >= maxText))
    return left('with operations that no rule can name exactly')
  const reasons = (record.would_deny ?? []).map(({ reason }) => reason)
  const lacking = record.mode === 'audit' && reasons.some(reason => grantable.has(reason))
  const virtual = rbac.filter(({ group }) => group === virtualGroup)
  return {
    ...{ server, caller, targets, lacking },
    operations: rbac.filter(({ group }) => group !== virtualGroup),
    unfinished: rbac.length >= maxListed,
    serverQuestions: virtual.filter(({ resource, verb }) => resource === 'servers' && ofServers.has(verb)),
    virtualNamespace: virtual[0]?.namespace,
    arguments: argumentsOf(record),
    asksGrants: reasons.includes('authorization.grant') || policies.some(name => name.startsWith('Grant/')),
    asksTools: virtual.some(({ verb }) => !ofServers.has(verb)),
    timestamp: record.timestamp,
  }
}

const ofServers: ReadonlySet<string> = new Set(['connect', 'list'])

/** A reason for which the call would be denied although everything was given. */
function otherRefusal({ mode, would_deny = [], server = '' }: DecisionRecord, snapshot?: PolicySnapshot) {
  // What passes where rules are enforced passes, whatever is noted of it.
  if (mode === 'enforce') return undefined
  if (would_deny.length >= maxListed) return 'with more refusals than are recorded'
  for (const { reason, policy } of would_deny) {
    if (grantable.has(reason)) continue
    if (!reason.startsWith('guardrail.')) return `that would be denied by ${reason}, which no permission changes`
    const found = snapshot?.guardrails.ofServer(server).find(({ name }) => `Guardrail/${name}` === policy)
    if (found === undefined || found.mode === 'Enforce') return 'that a Guardrail would deny'
  }
  return undefined
}

function targetsOf({ method, kind, target, also = [] }: NonNullable<DecisionRecord['mcp']>): ObservedTarget[] {
  const targets = [...(target === undefined ? [] : [target]), ...also]
  if (targets.length > 0)
    return targets.map(
      ({ kind, name }): ObservedTarget =>
        kind === 'task' ? { kind: 'method', method, name: '' } : { kind, method, name },
    )
  if (method === 'json') return [{ kind: 'method', method, name: '' }]
  if (kind !== 'request' && kind !== 'notification') return []
  const row = methodTable.get(method)
  // A method that is there because the Server names it is given like a tool.
  return row === undefined || row.needs === 'enabled' ? [{ kind: 'method', method, name: '' }] : []
}

function callerOf({ subject, agent, on_behalf_of }: DecisionRecord): ObservedCaller | undefined {
  if (subject === undefined) return undefined
  const groups = [...new Set(subject.groups)].filter(name => isNamable(name)).sort()
  if (!isNamable(subject.user)) return undefined
  if (agent !== undefined && agent.id !== '' && agent.assurance !== 'none') {
    const { id, issuer, assurance } = agent
    if (!isNamable(`${issuer}:${id}`) || issuer === '') return undefined
    return { kind: subject.kind, user: subject.user, groups, agent: { id, issuer, assurance }, throughUnnamed: false }
  }
  const throughUnnamed = on_behalf_of !== undefined || (agent !== undefined && agent.id !== '')
  return { kind: subject.kind, user: subject.user, groups, agent: undefined, throughUnnamed }
}

/** Grants take `*` for a wildcard, and nothing can say that it is none. */
function isNamable(name: string): boolean {
  return name !== '' && name.length < maxText && !isUnnamable(name)
}

function isUnnamable(name: string): boolean {
  return name.includes('*') || !isWellFormed(name)
}

function hasWildcard({ verb, group, resource, subresource, namespace, name }: ResourceAttributes): boolean {
  return [verb, group, resource, subresource, namespace].some(isUnnamable) || !isWellFormed(name)
}

const noArguments = `sha256:${hash('sha256', '{}', 'hex')}`
const root = '/arguments'

function argumentsOf({ arguments: args, args_digest, erased = [], masked = [] }: DecisionRecord): ObservedArguments {
  if (args_digest === noArguments) return { args: new Map(), changed: new Set() }
  if (!isJsonObject(args)) return { args: undefined, changed: new Set() }
  const changed = new Set<string>()
  for (const pointer of [...erased, ...masked]) {
    if (pointer === root) return { args: undefined, changed: new Set() }
    if (!pointer.startsWith(`${root}/`)) continue
    changed.add((pointer.split('/')[2] ?? '').replaceAll('~1', '/').replaceAll('~0', '~'))
  }
  return { args, changed }
}

/** As an authorizer knows the target of a call. */
export function asTarget({ kind, name }: ObservedTarget): Target {
  return kind === 'method' ? { kind: 'none' } : { kind, name }
}
