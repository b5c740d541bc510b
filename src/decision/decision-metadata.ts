import type { Decision, Failure, MetadataValue } from './decision.js'
import type { Trial } from './trial.js'

/** For the gateway's access log and later filters; no claims, no arguments. */
export function metadataOf(
  trial: Trial,
  outcome: Decision['outcome'],
  why: Failure | undefined,
  would: readonly Failure[],
  resultContext: readonly string[] = [],
): ReadonlyMap<string, MetadataValue> {
  // One by one: a list of pairs costs three times as much.
  const metadata = new Map<string, MetadataValue>()
  metadata.set('decision', outcome)
  metadata.set('decision_id', trial.id)
  metadata.set('policy_revision', trial.snapshot.revision)
  if (why) metadata.set('reason', why.reason)
  if (why && why.policyReason !== '') metadata.set('policy_reason', why.policyReason)
  if (would.length > 0) metadata.set('would_deny', [...new Set(would.map(one => one.reason))])
  if (trial.server) metadata.set('server', trial.server.name)
  if (trial.principal) {
    metadata.set('subject', trial.principal.user.username)
    if (trial.principal.agent.id !== '') metadata.set('agent', trial.principal.agent.id)
  }
  if (trial.call?.method) metadata.set('method', trial.call.method)
  if (trial.tool !== undefined) metadata.set('tool', trial.tool)
  // A page after the first does not tell by itself that there are others.
  if (trial.call?.method === 'tools/list' && trial.call.params?.has('cursor')) metadata.set('cursor', true)
  if (trial.allowedTools !== undefined && outcome === 'allow') metadata.set('allowed_tools', trial.allowedTools)
  if (resultContext.length > 0) metadata.set('result_context', resultContext)
  return metadata
}
