import type { Principal } from '../identity/principal.js'
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
import { RepeatedText } from './repeated-text.js'
import { callParts, textsOf } from './tool-texts.js'
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
  const texts = textsOf(trial.catalogTool)
  const { failure, would, warnings, answer } = decision
  let line = `{"version":"${recordVersion}","decision_id":"${decision.id}","timestamp":"${timestamp(trial.startedAt)}${verdict.of([snapshot.revision, server?.mode === 'Audit', decision.outcome])}`
  if (failure) line += `,${failureFields(failure)}`
  if (would.length > 0) line += `,"would_deny":[${written(would, wouldFields)}]`
  if (warnings.length > 0) line += `,"warnings":${warnings.length}`
  if (batch) line += `,"batch":{"decision_id":"${batch.id}","size":${batch.size}}`
  if (server) line += serverField(server)
  if (principal) line += principalFields(principal)
  const workload = request.peer.principal
  if (workload !== '') line += `,"workload":${text(workload)}`
  if (call) {
    line += texts.call.of(callParts(call, trial.tool))
    if (call.alsoTargets.length > 0)
      line += `,"also":[${written(call.alsoTargets, targetFields)}]${total('also', call.alsoTargets)}`
    if (call.id !== undefined) line += `,"id":${call.id}`
    if (call.sessionId !== undefined) line += `,"session":"${sessionOf(trial, call.sessionId, sessions)}"`
    line += '}'
    if (call.method === 'tools/call' || call.arguments !== undefined)
      line += `,"args_digest":"${argumentsDigest(call.arguments)}"${recordArguments?.(call.arguments) ?? ''}`
  }
  if (asked.length > 0) line += `,"rbac":[${texts.asked(asked)}]`
  if (policies.length > 0) line += texts.policies.of(policies)
  if (enriched.some(one => one.record.length > 0)) line += `,"enrichment":${enrichmentOf(enriched)}`
  line += http.of([request.method, request.authority, request.path])
  line += answer.kind === 'respond' ? `,"status":${answer.status}}` : '}'
  if (request.body.state === 'complete')
    line += `,"body_sha256":"${bodySha256(request.body.bytes, batch === undefined ? 'once' : 'again')}"`
  if (request.peer.address !== '') line += `,"source_address":${text(request.peer.address)}`
  const traceId = trial.span?.traceId ?? request.traceparent?.slice(3, 35)
  if (traceId !== undefined) line += `,"trace_id":"${traceId}"`
  return `${line}${listenerFields(request.listener)}${Math.round(elapsedMs * 1000)}}`
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

const verdict = new RepeatedText(
  ([revision, isAudited, outcome]: readonly [revision: string, isAudited: boolean, Decision['outcome']]) =>
    `","policy_revision":"${revision}","mode":"${isAudited ? 'audit' : 'enforce'}","decision":"${outcome}"`,
)

const serverField = writtenOnce<Server>(({ name }) => `,"server":${text(name)}`)

const listenerFields = writtenOnce<InboundRequest['listener']>(
  ({ name, door, profile }) => `,"door":"${door}","listener":${text(name)},"profile":"${profile}","elapsed_us":`,
)

const http = new RepeatedText(
  ([method, authority, path]: readonly [method: string, authority: string, path: string]) =>
    `,"http":{"method":${text(method)},"host":${text(authority)},"path":${text(path)}`,
)

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
