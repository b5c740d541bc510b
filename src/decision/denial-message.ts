import { type DenialMode, strictestDenial } from '../policy/server.js'
import type { Failure } from './decision.js'
import { type DenialFacts, type DenialForm, denialForm, type FailureClass, type MessageKind } from './denial-table.js'
import type { ReasonCode } from './reason-codes.js'
import { recordedTrace } from './recorded-trace.js'
import { safeText } from './safe-text.js'
import type { Trial } from './trial.js'
import { unknownNameMessage } from './unknown-name.js'

/** How an HTTP-level failure must be answered; what a parser says about status and code wins over the table. */
export interface DenialShape {
  readonly status?: number | undefined
  readonly jsonRpcCode?: number | undefined
  /** Of all failures at this stage, the first decides; the others are told as well. */
  readonly others?: readonly Failure[]
  /** That the next DPoP proof must have (RFC 9449, section 8). */
  readonly dpopNonce?: string
  /** Of the policies that took part; the strictest of them and the Server's own wins. */
  readonly denials?: readonly DenialMode[]
}

/** A denial, and the form that the table gives it. */
export interface Denial {
  readonly trial: Trial
  readonly failure: Failure
  readonly shape: DenialShape
  readonly form: DenialForm
}

export function readDenial(trial: Trial, failure: Failure, shape: DenialShape): Denial {
  const form = denialForm(factsOf(trial, failure, shape), { status: shape.status, code: shape.jsonRpcCode })
  return { trial, failure, shape, form }
}

/**
 * The JSON-RPC message of a denial, as JSON text without HTTP around it: what one element of a batch is answered with.
 * A notification or a response has no answer of its own; theirs is an error without an id.
 */
export function denialMessage(trial: Trial, failure: Failure, shape: DenialShape): string {
  return messageOf(readDenial(trial, failure, shape))
}

export function messageOf(denial: Denial): string {
  switch (denial.form.body) {
    case 'toolResult':
      return toolResult(denial)
    case 'error':
      return jsonRpcError(denial, denial.form.code)
    case 'hidden':
      return unknownNameMessage(denial.trial)
  }
}

function factsOf(trial: Trial, failure: Failure, { denials = [] }: DenialShape): DenialFacts {
  const { server, era } = trial
  return {
    failure: classOf(trial, failure),
    message: kindOf(trial, failure),
    era: era ?? 'unknown',
    transport: server?.sse === undefined ? 'streamable' : 'sse',
    mode: strictestDenial([server?.denial ?? 'toolError', ...denials]),
  }
}

/** Identity failures that a new login cannot mend: no 401, so that no client loops through its login page. */
const forbiddenIdentity: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  'identity.agent_missing',
  'identity.tenant_conflict',
  'identity.source_conflict',
  'identity.on_behalf_of',
  'identity.reserved_name',
  'identity.claims',
  'identity.claim_rule',
  'identity.user_rule',
  'identity.gateway_untrusted',
])

function classOf({ server, call, principal, missingScopes }: Trial, failure: Failure): FailureClass {
  switch (failure.stage) {
    case 'message':
      // A message that was read, and is refused for what is known of its target: what that is, and so that it exists, is
      // told to nobody from whom it is hidden.
      return call !== undefined && server?.denial === 'hide' && failure.reason !== 'message.batch' ? 'policy' : 'shape'
    case 'framing':
    case 'session':
      return 'shape'
    case 'server':
      return 'address'
    case 'identity':
      return forbiddenIdentity.has(failure.reason) ? 'policy' : 'unauthenticated'
    case 'dependency':
    case 'internal':
      return 'dependency'
    case 'method':
      return 'method'
    case 'authorization':
      if (failure.reason !== 'authorization.scope' || missingScopes === undefined) return 'policy'
      // Who came without a token is asked for one, not for more of it.
      return principal?.kind === 'anonymous' ? 'unauthenticated' : 'insufficientScope'
    case 'policy':
    case 'guardrail':
      return 'policy'
  }
}

