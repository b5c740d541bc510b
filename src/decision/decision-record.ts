import type { Principal } from '../identity/principal.js'
import { methodName } from '../policy/call-names.js'
import type { Enriched } from '../policy/enrichment.js'
import type { Server } from '../policy/server.js'
import type { Target } from '../protocol/call.js'
import type { InboundRequest } from '../protocol/inbound-request.js'
import type { SessionKeys } from '../protocol/session-tag.js'
import { decisionRecordVersion } from '../telemetry/record-versions.js'
import { argumentsDigest, bodySha256 } from '../upstream/digests.js'
import { SessionBinder } from './bind-session.js'
import type { Decision, Failure } from './decision.js'
import type { RecordArguments } from './record-arguments.js'
import { list, maxListed, text, timestamp, total, writtenOnce } from './record-text.js'
import type { Trial } from './trial.js'

export { maxListed, text } from './record-text.js'

/** Version of the record's schema, which is in telemetry/decision-log-schema.ts. */
export const recordVersion = decisionRecordVersion

export interface RecordOptions {
  /** By which sessions are known that a response door bound to their caller. Default: none are. */
  readonly sessions?: SessionKeys
  /** What is told of arguments beside their digest. Default: nothing. */
  readonly recordArguments?: RecordArguments
}

/**
 * The record of one decision as one JSON line. It says who asked for what and how it was decided; it holds no token, no
 * claim beside the mapped identity, and no argument that was not asked for: messages are left out because policies put
 * arguments into them. Written by hand because it is built for every request.
 */
export function recordLine(
  trial: Trial,
  decision: Decision,
  enriched: readonly Enriched[],
  elapsedMs: number,
  { sessions, recordArguments }: RecordOptions = {},
): string {
  const { request, server, principal, call, snapshot, batch, asked, policies } = trial
  const { failure, would, warnings, answer } = decision
  let line = `{"version":"${recordVersion}","decision_id":"${decision.id}","timestamp":"${timestamp(trial.startedAt)}","policy_revision":"${snapshot.revision}${
    server?.mode === 'Audit' ? '","mode":"audit","decision":"' : '","mode":"enforce","decision":"'
  }${decision.outcome}"`
  if (failure) line += `,${failureFields(failure)}`
  if (would.length > 0) line += `,"would_deny":[${written(would, wouldFields)}]`
  if (warnings.length > 0) line += `,"warnings":${warnings.length}`
  if (batch) line += `,"batch":{"decision_id":"${batch.id}","size":${batch.size}}`
  if (server) line += serverField(server)
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
      line += `,"also":[${written(call.alsoTargets, targetFields)}]${total('also', call.alsoTargets)}`
    if (call.id !== undefined) line += `,"id":${call.id}`
    if (call.sessionId !== undefined) line += `,"session":"${sessionOf(trial, call.sessionId, sessions)}"`
    line += '}'
    if (call.method === 'tools/call' || call.arguments !== undefined)
      line += `,"args_digest":"${argumentsDigest(call.arguments)}"${recordArguments?.(call.arguments) ?? ''}`
  }
  if (asked.length > 0) line += `,"rbac":[${written(asked, askedFields)}]`
  if (policies.length > 0) line += `,"policies":${list(policies)}`
  if (enriched.some(one => one.record.length > 0)) line += `,"enrichment":${enrichmentOf(enriched)}`
  line += httpFields(request)
  line += answer.kind === 'respond' ? `,"status":${answer.status}}` : '}'
  if (request.body.state === 'complete')
    line += `,"body_sha256":"${bodySha256(request.body.bytes, batch === undefined ? 'once' : 'again')}"`
  if (request.peer.address !== '') line += `,"source_address":${text(request.peer.address)}`
  const traceId = trial.span?.traceId ?? request.traceparent?.slice(3, 35)
  if (traceId !== undefined) line += `,"trace_id":"${traceId}"`
  return `${line}${listenerFields(request.listener)},"elapsed_us":${Math.round(elapsedMs * 1000)}}`
}

/** As many of them as are listed, with commas. */
function written<T>(values: readonly T[], write: (value: T) => string): string {
  let items = ''
  for (const [at, value] of values.entries()) {
    if (at === maxListed) break
    items += at === 0 ? write(value) : `,${write(value)}`
  }
  return items
}

const serverField = writtenOnce<Server>(({ name }) => `,"server":${text(name)}`)

const listenerFields = writtenOnce<InboundRequest['listener']>(
  ({ name, door, profile }) => `,"door":"${door}","listener":${text(name)},"profile":"${profile}"`,
)

/** What requests are sent to is mostly what the one before was sent to. */
const longestKept = 1024
let lastHttp = { method: '', authority: '', path: '', fields: '' }

function httpFields({ method, authority, path }: InboundRequest): string {
  if (
    lastHttp.fields !== '' &&
    path === lastHttp.path &&
    authority === lastHttp.authority &&
    method === lastHttp.method
  )
    return lastHttp.fields
  const fields = `,"http":{"method":${text(method)},"host":${text(authority)},"path":${text(path)}`
  // Texts that are cut are not worth being kept whole.
  if (path.length + authority.length + method.length <= longestKept) lastHttp = { method, authority, path, fields }
  return fields
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

/** The record of a request that could not be judged at all. */
export function emergencyLine({
  request,
  decision,
  now,
  server = '',
  traceId = request.traceparent?.slice(3, 35),
}: {
  request: InboundRequest
  decision: Decision
  now: number
  /** Default: none was found. */
  server?: string
  /** Default: as the gateway told it. */
  traceId?: string | undefined
}): string {
  const reason = decision.failure === undefined ? '' : `,${failureFields(decision.failure)}`
  const http = `{"method":${text(request.method)},"host":${text(request.authority)},"path":${text(request.path)}}`
  const named = server === '' ? '' : `,"server":${text(server)}`
  const traced = traceId === undefined ? '' : `,"trace_id":"${traceId}"`
  return `{"version":"${recordVersion}","decision_id":"${decision.id}","timestamp":"${timestamp(now)}","mode":"enforce","decision":"${decision.outcome}"${reason}${named},"http":${http}${traced},"door":"${request.listener.door}","listener":${text(request.listener.name)}}`
}

/** The same for every request with the same token, whose principal is one object as long as it is remembered. */
export const principalFields = writtenOnce<Principal>(principal => {
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
})

function targetFields(target: Target): string {
  return `{"kind":"${target.kind}","name":${target.kind === 'none' ? '""' : text(target.name)}}`
}

export function failureFields({ reason, policy, policyReason }: Failure): string {
  let fields = `"reason":"${reason}"`
  if (policy !== '') fields += `,"policy":${text(policy)}`
  if (policyReason !== '') fields += `,"policy_reason":${text(policyReason)}`
  return fields
}

function wouldFields(failure: Failure): string {
  return `{${failureFields(failure)}}`
}

function askedFields({ role, operation, allowed }: Trial['asked'][number]): string {
  const { verb, group, resource, subresource, namespace, name } = operation
  return `{"role":"${role}","verb":${text(verb)},"group":${text(group)},"resource":${text(resource)},"subresource":${text(subresource)},"namespace":${text(namespace)},"name":${text(name)},"allowed":${allowed}}`
}
