import type { UnknownPattern } from '../../cel/environment.js'
import type { Stage } from '../../decision/reason-codes.js'
import type { Server } from '../../policy/server.js'
import { isEnabled, methodTable } from '../../protocol/mcp/method-table.js'
import { embeddedOf } from '../../rbac/embedded-of.js'
import type { DecisionRecord } from '../../telemetry/read-records.js'
import type { CallFacts } from '../forecast/call-facts.js'
import { type Forecast, forecastCall } from '../forecast/forecast-call.js'
import { allowed, namesOf, type Outcome, outcomeOf } from './outcome.js'
import { type PolicySet, sameView } from './policy-set.js'
import { recordEvidence } from './record-evidence.js'
import { recordedAuthorizer, recordedOperations } from './recorded-access.js'
import { recordedArguments, recordedCall, recordedRequest } from './recorded-call.js'
import { maxText, recordedPrincipal } from './recorded-principal.js'

/** How the call of a record comes out, or why that cannot be said. */
export type Replayed = Outcome | { readonly why: string }

/**
 * Judges the call of a record by some policies, with all that the record holds and proves. Only what is certain counts.
 * @param then the policies that the record was made by, where they are known
 */
export async function judgeRecord(
  record: DecisionRecord,
  policies: PolicySet,
  then: PolicySet | undefined,
): Promise<Replayed> {
  if (record.policy_revision === policies.snapshot.revision) return outcomeOf(record)
  if (record.batch !== undefined) return { why: 'one of a batch, which is allowed or denied as a whole' }
  const { mcp } = record
  if (record.server === undefined) return judgeUnaddressed(record, policies)
  const server = policies.snapshot.servers.byName(record.server)
  if (server === undefined) return { why: `there is no Server "${record.server}"` }
  const early = earlyFailure(record)
  if (early !== undefined) return judgeEarly(record, early, policies, server, then)
  // What nobody has to be known for.
  if (record.subject === undefined && mcp === undefined && record.http?.method === 'OPTIONS') return allowed
  if (mcp === undefined) return { why: 'the message is not recorded' }
  const facts = factsOf(record, mcp, policies, server, then)
  if ('why' in facts) return facts
  return outcomeOfForecast(await forecastCall(facts))
}

function outcomeOfForecast({ verdict, would }: Forecast): Replayed {
  switch (verdict.kind) {
    case 'open':
      return { why: `depends on ${shortened(verdict.on)}` }
    case 'passes':
      return { ...allowed, would: would && namesOf(would) }
    case 'fails': {
      const { reason, policy } = verdict.failure
      const told = verdict.certain ? { reason, policy } : { reason: '', policy: '' }
      return { decision: 'deny', ...told, would: would && namesOf(would) }
    }
  }
}

const mostNamed = 4

function shortened(on: readonly string[]): string {
  const names = [...new Set(on)].sort()
  const more = names.length - mostNamed
  return more > 0 ? `${names.slice(0, mostNamed).join(', ')} and ${more} more` : names.join(', ')
}

/** Policies have no say about what is refused before a Server is found, or while something of ours is broken. */
function judgeUnaddressed(record: DecisionRecord, { snapshot }: PolicySet): Replayed {
  const { reason = '', http } = record
  if (isTransient(reason)) return { why: `it failed at the time (${reason})` }
  if (reason === 'server.unknown' && snapshot.servers.byAddress(http?.host ?? '', http?.path ?? '') !== undefined)
    return { why: 'no Server stood at its address then' }
  return outcomeOf(record)
}

function isTransient(reason: string): boolean {
  return (
    reason.startsWith('dependency.') ||
    reason.startsWith('internal.') ||
    reason === 'policy.not_loaded' ||
    reason === 'authorization.exchange_refused'
  )
}

/** The first reason for which the message itself, or whose it is, was refused before any rule was asked; in Audit, would be. */
function earlyFailure({ decision, reason, would_deny = [] }: DecisionRecord): string | undefined {
  const reasons = decision === 'deny' ? [reason ?? ''] : would_deny.map(one => one.reason)
  return reasons.find(one => isTransient(one) || (earlyStages.has(stageText(one)) && !judgedAnew.has(one)))
}

const earlyStages: ReadonlySet<string> = new Set<Stage>([
  'framing',
  'server',
  'identity',
  'message',
  'method',
  'session',
])
/** Worked out anew from what the record holds. */
const judgedAnew: ReadonlySet<string> = new Set(['identity.agent_missing', 'message.argument', 'message.manifest'])

function stageText(reason: string): string {
  return reason.slice(0, reason.indexOf('.'))
}