function kindOf({ request, call, knownId }: Trial, failure: Failure): MessageKind {
  if (call === undefined) {
    // Only a request with an id can be answered in the body, and of the method's failures alone it is known to be one.
    if (failure.stage === 'method') return knownId === undefined ? 'notification' : 'request'
    return bodiless.get(request.method) ?? 'unread'
  }
  if (call.protocol === 'json') return 'body'
  if (call.kind !== 'request') return call.kind
  return call.method === 'tools/call' ? 'toolsCall' : 'request'
}

const bodiless: ReadonlyMap<string, MessageKind> = new Map([
  ['GET', 'stream'],
  ['DELETE', 'close'],
  ['OPTIONS', 'preflight'],
])

/** Most failures that one denial tells of, and most hints; more help nobody, and an answer has its limits. The record has all. */
const maxTold = 8
const maxHint = 500

function told({ failure, shape }: Denial): readonly Failure[] {
  const { others = [] } = shape
  return others.length === 0 ? [failure] : [failure, ...others.slice(0, maxTold - 1)]
}

function textOf(denial: Denial): string {
  const { failure, shape } = denial
  if (shape.others === undefined || shape.others.length === 0) return safeText(failure.message)
  return safeText(
    told(denial)
      .map(one => one.message)
      .join('; '),
  )
}

function hintsOf(denial: Denial): readonly string[] {
  const failures = told(denial)
  if (failures.every(one => one.hints.length === 0)) return noHints
  const hints = failures.flatMap(one => one.hints.map(hint => safeText(hint, maxHint)))
  return [...new Set(hints)].slice(0, maxTold)
}

const noHints: readonly string[] = []

/** A tool result with `isError`: the one answer that every client hands to its model. */
function toolResult(denial: Denial): string {
  const { trial } = denial
  // As text: with what the engine would have to walk through it takes twice as long.
  return `{"jsonrpc":"2.0","id":${trial.knownId ?? 'null'},"result":{${
    trial.call?.era === 'modern' ? '"resultType":"complete",' : ''
  }"content":[{"type":"text","text":${JSON.stringify(explanation(denial))}}],"isError":true,"_meta":{"mcp-authz.dev/decision":{${reasonMembers(denial)}${idMembers(trial)}}}}}`
}

/** Lines of ours; what others wrote is never more than a part of one. */
function explanation(denial: Denial): string {
  const { trial, failure } = denial
  const reason = failure.policyReason === '' ? failure.reason : `${failure.reason}, ${failure.policyReason}`
  let hints = ''
  for (const hint of hintsOf(denial)) hints += `${hint}\n`
  return `Denied by policy: ${textOf(denial)}\n${hints}Reason: ${reason}. Decision: ${trial.id}. The call was not executed.`
}

function jsonRpcError(denial: Denial, code: number): string {
  const { trial } = denial
  const hints = hintsOf(denial)
  const id = trial.knownId === undefined ? '' : `"id":${trial.knownId},`
  const told = hints.length === 0 ? '' : `,"hints":${JSON.stringify(hints)}`
  return `{"jsonrpc":"2.0",${id}"error":{"code":${code},"message":${JSON.stringify(textOf(denial))},"data":{${reasonMembers(denial)}${told}${idMembers(trial)}}}}`
}

function reasonMembers({ failure: { reason, policyReason } }: Denial): string {
  return policyReason === ''
    ? `"reason":"${reason}"`
    : `"reason":"${reason}","policyReason":${JSON.stringify(policyReason)}`
}

/** By which the denial is found again: in the decision log, and in the traces. Ids are ours, of letters, digits and dashes. */
function idMembers({ id, request, span }: Trial): string {
  const traceId = recordedTrace(request, span)
  return traceId === undefined ? `,"decisionId":"${id}"` : `,"decisionId":"${id}","traceId":"${traceId}"`
}
