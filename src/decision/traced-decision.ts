import { methodName } from '../policy/call-names.js'
import type { Call } from '../protocol/call.js'
import { isJsonObject } from '../protocol/json-value.js'
import { methodTable } from '../protocol/mcp/method-table.js'
import type { DecisionFacts, TracedStage } from '../telemetry/tracing/decision-tracer.js'
import { isAbandoned } from './abandoned-requests.js'
import type { Decision } from './decision.js'
import type { Stage } from './reason-codes.js'
import type { Trial } from './trial.js'

/** Stands for every name that a caller may have made up: the names of a trace do not grow with what clients send. */
const other = '_other'

/** What its span tells of a decision about one message. */
export function tracedDecision(trial: Trial, decision: Decision): DecisionFacts {
  const { call, request } = trial
  return {
    ...common(trial, decision),
    ...(call === undefined ? unread : messageFacts(trial, call)),
    batchSize: undefined,
    abandoned: isAbandoned(request),
  }
}

/** The same of a batch; each of its messages has a span of its own. */
export function tracedBatch(trial: Trial, decision: Decision, size: number): DecisionFacts {
  const abandoned = isAbandoned(trial.request)
  return { ...common(trial, decision), ...unread, failedStage: undefined, batchSize: size, abandoned }
}

/** The same of a denial that was made before anything was known. */
export function tracedEmergency(decision: Decision, door: string): DecisionFacts {
  const { id, outcome, failure } = decision
  return {
    decisionId: id,
    outcome,
    reason: failure?.reason,
    policy: '',
    broken: failure !== undefined && isOurs(failure.stage),
    failedStage: undefined,
    server: '',
    mode: 'enforce',
    policyRevision: '',
    door,
    wouldDeny: [],
    ...unread,
    batchSize: undefined,
    abandoned: false,
  }
}

const unread = {
  method: undefined,
  mcp: false,
  tool: undefined,
  prompt: undefined,
  protocolVersion: undefined,
  messageTraceparent: undefined,
} as const

function common({ server, snapshot, request }: Trial, { id, outcome, failure, would }: Decision) {
  return {
    decisionId: id,
    outcome,
    reason: failure?.reason,
    policy: failure?.policy ?? '',
    broken: failure !== undefined && isOurs(failure.stage),
    failedStage: failure === undefined ? undefined : stageOfSpan(failure.stage),
    server: server?.name ?? '',
    mode: server?.mode === 'Audit' ? 'audit' : 'enforce',
    policyRevision: snapshot.revision,
    door: request.listener.door,
    wouldDeny: [...new Set(would.map(one => one.reason))],
  } as const
}

function messageFacts(trial: Trial, call: Call) {
  const name = methodName(call)
  const { target, version } = call
  const known = trial.catalogTool !== undefined || trial.authorized
  const named = (kind: 'tool' | 'prompt') =>
    target.kind !== kind ? undefined : known ? (trial.tool ?? target.name) : other
  const mcp = call.protocol === 'mcp' && (call.kind === 'request' || call.kind === 'notification')
  return {
    // A Server may list a family of methods, such as tasks/*, of which callers write the end.
    method: !mcp || methodTable.has(name) || trial.server?.methods.has(name) ? name : other,
    mcp,
    tool: named('tool'),
    prompt: named('prompt'),
    protocolVersion: version === undefined || /^\d{4}-\d\d-\d\d$/.test(version) ? version : other,
    messageTraceparent: mcp ? metaOf(call)?.get('traceparent') : undefined,
  }
}

function metaOf(call: Call) {
  const meta = call.params?.get('_meta')
  return isJsonObject(meta) ? meta : undefined
}

function isOurs(stage: Stage): boolean {
  return stage === 'dependency' || stage === 'internal' || stage === 'policy'
}

/** undefined: where it arose, which is where it ended. */
function stageOfSpan(stage: Stage): TracedStage | undefined {
  switch (stage) {
    case 'framing':
    case 'server':
      return 'framing'
    case 'identity':
      return 'identity'
    case 'message':
    case 'method':
    case 'session':
      return 'message'
    case 'authorization':
      return 'authorization'
    case 'guardrail':
      return 'guardrails'
    case 'policy':
    case 'dependency':
    case 'internal':
      return undefined
  }
}
