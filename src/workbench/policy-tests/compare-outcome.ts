import type { Failure } from '../../decision/decision.js'
import type { Operation } from '../../rbac/operation.js'
import type { Outcome, ReviewedResult } from './judge-case.js'
import type { Expectation, FailurePattern, OperationPattern, ResultExpectation } from './policy-test-schema.js'
import { withoutId } from './without-id.js'

/** One thing that did not come as expected. */
export interface Mismatch {
  /** The field of `expect`. */
  readonly field: string
  readonly expected: string
  readonly actual: string
}

/** What of an expectation did not come; empty when all did. */
export function compareOutcome(expectation: Expectation, outcome: Outcome): readonly Mismatch[] {
  return [
    ...compareDecision(expectation, outcome),
    ...compareAnswer(expectation, outcome),
    ...compareNotes(expectation, outcome),
    ...compareOperations(expectation.operations, outcome.operations),
    ...compareVisibility(expectation.visible, outcome),
    ...compareResult(expectation.result, outcome.result),
  ]
}

/** `allow`, or `deny` and why. */
export function describeDecision({ decision, failures }: Pick<Outcome, 'decision' | 'failures'>): string {
  if (decision.outcome !== 'deny') return decision.outcome
  return failures.length === 0 ? 'deny' : `deny: ${failures.map(describeFailure).join('; ')}`
}

/**
 * Of these stages a plain `deny` is content with none: nobody said no, the request could not be read, or something was not
 * there to say it. A test that expects one of them names its reason.
 */
const notMeant: ReadonlySet<Failure['stage']> = new Set<Failure['stage']>([
  'framing',
  'server',
  'message',
  'policy',
  'dependency',
  'internal',
])

function compareDecision(expectation: Expectation, outcome: Outcome): readonly Mismatch[] {
  const { decision: expected } = expectation
  const { decision, failures } = outcome
  if (expected === undefined) return []
  const actual = describeDecision(outcome)
  if (expected === 'allow') return decision.outcome === 'allow' ? [] : [{ field: 'decision', expected, actual }]
  const pattern = patternOf(expectation)
  const wanted = describePattern(pattern)
  if (decision.outcome !== 'deny')
    return [{ field: 'decision', expected: wanted === '' ? expected : `deny: ${wanted}`, actual }]
  const [first] = failures
  if (pattern.reason === undefined && first !== undefined && notMeant.has(first.stage)) {
    const named = `a denial by authorization, a guardrail or the like; if ${first.reason} is what is meant, name it as reason`
    return [{ field: 'reason', expected: named, actual }]
  }
  return failures.some(one => matches(pattern, one)) ? [] : [{ field: 'decision', expected: `deny: ${wanted}`, actual }]
}

function patternOf({ reason, policy, policyReason, message, hints }: Expectation): FailurePattern {
  return { reason, policy, policyReason, message, hints }
}

function matches({ reason, policy, policyReason, message, hints }: FailurePattern, one: Failure): boolean {
  if (reason !== undefined && reason !== one.reason) return false
  if (policy !== undefined && policy !== one.policy) return false
  if (policyReason !== undefined && policyReason !== one.policyReason) return false
  if (!some(message).every(text => one.message.includes(text))) return false
  return some(hints).every(text => one.hints.some(hint => hint.includes(text)))
}

function describePattern({ reason, policy, policyReason, message, hints }: FailurePattern): string {
  const parts: string[] = []
  if (reason !== undefined) parts.push(reason)
  if (policyReason !== undefined) parts.push(policyReason)
  if (policy !== undefined) parts.push(`by ${policy}`)
  for (const text of some(message)) parts.push(`with "${text}"`)
  for (const text of some(hints)) parts.push(`with the hint "${text}"`)
  return parts.join(' ')
}

/** Without its hints, which the answer to the client holds. */
export function describeFailure({ reason, policy, policyReason, message }: Failure): string {
  const what = [reason, policyReason, policy === '' ? '' : `by ${policy}`].filter(part => part !== '').join(' ')
  return `${what}: ${message}`
}

/** Headers are those of the request as the server gets it; of a denial, those of the answer. */
function compareAnswer({ headers, status }: Expectation, { decision, request }: Outcome): readonly Mismatch[] {
  const { answer } = decision
  const found: Mismatch[] = []
  if (status !== undefined) {
    const actual = answer.kind === 'respond' ? String(answer.status) : 'none: the request goes on'
    if (actual !== String(status)) found.push({ field: 'status', expected: String(status), actual })
  }
  if (headers === undefined) return found
  const values = new Map<string, readonly string[]>()
  if (answer.kind === 'respond') for (const { name, value } of answer.headers) values.set(name, [value])
  else {
    for (const name of request.headers.names()) values.set(name, request.headers.all(name))
    for (const name of answer.removeHeaders) values.delete(name)
    for (const { name, value } of answer.setHeaders) values.set(name, [value])
  }
  for (const [name, expected] of Object.entries(headers.set ?? {})) {
    const actual = values.get(name.toLowerCase())
    const shown = actual === undefined ? 'absent' : withoutId(actual.join(', '), decision)
    if (actual?.length !== 1 || actual[0] !== expected)
      found.push({ field: `headers.set.${name}`, expected, actual: shown })
  }
  for (const name of headers.absent ?? []) {
    const actual = values.get(name.toLowerCase())
    if (actual !== undefined)
      found.push({ field: 'headers.absent', expected: `no ${name}`, actual: withoutId(actual.join(', '), decision) })
  }
  return found
}

