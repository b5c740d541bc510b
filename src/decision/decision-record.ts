import { hash } from 'node:crypto'
import type { Principal } from '../identity/principal.js'
import { methodName } from '../policy/call-names.js'
import type { Enriched } from '../policy/enrichment.js'
import type { InboundRequest } from '../protocol/inbound-request.js'
import type { SessionKeys } from '../protocol/session-tag.js'
import { SessionBinder } from './bind-session.js'
import type { Decision, Failure } from './decision.js'
import type { Trial } from './trial.js'

/** Version of the record's schema; a field never changes its meaning within one. */
export const recordVersion = 'mcp-authz.dev/decision/v1'

/**
 * The record of one decision as one JSON line. It says who asked for what and how it was decided; it holds no token, no
 * claim beside the mapped identity, and no argument: messages are left out because policies put arguments into them.
 * Written by hand because it is built for every request. `sessions`: by which sessions are known that a response
 * door bound to their caller. Default: none are.
 */
export function recordLine(
  trial: Trial,
  decision: Decision,
  enriched: readonly Enriched[],
  elapsedMs: number,
  sessions?: SessionKeys,
): string {
  const { request, server, principal, call } = trial
  const audit = server?.mode === 'Audit'
  let line = `{"version":"${recordVersion}","decision_id":"${decision.id}","timestamp":"${new Date(trial.startedAt).toISOString()}"`
  line += `,"policy_revision":"${trial.snapshot.revision}","mode":"${audit ? 'audit' : 'enforce'}","decision":"${decision.outcome}"`
  if (decision.failure) line += `,${failureFields(decision.failure)}`
  if (decision.would.length > 0)
    line += `,"would_deny":[${decision.would
      .slice(0, maxListed)
      .map(one => `{${failureFields(one)}}`)
      .join(',')}]`
  if (decision.warnings.length > 0) line += `,"warnings":${decision.warnings.length}`
  if (trial.batch) line += `,"batch":{"decision_id":"${trial.batch.id}","size":${trial.batch.size}}`
  if (server) line += `,"server":${text(server.name)}`
  if (principal) line += principalFields(principal)
  const workload = request.peer.principal
  if (workload !== '') line += `,"workload":${text(workload)}`
  if (call) {
    line += `,"mcp":{"method":${text(methodName(call))},"kind":"${call.kind}","era":"${call.era}"`
    if (call.version !== undefined) line += `,"protocol_version":${text(call.version)}`
    if (call.via !== undefined) line += `,"via":${text(call.via)}`
    if (call.target.kind !== 'none')
      line += `,"target":{"kind":"${call.target.kind}","name":${text(trial.tool ?? call.target.name)}}`
    if (call.id !== undefined) line += `,"id":${call.id}`
    if (call.sessionId !== undefined) line += `,"session":"${sessionOf(trial, call.sessionId, sessions)}"`
    line += '}'
  }
  if (trial.asked.length > 0) line += `,"rbac":[${trial.asked.slice(0, maxListed).map(askedFields).join(',')}]`
  if (trial.policies.length > 0) line += `,"policies":${list(trial.policies.slice(0, maxListed))}`
  const added = enriched.flatMap(one => one.record)
  if (added.length > 0)
    line += `,"enrichment":{${added.map(({ key, value }) => `${text(key)}:${text(value)}`).join(',')}}`
  line += `,"http":{"method":${text(request.method)},"host":${text(request.authority)},"path":${text(request.path)}`
  if (decision.answer.kind === 'respond') line += `,"status":${decision.answer.status}`
  line += '}'
  if (request.body.state === 'complete') {
    line += `,"body_sha256":"${trial.batch === undefined ? digest(request.body.bytes) : digestOnce(request.body.bytes)}"`
  }
  if (request.peer.address !== '') line += `,"source_address":${text(request.peer.address)}`
  if (request.traceparent !== undefined) line += `,"trace_id":"${request.traceparent.slice(3, 35)}"`
  line += `,"door":"${request.listener.door}","listener":${text(request.listener.name)},"profile":"${request.listener.profile}"`
  return `${line},"elapsed_us":${Math.round(elapsedMs * 1000)}}`
}

/** bound: a response door that shares our keys opened the tag of the session, which was given to this caller. */
function sessionOf({ request, server, principal }: Trial, id: string, keys: SessionKeys | undefined) {
  if (request.session === 'bound') return 'bound'
  if (keys === undefined || server === undefined || principal === undefined) return 'unbound'
  return new SessionBinder(keys, server, principal).isVouchedFor(id, request.headers) ? 'bound' : 'unbound'
}

function digest(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex')
}

const digests = new WeakMap<Uint8Array, string>()

/** Of a body that several records tell of. */
function digestOnce(bytes: Uint8Array): string {
  const known = digests.get(bytes) ?? digest(bytes)
  digests.set(bytes, known)
  return known
}

/** The record of a request that could not be judged at all. */
export function emergencyLine({
  request,
  decision,
  now,
  server = '',
}: {
  request: InboundRequest
  decision: Decision
  now: number
  /** Default: none was found. */
  server?: string
}): string {
  const reason = decision.failure === undefined ? '' : `,${failureFields(decision.failure)}`
  const http = `{"method":${text(request.method)},"host":${text(request.authority)},"path":${text(request.path)}}`
  const named = server === '' ? '' : `,"server":${text(server)}`
  return `{"version":"${recordVersion}","decision_id":"${decision.id}","timestamp":"${new Date(now).toISOString()}","mode":"enforce","decision":"${decision.outcome}"${reason}${named},"http":${http},"door":"${request.listener.door}","listener":${text(request.listener.name)}}`
}

const principals = new WeakMap<Principal, string>()

/** The same for every request with the same token, whose principal is one object as long as it is remembered. */
export function principalFields(principal: Principal): string {
  const known = principals.get(principal)
  if (known !== undefined) return known
  const { kind, user, agent, actors, tenant } = principal
  let fields = `,"subject":{"kind":"${kind}","user":${text(user.username)},"groups":${list(user.groups)},"issuer":${text(principal.issuer)}}`
  if (agent.id !== '')
    fields += `,"agent":{"id":${text(agent.id)},"issuer":${text(agent.issuer)},"assurance":"${agent.assurance}"}`
  if (actors.length > 0)
    fields += `,"actors":${list(actors.map(actor => actor.subject))},"chain_id":${text(principal.chainId)}`
  if (principal.onBehalfOf !== undefined) fields += `,"on_behalf_of":"${principal.onBehalfOf}"`
  if (tenant !== undefined) fields += `,"tenant":${text(tenant)}`
  principals.set(principal, fields)
  return fields
}

export const maxListed = 64
const maxText = 512

export function failureFields({ reason, policy, policyReason }: Failure): string {
  let fields = `"reason":"${reason}"`
  if (policy !== '') fields += `,"policy":${text(policy)}`
  if (policyReason !== '') fields += `,"policy_reason":${text(policyReason)}`
  return fields
}

function askedFields({ role, operation, allowed }: Trial['asked'][number]): string {
  const { verb, group, resource, subresource, namespace, name } = operation
  return `{"role":"${role}","verb":${text(verb)},"group":${text(group)},"resource":${text(resource)},"subresource":${text(subresource)},"namespace":${text(namespace)},"name":${text(name)},"allowed":${allowed}}`
}

export function text(value: string): string {
  return JSON.stringify(value.length <= maxText ? value : value.slice(0, maxText))
}

function list(values: readonly string[]): string {
  return JSON.stringify(values.length <= maxListed ? values : values.slice(0, maxListed))
}
