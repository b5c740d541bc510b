import type { DenialMode } from '../policy/server.js'
import type { JsonNode, JsonOutline } from '../protocol/json-outline.js'
import type { ServerMessage } from '../protocol/mcp/read-server-messages.js'
import type { Failure } from './decision.js'
import { failure } from './failure.js'
import { safeText } from './safe-text.js'

/** Why something that the server sent does not go on. */
export interface Withholding {
  /** At least one. */
  readonly failures: readonly Failure[]
  readonly decisionId: string
  /** Of the Server: from whom it hides its rules, their names and words are hidden too. */
  readonly denial: DenialMode
  /** Of the request that is answered; undefined where it is not known. */
  readonly method: string | undefined
}

/** Most failures that are told, and most hints. */
const maxTold = 8
const maxHint = 500
const code = -31403

/**
 * What goes on in the place of one message: under the same id, and where it is the result of a tool, one of a tool, because
 * that is what every client hands to its model. A model must not take it for a denial of the call and try again, so it is
 * told that the call was carried out. A request or notification of the server becomes a log message.
 */
export function withheldMessage(
  outline: JsonOutline,
  message: ServerMessage | undefined,
  withholding: Withholding,
): string {
  if (message === undefined) return errorMessage('null', withholding)
  const { id = 'null', result, error, hasMethod } = message
  if (hasMethod && result === undefined && error === undefined) return logMessage(withholding)
  const shape = result === undefined ? undefined : shapeOf(outline, result)
  const isToolResult = result !== undefined && (withholding.method === 'tools/call' || shape?.hasContent === true)
  return isToolResult ? toolResult(id, withholding, shape?.hasType === true) : errorMessage(id, withholding)
}

/** The same in place of a body that is no message. */
export function withheldText(withholding: Withholding): string {
  return errorMessage('null', withholding)
}

/** The same for where there is no message to put it in: a failure that says what happened, for whoever was to get the result. */
export function withheldFailure(withholding: Withholding): Failure {
  const [first] = withholding.failures
  const detail = {
    hints: hintsOf(withholding),
    policy: first?.policy ?? '',
    policyReason: withholding.denial === 'hide' ? '' : (first?.policyReason ?? ''),
  }
  return failure(first?.reason ?? 'guardrail.error', `${headline(withholding)} ${carriedOut}`, detail)
}

const carriedOut =
  'The call was carried out; only its result is withheld. Calling again does not show it, and may do again what was done.'

function shapeOf(outline: JsonOutline, result: JsonNode): { readonly hasContent: boolean; readonly hasType: boolean } {
  let [hasContent, hasType] = [false, false]
  if (outline.kind(result) === 'object') {
    const end = outline.next(result)
    for (let key = result + 1; key < end; key = outline.next(key + 1)) {
      const name = outline.string(key)
      if (name === 'content' && outline.kind(key + 1) === 'array') hasContent = true
      if (name === 'resultType') hasType = true
    }
  }
  return { hasContent, hasType }
}

function toolResult(id: string, withholding: Withholding, hasType: boolean): string {
  const result = {
    ...(hasType && { resultType: 'complete' }),
    content: [{ type: 'text', text: explanation(withholding) }],
    isError: true,
    _meta: { 'mcp-authz.dev/decision': facts(withholding) },
  }
  return `{"jsonrpc":"2.0","id":${id},"result":${JSON.stringify(result)}}`
}

function errorMessage(id: string, withholding: Withholding): string {
  const error = { code, message: explanation(withholding), data: facts(withholding) }
  return `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify(error)}}`
}

function logMessage(withholding: Withholding): string {
  const data = { message: headline(withholding), ...facts(withholding) }
  const params = { level: 'warning', logger: 'mcp-authz', data }
  return JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params })
}

/** Lines of ours; what others wrote is never more than a part of one. */
function explanation(withholding: Withholding): string {
  const { failures, decisionId, denial } = withholding
  const [first] = failures
  const reason = [first?.reason, denial === 'hide' ? '' : first?.policyReason].filter(Boolean).join(', ')
  const names = denial === 'hide' ? [] : guardrailsOf(failures)
  return [
    headline(withholding),
    ...hintsOf(withholding),
    carriedOut,
    `${names.length === 0 ? '' : `Guardrail: ${names.join(', ')}. `}Reason: ${reason}. Decision: ${decisionId}.`,
  ].join('\n')
}

function headline({ failures, denial }: Withholding): string {
  if (denial === 'hide') return 'Withheld by policy.'
  const messages = [...new Set(failures.map(({ message }) => message))].slice(0, maxTold)
  return `Withheld by policy: ${safeText(messages.join('; '))}`
}

function hintsOf({ failures, denial }: Withholding): readonly string[] {
  if (denial === 'hide') return []
  const hints = failures.flatMap(({ hints }) => hints.map(hint => safeText(hint, maxHint)))
  return [...new Set(hints)].slice(0, maxTold)
}

function guardrailsOf(failures: readonly Failure[]): readonly string[] {
  const names = failures.filter(({ policy }) => policy !== '').map(({ policy }) => policy.replace(/^[A-Za-z]+\//, ''))
  return [...new Set(names)].slice(0, maxTold)
}

function facts({ failures, decisionId, denial }: Withholding) {
  const [first] = failures
  const policyReason = denial === 'hide' ? '' : (first?.policyReason ?? '')
  return { reason: first?.reason, ...(policyReason !== '' && { policyReason }), decisionId, carriedOut: true }
}
