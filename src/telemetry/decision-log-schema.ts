import * as z from 'zod'
import { decisionRecordVersion, logRecordVersion, resultRecordVersion, shadowRecordVersion } from './record-versions.js'

const digest = z.string().regex(/^[0-9a-f]{64}$/)
const count = z.number().min(0)

/** On every line of a chained log; see log-chain.ts. */
const chained = {
  chain: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .optional()
    .describe('Id of the chain: one process, one file. Only with decisionLog.chain.'),
  seq: count.optional().describe('Number of this line in its chain; the first is 0.'),
  prev: digest.optional().describe('SHA-256 of the line before it in the chain, without the line end.'),
  mac: digest.optional().describe('HMAC-SHA-256 of the line up to this member. Only with decisionLog.chainKeyFile.'),
}

const failure = {
  reason: z.string().describe('Reason code, see docs/reason-codes.md.'),
  policy: z.string().optional().describe('Kind/name of the policy; absent for built-in rules.'),
  policy_reason: z.string().optional().describe("The policy's own reason."),
}

const principal = {
  subject: z
    .object({
      kind: z.enum(['user', 'machine', 'anonymous']),
      user: z.string(),
      groups: z.array(z.string()).describe('The first 64.'),
      groups_total: count.optional().describe('How many there are, where that is more than 64.'),
      scopes: z.array(z.string()).optional().describe('Of the token, the first 64; absent without any.'),
      scopes_total: count.optional().describe('How many there are, where that is more than 64.'),
      issuer: z.string().describe('URL of the issuer of the token, "" without one.'),
    })
    .optional()
    .describe('Who asks; absent where nobody was identified.'),
  agent: z
    .object({ id: z.string(), issuer: z.string(), assurance: z.enum(['attested', 'claimed', 'none']) })
    .optional()
    .describe('The software that acts; issuer is the alias of the issuer that named it.'),
  actors: z.array(z.string()).optional().describe('The delegation chain, nearest first.'),
  chain_id: z.string().optional().describe('The same for every hop of one delegation chain.'),
  on_behalf_of: z
    .enum(['jwt', 'plain'])
    .optional()
    .describe('How the person was named beside the token of the software.'),
  tenant: z.string().optional(),
}

const target = z.object({ kind: z.enum(['tool', 'prompt', 'resource', 'task']), name: z.string() })
const traceId = z
  .string()
  .regex(/^[0-9a-f]{32}$/)
  .optional()
  .describe('Trace id of the traceparent of the request.')

/** One decision about one request, or about one message of a batch. */
export const decisionRecordSchema = z.object({
  version: z.literal(decisionRecordVersion),
  decision_id: z.string().describe('UUID; the same in denial, headers, metadata and spans.'),
  timestamp: z.iso.datetime().describe('When the request came, UTC, with milliseconds.'),
  policy_revision: z.string().optional().describe('Hash of the policies that decided.'),
  mode: z.enum(['enforce', 'audit']).describe('Of the Server. In audit nothing is denied: see would_deny.'),
  decision: z.enum(['allow', 'deny', 'respond']).describe('respond: a document of ours was asked for.'),
  reason: failure.reason.optional(),
  policy: failure.policy,
  policy_reason: failure.policy_reason,
  would_deny: z.array(z.object(failure)).optional().describe('What was not enforced, the first 64.'),
  warnings: count.optional().describe('How many were told to the caller.'),
  batch: z.object({ decision_id: z.string(), size: count }).optional().describe('The batch that this message came in.'),
  server: z.string().optional().describe('Name of the Server.'),
  ...principal,
  workload: z.string().optional().describe('mTLS principal of the client of the gateway.'),
  mcp: z
    .object({
      method: z.string(),
      kind: z.enum(['request', 'notification', 'response', 'stream', 'close']),
      era: z.enum(['legacy', 'modern']),
      protocol_version: z.string().optional(),
      via: z.string().optional().describe('The tool that was named to the server and calls the target.'),
      target: target.optional(),
      also: z.array(target).optional().describe('What else the message touches, the first 64.'),
      also_total: count.optional().describe('How many there are, where that is more than 64.'),
      id: z.union([z.string(), z.number()]).optional().describe('JSON-RPC id of the message.'),
      session: z
        .enum(['bound', 'unbound'])
        .optional()
        .describe('Whether the session id is known to be that of the caller.'),
    })
    .optional(),
  args_digest: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/)
    .optional()
    .describe('SHA-256 of the RFC 8785 form of the arguments; on every tools/call.'),
  arguments: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('Only with decisionLog.arguments. Complete as sent unless erased or masked says otherwise.'),
  erased: z
    .array(z.string())
    .optional()
    .describe('JSON Pointers into the record: what is there was left out, as a whole or in part.'),
  masked: z
    .array(z.string())
    .optional()
    .describe('JSON Pointers into the record: the value there was changed by decisionLog.arguments.redact.'),
  rbac: z
    .array(
      z.object({
        role: z.enum(['user', 'agent']),
        verb: z.string(),
        group: z.string(),
        resource: z.string(),
        subresource: z.string(),
        namespace: z.string(),
        name: z.string(),
        allowed: z.boolean(),
      }),
    )
    .optional()
    .describe('What RBAC was asked, the first 64.'),
  policies: z.array(z.string()).optional().describe('Kind/name of the policies that took part, the first 64.'),
  enrichment: z.record(z.string(), z.unknown()).optional().describe('What Enrichments add.'),
  http: z
    .object({ method: z.string(), host: z.string(), path: z.string(), status: z.number().optional() })
    .optional()
    .describe('The request; status only where the gateway answers for us.'),
  body_sha256: digest.optional().describe('Of the bytes that were judged.'),
  source_address: z.string().optional().describe('Of the client of the gateway, as the gateway saw it.'),
  trace_id: traceId,
  door: z.string().describe('Kind of listener: ext-authz, ext-proc, ext-mcp, authzen.'),
  listener: z.string(),
  profile: z.string().optional().describe('Kind of gateway.'),
  requests: count
    .optional()
    .describe(
      'How many requests got this decision, where that is not one: refusals for overload, see docs/overload.md.',
    ),
  elapsed_us: z.number().optional().describe('Time that the decision took, in microseconds.'),
  ...chained,
})

