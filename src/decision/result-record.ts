import { resultRecordVersion } from '../telemetry/record-versions.js'
import { failureFields, maxListed, principalFields, text } from './decision-record.js'
import type { GuardedAnswer } from './reviewed-exchange.js'

export type ResultOutcome = 'withheld' | 'redacted' | 'passed'

/** What became of a result; `passed` where Audit or Warn had something to say. */
export function resultOutcome({ failures, redactions }: GuardedAnswer['notes']): ResultOutcome {
  if (failures.length > 0) return 'withheld'
  return redactions.length > 0 ? 'redacted' : 'passed'
}

/**
 * The record of a result that Guardrails have something to say about, as one JSON line; joined with the record of the
 * request by `decision_id`. It says who was to get it and which rules counted; it holds nothing of the result.
 */
export function resultLine({ notes, decisionId, request, server, principal, judged }: GuardedAnswer, now: number) {
  const { failures, would, warnings, redactions } = notes
  let line = `{"version":"${resultRecordVersion}","decision_id":${text(decisionId)},"timestamp":"${new Date(now).toISOString()}"`
  line += `,"result":"${resultOutcome(notes)}"`
  if (failures.length > 0) line += `,"failures":[${failures.slice(0, maxListed).map(fields).join(',')}]`
  if (would.length > 0) line += `,"would_deny":[${would.slice(0, maxListed).map(fields).join(',')}]`
  if (warnings.length > 0) line += `,"warnings":${warnings.length}`
  if (redactions.length > 0) {
    const counts = redactions
      .slice(0, maxListed)
      .map(({ policy, count }) => `{"policy":${text(policy)},"count":${count}}`)
    line += `,"redactions":[${counts.join(',')}]`
  }
  line += `,"server":${text(server)}${principalFields(principal)}`
  if (judged?.method !== undefined) {
    line += `,"mcp":{"method":${text(judged.method)}`
    if (judged.tool !== undefined) line += `,"target":{"kind":"tool","name":${text(judged.tool)}}`
    line += '}'
  }
  if (request?.traceparent !== undefined) line += `,"trace_id":"${request.traceparent.slice(3, 35)}"`
  if (request !== undefined) line += `,"door":"${request.listener.door}","listener":${text(request.listener.name)}`
  return `${line}}`
}

function fields(failure: Parameters<typeof failureFields>[0]): string {
  return `{${failureFields(failure)}}`
}
