import * as z from 'zod'
import { policyApiVersion } from '../../policy/document-schema.js'

/** Bounds of one document: enough for any written by hand. */
export const policyTestLimits = { principals: 200, calls: 500, tests: 1000, cases: 10_000 } as const

const name = z.string().min(1).max(200)
const text = z.string().min(1).max(2000)
const texts = z.array(text).min(1).max(32)
/** One text or several. */
const someTexts = z.union([text, texts])
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/
const instant = z
  .string()
  .refine(
    value => rfc3339.test(value) && !Number.isNaN(Date.parse(value)),
    'a time is RFC 3339, e.g. 2026-01-15T12:00:00Z',
  )
/** Whatever the YAML reader gives: texts, numbers, booleans, null, lists, mappings. */
const claims = z.record(z.string().min(1), z.unknown())

const principal = z.strictObject({
  user: z.string().max(1024),
  groups: z.array(z.string().min(1)).min(1).optional(),
  uid: z.string().optional(),
  extra: z.record(z.string().min(1), z.array(z.string()).min(1)).optional(),
  agent: z
    .union([
      z.string().regex(/^[^:]+:.+$/, 'an agent is alias:id'),
      z.strictObject({
        issuer: z.string().min(1),
        id: z.string().min(1),
        assurance: z.enum(['attested', 'claimed']).optional(),
      }),
    ])
    .optional(),
  scopes: z.array(z.string().min(1)).min(1).optional(),
  tenant: z.string().optional(),
  claims: claims.optional(),
  issuer: z.string().optional(),
  workload: z.string().optional(),
  kind: z.enum(['user', 'machine', 'anonymous']).optional(),
})

const token = z.strictObject({ claims, typ: z.string().min(1).optional(), workload: z.string().optional() })

const targets = ['tool', 'prompt', 'resource', 'resourceTemplate', 'method', 'body'] as const

const jsonObject = z.union([z.record(z.string(), z.unknown()), z.string()])
const call = z
  .strictObject({
    server: name.optional(),
    tool: z.string().min(1).optional(),
    unknownTool: z.boolean().optional(),
    prompt: z.string().min(1).optional(),
    resource: z.string().min(1).optional(),
    resourceTemplate: z.string().min(1).optional(),
    method: z.string().min(1).optional(),
    body: z.string().optional(),
    arguments: jsonObject.optional(),
    params: jsonObject.optional(),
    headers: z.record(z.string().min(1), z.string()).optional(),
    address: z.string().optional(),
    result: z.union([z.record(z.string(), z.unknown()), z.string()]).optional(),
  })
  .superRefine((spec, issues) => {
    const given = targets.filter(target => spec[target] !== undefined)
    const report = (path: string[], message: string) => issues.addIssue({ code: 'custom', path, message })
    if (given.length !== 1) report([], `a call has exactly one of ${targets.join(', ')}`)
    if (spec.arguments !== undefined && spec.tool === undefined && spec.prompt === undefined)
      report(['arguments'], 'arguments go with tool or prompt; other methods have params')
    if (spec.params !== undefined && spec.method === undefined) report(['params'], 'params go with method')
    if (spec.unknownTool !== undefined && spec.tool === undefined) report(['unknownTool'], 'goes with tool')
    if (typeof spec.arguments === 'string' && spec.prompt !== undefined)
      report(['arguments'], 'the arguments of a prompt are a mapping; for exact bytes write the whole body')
  })

const failure = z.strictObject({
  reason: text.optional(),
  policy: text.optional(),
  policyReason: text.optional(),
  message: someTexts.optional(),
  hints: someTexts.optional(),
})
const none = z.literal('none')

const operation = z.strictObject({
  verb: z.string().min(1).optional(),
  group: z.string().optional(),
  resource: z.string().min(1).optional(),
  subresource: z.string().optional(),
  namespace: z.string().optional(),
  name: z.string().optional(),
})

const result = z.strictObject({
  contains: someTexts.optional(),
  absent: someTexts.optional(),
  withheld: z.union([z.boolean(), failure]).optional(),
  redacted: z.union([none, someTexts]).optional(),
})

export const decisions = ['allow', 'deny'] as const
const decision = z.enum(decisions)
const expectation = failure.extend({
  decision: decision.optional(),
  headers: z
    .strictObject({ set: z.record(name, z.string()).optional(), absent: z.array(name).min(1).optional() })
    .optional(),
  warnings: z.union([none, someTexts]).optional(),
  would: z.union([none, failure, z.array(failure).min(1).max(32)]).optional(),
  status: z.number().int().min(100).max(599).optional(),
  visible: z.boolean().optional(),
  operations: z.union([none, z.array(operation).min(1).max(64)]).optional(),
  result: result.optional(),
})
/** For the documentation. */
export const expectationFields: Readonly<Record<string, unknown>> = expectation.shape
const expected = z.union([decision, expectation])

const oneOrMore = z.union([name, z.array(name).min(1).max(500)])
const test = z.strictObject({
  name,
  principal: oneOrMore.optional(),
  principals: z.array(name).min(1).max(500).optional(),
  call: oneOrMore.optional(),
  calls: z.array(name).min(1).max(500).optional(),
  now: instant.optional(),
  expect: expected.optional(),
})

export const policyTestSchema = z.strictObject({
  apiVersion: z.literal(policyApiVersion),
  kind: z.literal('PolicyTest'),
  metadata: z.strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/, 'a name is lower-case letters, digits, "-" and "."'),
    labels: z.record(z.string(), z.string()).optional(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
  spec: z.strictObject({
    policies: z.array(z.string().min(1)).min(1).max(16).optional(),
    mode: z.literal('Enforce').optional(),
    now: instant.optional(),
    principals: z.record(name, principal).optional(),
    tokens: z.record(name, token).optional(),
    calls: z.record(name, call),
    tests: z.array(test).min(1).max(policyTestLimits.tests).optional(),
    matrix: z.record(name, z.record(name, expected)).optional(),
  }),
})

export type PolicyTestSpec = z.infer<typeof policyTestSchema>['spec']
export type PrincipalSpec = z.infer<typeof principal>
export type TokenSpec = z.infer<typeof token>
export type CallSpec = z.infer<typeof call>
export type ExpectedSpec = z.infer<typeof expected>
export type FailurePattern = z.infer<typeof failure>
export type OperationPattern = z.infer<typeof operation>
export type ResultExpectation = z.infer<typeof result>
/** An expectation with its decision settled: undefined where only visibility was asked for. */
export type Expectation = Omit<z.infer<typeof expectation>, 'decision'> & {
  readonly decision: (typeof decisions)[number] | undefined
}