function judgeEarly(
  record: DecisionRecord,
  reason: string,
  policies: PolicySet,
  { name, mode, principals }: Server,
  then: PolicySet | undefined,
): Replayed {
  if (isTransient(reason)) return { why: `it failed at the time (${reason})` }
  const stage = stageText(reason)
  const sure = (stage === 'framing' || stage === 'message' || stage === 'session') && reason !== 'message.batch'
  const same = then !== undefined && sameView(then, policies, name) && then.identity === policies.identity
  const before = then?.snapshot.servers.byName(name)
  if (!sure && !(same && before?.audience.anonymous === policies.snapshot.servers.byName(name)?.audience.anonymous))
    return { why: stage === 'identity' ? 'the token is not recorded' : 'the message is not recorded' }
  // Who asks is looked at before what is asked.
  const agentless = stage !== 'framing' && principals.includes('agent') && record.agent === undefined
  if (mode !== 'Audit') return { decision: 'deny', reason: agentless ? '' : reason, policy: '', would: [] }
  if (addressReasons.has(reason)) {
    const refused = record.decision === 'deny' && record.mode === 'audit'
    return refused ? outcomeOf(record) : { why: 'whether the gateway named the Server is not recorded' }
  }
  // What else would be noted of it is not certain.
  return { ...allowed, would: undefined }
}

/** A Server in Audit tolerates these only where the gateway named it. */
const addressReasons: ReadonlySet<string> = new Set([
  'server.path',
  'framing.path_ambiguous',
  'framing.authority_ambiguous',
])

function factsOf(
  record: DecisionRecord,
  mcp: NonNullable<DecisionRecord['mcp']>,
  policies: PolicySet,
  server: Server,
  then: PolicySet | undefined,
): CallFacts | { readonly why: string } {
  const caller = recordedPrincipal(record)
  if (caller === undefined) return { why: 'the caller is not recorded, or not to the end' }
  if (caller.principal.kind === 'anonymous' && server.audience.anonymous === 'Deny')
    return { why: 'the caller is anonymous, and this Server admits nobody without a token' }
  const { target, also = [], via, method } = mcp
  const names = [target, ...also].flatMap(one => one?.name ?? [])
  if (mcp.also_total !== undefined || names.some(one => one.length >= maxText))
    return { why: 'what it touches is not recorded to the end' }
  if (mcp.method === 'subscriptions/listen' && mcp.also === undefined && target === undefined)
    return { why: 'what it touches is not recorded' }
  if ((server.protocol === 'json') !== (method === 'json')) return { why: 'the Server speaks another protocol now' }
  const throughOther = target?.kind === 'tool' && server.metaTools.has(via ?? target.name) !== (via !== undefined)
  if (throughOther) return { why: 'which tools call other tools is said in another way now' }
  if (!isOpen(method, mcp.kind, server)) return { why: `the method ${method} is not enabled now` }
  const args = takesArguments(mcp) ? recordedArguments(record) : noArguments
  const { principal, scopesKnown, unknowns } = caller
  const asPolicies = embeddedOf(server.authorizer) !== undefined && policies.holdsRbac
  return {
    snapshot: policies.snapshot,
    server,
    principal,
    call: recordedCall(mcp, args.arguments),
    request: recordedRequest(record),
    now: Date.parse(record.timestamp),
    decisionId: record.decision_id,
    argumentsKnown: args.known,
    scopesKnown,
    unknowns: [...unknowns, ...unrecorded],
    operations: operationsOf(record),
    readsAttributesOnly: policy => !policies.readsMore.has(policy),
    authorizer: asPolicies ? undefined : recordedAuthorizer(record, principal),
    evidence:
      then !== undefined && record.policy_revision === then.snapshot.revision
        ? recordEvidence(record, then, policies)
        : undefined,
  }
}

const noArguments = { arguments: undefined, known: true } as const
const unrecorded: readonly UnknownPattern[] = [
  ['request', 'headers'],
  ['mcp', 'params'],
]

function takesArguments({ method, kind }: NonNullable<DecisionRecord['mcp']>): boolean {
  return kind === 'request' && (method === 'json' || (methodTable.get(method)?.takesArguments ?? true))
}

/** Where not all was given, a Server in Audit asks on to the end. */
const askedToTheEnd: ReadonlySet<string> = new Set([
  'authorization.rbac',
  'authorization.virtual',
  'authorization.grant',
])

/** Once rules were asked about all of it, the questions to RBAC are all there. */
function operationsOf(record: DecisionRecord): CallFacts['operations'] {
  const recorded = recordedOperations(record)
  if (recorded === undefined) return undefined
  const reasons = [record.reason ?? '', ...(record.would_deny ?? []).map(one => one.reason)]
  const unfinished = reasons.some(
    reason =>
      (reason.startsWith('authorization.') && !(record.mode === 'audit' && askedToTheEnd.has(reason))) ||
      reason === 'identity.agent_missing',
  )
  return { ...recorded, complete: recorded.complete && !unfinished }
}

/** What is not in the table, or is there for those that ask for it, has to be enabled. */
function isOpen(method: string, kind: string, { methods, protocol }: Server): boolean {
  if (protocol === 'json' || (kind !== 'request' && kind !== 'notification')) return true
  const row = methodTable.get(method)
  return row !== undefined && row.needs === 'default' ? true : isEnabled(method, methods)
}
