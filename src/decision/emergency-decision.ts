import { randomUUID } from 'node:crypto'
import type { InboundRequest } from '../protocol/inbound-request.js'
import type { Decision, Failure } from './decision.js'
import { recordVersion } from './decision-record.js'
import { stageOf } from './reason-codes.js'

export type EmergencyReason =
  | 'internal.error'
  | 'policy.not_loaded'
  | 'dependency.timeout'
  | 'dependency.overloaded'
  | 'message.encoding'
  | 'message.too_large'

const statuses: Readonly<Partial<Record<EmergencyReason, number>>> = {
  'message.encoding': 400,
  'message.too_large': 413,
}

/**
 * The denial for when there is no request to judge, or no time or no trust left to judge it: a door's message that does
 * not decode, a deadline about to pass, an overload, an exception of our own. Depends on nothing that could fail.
 *
 * @param message for the caller; a constant of ours, never derived from the request.
 * @param traceId 32 hex digits, of a trace that somebody records. Default: none is known
 */
export function emergencyDecision(reason: EmergencyReason, message: string, traceId?: string): Decision {
  const id = randomUUID()
  const failure: Failure = { stage: stageOf(reason), reason, message, hints: [], policy: '', policyReason: '' }
  const status = statuses[reason] ?? 503
  const body = JSON.stringify({
    jsonrpc: '2.0',
    error: {
      code: status === 503 ? -31503 : -32600,
      message: `${message} (${reason})`,
      data: { reason, decisionId: id, ...(traceId !== undefined && { traceId }) },
    },
  })
  return {
    id,
    outcome: 'deny',
    failure,
    would: [],
    warnings: [],
    answer: {
      kind: 'respond',
      status,
      headers: [
        { name: 'content-type', value: 'application/json' },
        { name: 'cache-control', value: 'no-store' },
        { name: 'x-mcp-authz-decision-id', value: id },
        ...(status === 503 ? [{ name: 'retry-after', value: '1' }] : []),
      ],
      body,
    },
    metadata: new Map([
      ['decision', 'deny'],
      ['reason', reason],
      ['decision_id', id],
    ]),
    traceId,
  }
}

/** The record of a denial for which there was not even a request: nothing but the denial and the door is known. */
export function unreadLine({
  listener,
  decision,
  now,
  requests = 1,
}: {
  readonly listener: Pick<InboundRequest['listener'], 'name' | 'door'>
  readonly decision: Decision
  /** Milliseconds since the epoch. */
  readonly now: number
  /** How many requests this decision answered. Default 1. */
  readonly requests?: number
}): string {
  return JSON.stringify({
    version: recordVersion,
    decision_id: decision.id,
    timestamp: new Date(now).toISOString(),
    mode: 'enforce',
    decision: decision.outcome,
    ...(decision.failure && { reason: decision.failure.reason }),
    door: listener.door,
    listener: listener.name,
    ...(requests !== 1 && { requests }),
  })
}
