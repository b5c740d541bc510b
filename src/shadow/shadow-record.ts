import type { Failure } from '../decision/decision.js'
import { failureFields, maxListed, text } from '../decision/decision-record.js'
import { methodName } from '../policy/call-names.js'
import { shadowRecordVersion } from '../telemetry/record-versions.js'
import type { Compared, JudgedDecision } from './shadow-judge.js'

/**
 * The record of one difference, as one JSON line. Who asked, and for what in full, is in the record of the decision, which
 * has the same id; here is what makes differences readable by themselves.
 * @param now milliseconds since the epoch
 */
export function shadowLine({ result, server, decided, shadow, headers, list }: Compared, now: number): string {
  const { decision, trial } = decided
  let line = `{"version":"${shadowRecordVersion}","decision_id":"${decision.id}","timestamp":"${new Date(now).toISOString()}"`
  line += `,"result":"${result}","policy_revision":"${trial.snapshot.revision}","shadow_revision":"${shadow.trial.snapshot.revision}"`
  line += `,"decided":{${outcomeFields(decided)}},"shadow":{${outcomeFields(shadow)}}`
  if (headers.length > 0) line += `,"headers":${names(headers)}`
  if (list !== undefined) line += `,"list":{"hidden":${names(list.hidden)},"shown":${names(list.shown)}}`
  line += `,"server":${text(server)}`
  const { principal, call, request } = trial
  if (principal !== undefined) line += `,"user":${text(principal.user.username)}`
  if (call !== undefined) {
    line += `,"mcp":{"method":${text(methodName(call))}`
    if (call.target.kind !== 'none')
      line += `,"target":{"kind":"${call.target.kind}","name":${text(trial.tool ?? call.target.name)}}`
    line += '}'
  }
  return `${line},"door":"${request.listener.door}","listener":${text(request.listener.name)}}`
}

function outcomeFields({ decision, trial }: JudgedDecision): string {
  let fields = `"decision":"${decision.outcome}"`
  if (decision.failure !== undefined) fields += `,${failureFields(decision.failure)}`
  if (decision.would.length > 0) fields += `,"would_deny":[${failures(decision.would)}]`
  if (decision.warnings.length > 0) fields += `,"warnings":${decision.warnings.length}`
  if (trial.policies.length > 0) fields += `,"policies":${names(trial.policies)}`
  return fields
}

function failures(failed: readonly Failure[]): string {
  return failed
    .slice(0, maxListed)
    .map(one => `{${failureFields(one)}}`)
    .join(',')
}

/** The first of them. */
function names(values: readonly string[]): string {
  return `[${values.slice(0, maxListed).map(text).join(',')}]`
}
