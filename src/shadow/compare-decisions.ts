import type { Decision } from '../decision/decision.js'
import type { RequestHeaders } from '../protocol/request-headers.js'
import type { ShadowResult } from '../telemetry/shadow-metrics.js'

export interface Comparison {
  readonly result: ShadowResult
  /** Names of headers for the server that would not be as they are, sorted. */
  readonly headers: readonly string[]
}

/**
 * Compares what was decided with what would have been.
 * @param sent what the client sent: it goes on to the server unless it is set or removed
 */
export function compareDecisions(decided: Decision, shadow: Decision, sent: RequestHeaders): Comparison {
  const plain = (result: ShadowResult): Comparison => ({ result, headers: [] })
  if (dependsOnOthers(decided) || dependsOnOthers(shadow)) return plain('failed')
  const [before, after] = [decided.outcome, shadow.outcome]
  if (before !== after) return plain(after === 'deny' ? 'tightened' : 'weakened')
  const headers = differentHeaders(decided, shadow, sent)
  const same = headers.length === 0 && notesOf(decided) === notesOf(shadow)
  return { result: same ? 'same' : 'changed', headers }
}

/** Decided by what others answered at that moment. For the shadow no credential is made, so that none can be refused to it. */
function dependsOnOthers({ failure, would }: Decision): boolean {
  const failures = failure === undefined ? would : [failure, ...would]
  return failures.some(({ stage, reason }) => stage === 'dependency' || reason === 'authorization.exchange_refused')
}

/** All that is compared beside the outcome, in one text. Why a call is denied is told by reason and policy, not by words. */
function notesOf({ failure, would, warnings }: Decision): string {
  const told = ({ reason, policy, policyReason }: NonNullable<Decision['failure']>) => [reason, policy, policyReason]
  const noted = new Set(would.map(one => told(one).join('\0')))
  return JSON.stringify([failure && told(failure), [...noted].sort(), [...warnings].sort()])
}

/** Those that are never the same, or of which the shadow makes none. */
const ownOfEach: ReadonlySet<string> = new Set([
  'x-mcp-authz-decision-id',
  'x-mcp-authz-policy-revision',
  'x-mcp-authz-context',
  'authorization',
])

function differentHeaders(
  { answer: one }: Decision,
  { answer: other }: Decision,
  sent: RequestHeaders,
): readonly string[] {
  if (one.kind !== 'allow' || other.kind !== 'allow') return []
  const [before, after] = [valuesOf(one.setHeaders), valuesOf(other.setHeaders)]
  const names = new Set([...before.keys(), ...after.keys()])
  const different = [...names].filter(name => before.get(name) !== after.get(name))
  const [stopped, alsoStopped] = [new Set(one.removeHeaders), new Set(other.removeHeaders)]
  // What one lets through as the client wrote it, and the other does not.
  const passing = [...sent.names()].filter(name => !names.has(name) && stopped.has(name) !== alsoStopped.has(name))
  return [...different, ...passing].filter(name => !ownOfEach.has(name)).sort()
}

function valuesOf(headers: readonly { readonly name: string; readonly value: string }[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const { name, value } of headers) {
    const first = values.get(name)
    values.set(name, first === undefined ? value : `${first}\n${value}`)
  }
  return values
}
