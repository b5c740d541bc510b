import { z } from 'zod'

const Decision = z.object({ reason: z.string(), policyReason: z.string().optional(), decisionId: z.uuid() })
const Meta = z.object({ 'mcp-authz.dev/decision': Decision })

/** What a denied tool result says in `_meta` about the decision. Throws when it says nothing. */
export function decisionOf(meta: unknown): z.infer<typeof Decision> {
  return Meta.parse(meta)['mcp-authz.dev/decision']
}
