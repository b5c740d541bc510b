import type { Decision, Failure } from '../../../decision/decision.js'
import type { Stage } from '../../../decision/reason-codes.js'
import { safeText } from '../../../decision/safe-text.js'
import { isJsonArray, isJsonObject } from '../../../protocol/json-value.js'
import { parseStrictJson } from '../../../protocol/strict-json.js'

/** One Access Evaluation Response. */
export interface EvaluationResponse {
  readonly decision: boolean
  readonly context: Readonly<Record<string, unknown>>
}

/**
 * A decision in the words of AuthZEN. The context of a denial is a reason object: `reason_user` is what ext_authz would
 * have the caller's model read, `reason_admin` is not for the caller. `response` is the HTTP answer of ext_authz, for a
 * gateway that wants to give it.
 *
 * @param addressed whether the body of that answer fits the caller's message
 */
export function writeEvaluation(decision: Decision, addressed: boolean): EvaluationResponse {
  const { failure, answer, would, warnings, metadata } = decision
  const common = {
    decision_id: decision.id,
    ...(decision.traceId !== undefined && { trace_id: decision.traceId }),
    ...(metadata.has('policy_revision') && { policy_revision: metadata.get('policy_revision') }),
    ...(would.length > 0 && { would_deny: [...new Set(would.map(one => one.reason))] }),
    ...(warnings.length > 0 && { warnings: warnings.slice(0, maxListed).map(one => safeText(one)) }),
  }
  if (decision.outcome === 'allow' && answer.kind === 'allow') return { decision: true, context: common }
  if (failure === undefined || answer.kind === 'allow') {
    // A document of ours is no permission, and neither is what contradicts itself.
    return { decision: false, context: { ...common, id: 'denied', reason_user: { en: 'The request is denied.' } } }
  }
  // The answer of `denial: hide` holds nothing of ours, and what is said to the caller must not either.
  const told = answer.body.includes(decision.id)
  const text = answerText(answer.body) ?? (told ? safeText(failure.message) : 'The request is denied.')
  const headers = answer.headers.filter(({ name }) => passedOn.has(name))
  return {
    decision: false,
    context: {
      ...common,
      id: told ? failure.reason : 'hidden',
      reason_admin: { en: adminText(failure) },
      reason_user: { en: text },
      ...(told && details(failure)),
      ...(told && undecided.has(failure.stage) && { error: { status: answer.status, message: text } }),
      response: {
        status: answer.status,
        headers: Object.fromEntries(headers.map(({ name, value }) => [name, value])),
        ...(addressed && { body: answer.body }),
      },
    },
  }
}

const maxListed = 8
const maxHint = 500

/** Stages at which the question was not answered on its merits; the others are plain noes. */
const undecided: ReadonlySet<Stage> = new Set<Stage>([
  'framing',
  'server',
  'identity',
  'message',
  'session',
  'dependency',
  'internal',
])

const passedOn: ReadonlySet<string> = new Set([
  'content-type',
  'cache-control',
  'www-authenticate',
  'dpop-nonce',
  'retry-after',
  'x-mcp-authz-decision-id',
])

function details({ reason, policyReason, hints }: Failure): Readonly<Record<string, unknown>> {
  return {
    reason,
    ...(policyReason !== '' && { policy_reason: policyReason }),
    ...(hints.length > 0 && { hints: hints.slice(0, maxListed).map(hint => safeText(hint, maxHint)) }),
  }
}

/** Which rule it was; never the message, into which policies put arguments. */
function adminText({ reason, policy, policyReason }: Failure): string {
  return `${reason}${policy === '' ? '' : ` by ${policy}`}${policyReason === '' ? '' : ` (${policyReason})`}`
}

/** What the JSON-RPC message of a denial says in words: the text of a tool result, or the message of an error. */
function answerText(body: string): string | undefined {
  const json = parseStrictJson(Buffer.from(body))
  if (!json.ok || !isJsonObject(json.value)) return undefined
  const error = json.value.get('error')
  if (isJsonObject(error)) return textOf(error.get('message'))
  const result = json.value.get('result')
  const content = isJsonObject(result) ? result.get('content') : undefined
  const [first] = isJsonArray(content) ? content : []
  return isJsonObject(first) ? textOf(first.get('text')) : undefined
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
