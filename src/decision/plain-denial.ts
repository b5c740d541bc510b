import { randomUUID } from 'node:crypto'
import type { Decision, Failure } from './decision.js'

/** How a denial is said where nothing but the HTTP exchange is known. */
export interface PlainForm {
  readonly status: number
  /** Of JSON-RPC. */
  readonly code: number
}

/** What we depend on failed, or the rules said no. */
export function plainForm({ stage }: Failure): PlainForm {
  const isOurs = stage === 'dependency' || stage === 'internal' || stage === 'policy'
  return isOurs ? { status: 503, code: -31503 } : { status: 403, code: -31403 }
}

/** A denial outside the stages that read a message: it has no id to answer to. */
export function plainDenial(why: Failure, { status, code }: PlainForm = plainForm(why)): Decision {
  const id = randomUUID()
  return {
    id,
    outcome: 'deny',
    failure: why,
    would: [],
    warnings: [],
    answer: {
      kind: 'respond',
      status,
      headers: [
        { name: 'content-type', value: 'application/json' },
        { name: 'cache-control', value: 'no-store' },
        { name: 'x-mcp-authz-decision-id', value: id },
      ],
      body: JSON.stringify({ jsonrpc: '2.0', error: errorOf(why, code, id) }),
    },
    metadata: new Map([
      ['decision', 'deny'],
      ['reason', why.reason],
      ['decision_id', id],
    ]),
  }
}

/** The `error` of a JSON-RPC answer. */
export function errorOf(why: Failure, code: number, decisionId: string) {
  return { code, message: why.message, data: { reason: why.reason, decisionId } }
}
