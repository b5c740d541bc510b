import { hash } from 'node:crypto'
import type { Principal } from '../identity/principal.js'
import { methodName } from '../policy/call-names.js'
import type { Enriched } from '../policy/enrichment.js'
import type { Target } from '../protocol/call.js'
import { canonicalJson } from '../protocol/canonical-json.js'
import type { SessionKeys } from '../protocol/session-tag.js'
import { decisionRecordVersion as recordVersion } from '../telemetry/record-versions.js'
import { SessionBinder } from './bind-session.js'
import type { Decision, Failure } from './decision.js'
import type { RecordOptions } from './decision-record.js'
import type { Trial } from './trial.js'

/**
 * The record of one decision as it was first written: each part is made anew and escaped by the engine, and nothing is
 * remembered. The one of the program must be the same to the last byte.
 */
export function plainRecordLine(
  trial: Trial,
  decision: Decision,
  enriched: readonly Enriched[],
  elapsedMs: number,
  { sessions, recordArguments }: RecordOptions = {},
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
    if (call.alsoTargets.length > 0)
      line += `,"also":[${call.alsoTargets.slice(0, maxListed).map(targetFields).join(',')}]${total('also', call.alsoTargets)}`
    if (call.id !== undefined) line += `,"id":${call.id}`
    if (call.sessionId !== undefined) line += `,"session":"${sessionOf(trial, call.sessionId, sessions)}"`
    line += '}'
    if (call.method === 'tools/call' || call.arguments !== undefined)
      line += `,"args_digest":"sha256:${hash('sha256', canonicalJson(call.arguments ?? new Map()), 'hex')}"${recordArguments?.(call.arguments) ?? ''}`
  }
  if (trial.asked.length > 0) line += `,"rbac":[${trial.asked.slice(0, maxListed).map(askedFields).join(',')}]`
  if (trial.policies.length > 0) line += `,"policies":${list(trial.policies.slice(0, maxListed))}`
  if (enriched.some(one => one.record.length > 0)) line += `,"enrichment":${enrichmentOf(enriched)}`
  line += `,"http":{"method":${text(request.method)},"host":${text(request.authority)},"path":${text(request.path)}`
  if (decision.answer.kind === 'respond') line += `,"status":${decision.answer.status}`
  line += '}'
  if (request.body.state === 'complete') {
    line += `,"body_sha256":"${hash('sha256', request.body.bytes, 'hex')}"`
  }
  if (request.peer.address !== '') line += `,"source_address":${text(request.peer.address)}`
  const traceId = trial.span?.traceId ?? request.traceparent?.slice(3, 35)
  if (traceId !== undefined) line += `,"trace_id":"${traceId}"`
  line += `,"door":"${request.listener.door}","listener":${text(request.listener.name)},"profile":"${request.listener.profile}"`
  return `${line},"elapsed_us":${Math.round(elapsedMs * 1000)}}`
}

/** bound: a response door that shares our keys opened the tag of the session, which was given to this caller. */
function sessionOf({ request, server, principal }: Trial, id: string, keys: SessionKeys | undefined) {
  if (request.session === 'bound') return 'bound'
  if (keys === undefined || server === undefined || principal === undefined) return 'unbound'
  return new SessionBinder(keys, server, principal).isVouchedFor(id, request.headers) ? 'bound' : 'unbound'
}

/** Where two Enrichments name one key, the first counts, as with headers: parsers differ about a key that occurs twice. */
function enrichmentOf(enriched: readonly Enriched[]): string {
  const added = new Map<string, string>()
  for (const { record } of enriched)
    for (const { key, value } of record) if (!added.has(key)) added.set(key, `${text(key)}:${text(value)}`)
  return `{${[...added.values()].join(',')}}`
}

function principalFields(principal: Principal): string {
  const { kind, user, scopes, agent, actors, tenant } = principal
  let fields = `,"subject":{"kind":"${kind}","user":${text(user.username)},"groups":${list(user.groups)}${total('groups', user.groups)}`
  if (scopes.length > 0) fields += `,"scopes":${list(scopes)}${total('scopes', scopes)}`
  fields += `,"issuer":${text(principal.issuer)}}`
  if (agent.id !== '')
    fields += `,"agent":{"id":${text(agent.id)},"issuer":${text(agent.issuer)},"assurance":"${agent.assurance}"}`
  if (actors.length > 0)
    fields += `,"actors":${list(actors.map(actor => actor.subject))},"chain_id":${text(principal.chainId)}`
  if (principal.onBehalfOf !== undefined) fields += `,"on_behalf_of":"${principal.onBehalfOf}"`
  if (tenant !== undefined) fields += `,"tenant":${text(tenant)}`
  return fields
}

function targetFields(target: Target): string {
  return `{"kind":"${target.kind}","name":${target.kind === 'none' ? '""' : text(target.name)}}`
}

/** Whoever reads a list that was cut must know. */
function total(name: string, values: readonly unknown[]): string {
  return values.length > maxListed ? `,"${name}_total":${values.length}` : ''
}

const maxListed = 64
const maxText = 512

function failureFields({ reason, policy, policyReason }: Failure): string {
  let fields = `"reason":"${reason}"`
  if (policy !== '') fields += `,"policy":${text(policy)}`
  if (policyReason !== '') fields += `,"policy_reason":${text(policyReason)}`
  return fields
}

function askedFields({ role, operation, allowed }: Trial['asked'][number]): string {
  const { verb, group, resource, subresource, namespace, name } = operation
  return `{"role":"${role}","verb":${text(verb)},"group":${text(group)},"resource":${text(resource)},"subresource":${text(subresource)},"namespace":${text(namespace)},"name":${text(name)},"allowed":${allowed}}`
}

function text(value: string): string {
  return JSON.stringify(value.length <= maxText ? value : cut(value))
}

/** Half of a character at the end would make the record one that strict readers refuse, ours among them. */
function cut(value: string): string {
  return value.slice(0, maxText).replace(/[\ud800-\udbff]$/, '')
}

function list(values: readonly string[]): string {
  return JSON.stringify(values.length <= maxListed ? values : values.slice(0, maxListed))
}
