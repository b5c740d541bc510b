import type { Decision } from '../../decision/decision.js'
import type { Respond } from './exchange-processor.js'

/** What a refusal, or a document of ours, says to the client. */
export function respondWith({ answer, outcome, metadata }: Decision): Respond {
  if (answer.kind !== 'respond') throw new Error('what passes is no answer')
  const { status, headers, body } = answer
  return {
    kind: 'respond',
    reply: {
      ...{ status, headers, body, tell: metadata },
      details: outcome === 'deny' ? 'mcp_authz_refused' : 'mcp_authz_answered',
    },
  }
}