function compareNotes({ warnings, would }: Expectation, { decision }: Outcome): readonly Mismatch[] {
  const found = compareTexts('warnings', warnings, decision.warnings)
  if (would === undefined) return found
  const actual = list(decision.would.map(describeFailure))
  const patterns = would === 'none' ? [] : [would].flat()
  if (would === 'none' && decision.would.length > 0) return [...found, { field: 'would', expected: 'none', actual }]
  const missing = patterns.filter(pattern => !decision.would.some(one => matches(pattern, one)))
  return [...found, ...missing.map(one => ({ field: 'would', expected: describePattern(one), actual }))]
}

function compareTexts(
  field: string,
  expected: 'none' | string | readonly string[] | undefined,
  actual: readonly string[],
): readonly Mismatch[] {
  if (expected === undefined) return []
  if (expected === 'none') return actual.length === 0 ? [] : [{ field, expected, actual: list(actual) }]
  const missing = some(expected).filter(text => !actual.some(one => one.includes(text)))
  return missing.map(text => ({ field, expected: `"${text}"`, actual: list(actual) }))
}

/** All of them, in any order. */
function compareOperations(
  expected: Expectation['operations'],
  actual: readonly Operation[] | undefined,
): readonly Mismatch[] {
  if (expected === undefined) return []
  const patterns = expected === 'none' ? [] : expected
  const left = [...(actual ?? [])]
  const missing = patterns.filter(pattern => {
    const at = left.findIndex(one => operationMatches(pattern, one))
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
  if (missing.length === 0 && left.length === 0 && actual !== undefined) return []
  return [
    {
      field: 'operations',
      expected: list(patterns.map(one => describeOperation({ ...noOperation, ...one }))),
      actual: actual === undefined ? 'not known: no catalogue has the tool' : list(actual.map(describeOperation)),
    },
  ]
}

const noOperation = { verb: '*', group: '', resource: '*', subresource: '', namespace: '', name: '' }
const operationFields = ['verb', 'group', 'resource', 'subresource', 'namespace', 'name'] as const

function operationMatches(pattern: OperationPattern, one: Operation): boolean {
  return operationFields.every(field => pattern[field] === undefined || pattern[field] === one[field])
}

function describeOperation(one: { readonly [Field in (typeof operationFields)[number]]?: string | undefined }): string {
  const { verb, group, resource, subresource, namespace, name } = one
  const kind = [group, [resource, subresource].filter(Boolean).join('/')].filter(Boolean).join('/')
  return [verb, kind, [namespace, name].filter(Boolean).join('/')].filter(Boolean).join(' ')
}

function compareVisibility(expected: boolean | undefined, { visible }: Outcome): readonly Mismatch[] {
  if (expected === undefined || visible?.shown === expected) return []
  const actual = visible?.shown === true ? 'listed' : `not listed${visible?.why ? `: ${visible.why}` : ''}`
  return [{ field: 'visible', expected: expected ? 'listed' : 'not listed', actual }]
}

function compareResult(
  expected: ResultExpectation | undefined,
  actual: ReviewedResult | undefined,
): readonly Mismatch[] {
  if (expected === undefined || actual === undefined) return []
  const { notes, text, refused } = actual
  const found: Mismatch[] = []
  const failures = refused === undefined ? notes.failures : [refused]
  const why = failures.length === 0 ? 'not withheld' : `withheld: ${list(failures.map(describeFailure))}`
  const { withheld, redacted } = expected
  if (withheld === false && failures.length > 0)
    found.push({ field: 'result.withheld', expected: 'false', actual: why })
  if (withheld === true && failures.length === 0)
    found.push({ field: 'result.withheld', expected: 'true', actual: why })
  if (typeof withheld === 'object' && !failures.some(one => matches(withheld, one)))
    found.push({ field: 'result.withheld', expected: describePattern(withheld), actual: why })
  const policies = notes.redactions.map(({ policy }) => policy)
  if (redacted === 'none' && policies.length > 0)
    found.push({ field: 'result.redacted', expected: 'none', actual: list(policies) })
  if (redacted !== undefined && redacted !== 'none')
    for (const policy of some(redacted))
      if (!policies.includes(policy)) found.push({ field: 'result.redacted', expected: policy, actual: list(policies) })
  // As JSON, which is how it is written on the wire: quotes and line ends of a text are escaped there.
  const holds = (part: string) => text.includes(part) || text.includes(JSON.stringify(part).slice(1, -1))
  for (const part of some(expected.contains))
    if (!holds(part)) found.push({ field: 'result.contains', expected: `"${part}"`, actual: shorten(text) })
  for (const part of some(expected.absent))
    if (holds(part)) found.push({ field: 'result.absent', expected: `no "${part}"`, actual: shorten(text) })
  return found
}

const longestShown = 500

function shorten(text: string): string {
  return text.length <= longestShown ? text : `${text.slice(0, longestShown)}… (${text.length} characters)`
}

function some(texts: string | readonly string[] | undefined): readonly string[] {
  return texts === undefined ? [] : typeof texts === 'string' ? [texts] : texts
}

function list(texts: readonly string[]): string {
  return texts.length === 0 ? 'none' : texts.join('; ')
}