/** What Guardrails made of one result. */
export const resultRecordSchema = z.object({
  version: z.literal(resultRecordVersion),
  decision_id: z.string().describe('Of the decision about the request.'),
  timestamp: z.iso.datetime(),
  result: z.enum(['withheld', 'redacted', 'passed']),
  failures: z.array(z.object(failure)).optional().describe('Why it was withheld, the first 64.'),
  would_deny: z.array(z.object(failure)).optional().describe('What was not enforced, the first 64.'),
  warnings: count.optional(),
  redactions: z
    .array(z.object({ policy: z.string(), count }))
    .optional()
    .describe('How many texts were replaced, by policy.'),
  server: z.string(),
  ...principal,
  mcp: z.object({ method: z.string(), target: target.optional() }).optional(),
  trace_id: traceId,
  door: z.string().optional(),
  listener: z.string().optional(),
  ...chained,
})

const shadowOutcome = z.object({
  decision: z.enum(['allow', 'deny', 'respond']),
  reason: failure.reason.optional(),
  policy: failure.policy,
  policy_reason: failure.policy_reason,
  would_deny: z.array(z.object(failure)).optional().describe('What was not enforced, the first 64.'),
  warnings: count.optional().describe('How many.'),
  policies: z.array(z.string()).optional().describe('Kind/name of the policies that took part, the first 64.'),
})

/** One decision that the policies of the shadow would have made differently. Nobody was told of theirs. */
export const shadowRecordSchema = z.object({
  version: z.literal(shadowRecordVersion),
  decision_id: z.string().describe('Of the decision that counted, whose record says all about the request.'),
  timestamp: z.iso.datetime().describe('When they were compared, UTC, with milliseconds.'),
  result: z
    .enum(['tightened', 'weakened', 'changed'])
    .describe(
      'tightened: allowed, and denied in the shadow. weakened: the other way round. changed: the same outcome.',
    ),
  policy_revision: z.string().describe('Hash of the policies that decided.'),
  shadow_revision: z.string().describe('Hash of the policies of the shadow; the one that they have in force.'),
  decided: shadowOutcome.describe('What was decided.'),
  shadow: shadowOutcome.describe('What the shadow would have decided.'),
  headers: z.array(z.string()).optional().describe('Names of headers for the server that would differ, the first 64.'),
  list: z
    .object({ hidden: z.array(z.string()), shown: z.array(z.string()) })
    .optional()
    .describe(
      'Of tools/list: tools of the catalogue that would not be shown, or would be shown besides; the first 64.',
    ),
  server: z.string(),
  user: z.string().optional(),
  mcp: z.object({ method: z.string(), target: target.optional() }).optional(),
  door: z.string(),
  listener: z.string(),
  ...chained,
})

/** What the log says of itself. */
export const logRecordSchema = z.object({
  version: z.literal(logRecordVersion),
  timestamp: z.iso.datetime(),
  event: z
    .enum(['start', 'lost'])
    .describe('start: a chain begins. lost: records before this one could not be written, and are nowhere.'),
  lost: count.optional().describe('How many records were lost.'),
  follows: digest.optional().describe('Of start: SHA-256 of the last whole line that was in the file.'),
  torn: z.boolean().optional().describe('The line before this one was not written to its end.'),
  ...chained,
})

/** One line of the log, as JSON.parse gives it. */
export const anyRecordSchema = z.discriminatedUnion('version', [
  decisionRecordSchema,
  resultRecordSchema,
  shadowRecordSchema,
  logRecordSchema,
])

/** JSON Schema (draft 2020-12) of one line. Members that it does not name may be added later within the same version. */
export function decisionLogJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(anyRecordSchema, { io: 'input', unrepresentable: 'throw' })
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'One line of the decision log of mcp-authz',
    ...schema,
  }
}
