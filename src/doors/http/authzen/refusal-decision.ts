import { randomUUID } from 'node:crypto'
import type { Decision } from '../../../decision/decision.js'
import { type ReasonCode, stageOf } from '../../../decision/reason-codes.js'

/** The denial of an evaluation that was not put to the decision. `message` holds nothing of the request. */
export function refusalDecision(reason: ReasonCode, message: string): Decision {
  const id = randomUUID()
  const stage = stageOf(reason)
  const error = { code: -32600, message: `${message} (${reason})`, data: { reason, decisionId: id } }
  return {
    id,
    outcome: 'deny',
    failure: { stage, reason, message, hints: [], policy: '', policyReason: '' },
    would: [],
    warnings: [],
    answer: {
      kind: 'respond',
      status: reason === 'message.too_large' ? 413 : stage === 'message' ? 400 : 403,
      headers: [{ name: 'content-type', value: 'application/json' }],
      body: JSON.stringify({ jsonrpc: '2.0', error }),
    },
    metadata: new Map([
      ['decision', 'deny'],
      ['reason', reason],
      ['decision_id', id],
    ]),
  }
}
