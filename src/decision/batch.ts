import { randomUUID } from 'node:crypto'
import type { Call } from '../protocol/call.js'
import { responseHeaders } from './allow-headers.js'
import type { Answer, HeaderValue } from './decision.js'
import { failure } from './failure.js'
import type { Outcome, Passed, Refused } from './outcome.js'
import { renderDenial } from './render-denial.js'
import type { Trial } from './trial.js'

/**
 * One message of a batch is judged and recorded like a request of its own, that knows where it belongs. Its stages are not
 * timed: members wait for each other.
 */
export function memberTrial(whole: Trial, call: Call, size: number): Trial {
  return {
    ...whole,
    id: randomUUID(),
    batch: { id: whole.id, size },
    knownId: call.id,
    era: call.era,
    asked: [],
    policies: [],
    would: [...whole.would],
    warnings: [],
    timer: undefined,
  }
}

/**
 * A batch passes as a whole or not at all: the gateway cannot take messages out of it. What would have passed alone is
 * denied with the rest, and says so.
 */
export function refuseSiblings(outcomes: readonly Outcome[]): readonly Refused[] {
  return outcomes.map((outcome): Refused => {
    if (outcome.refusal !== undefined) return outcome
    const held = failure('message.batch', 'not executed, because another message of the same batch was denied', {
      hints: ['Send it on its own.'],
    })
    return { trial: outcome.trial, refusal: { failure: held, shape: { status: 200, jsonRpcCode: -31403 } } }
  })
}

/**
 * The answer to a batch of which something was denied: an answer to each request in it, as JSON-RPC wants it, with the
 * HTTP status of the gravest denial.
 */
export function renderBatchDenial(whole: Trial, refused: readonly Refused[], first: Refused): Answer {
  const answers = shareScopes(refused).flatMap(({ trial, refusal }) => {
    const answer = renderDenial(trial, refusal.failure, refusal.shape)
    return answer.kind === 'respond' ? [{ answer, answers: trial.call?.kind === 'request' }] : []
  })
  const gravest = answers.reduce(
    (worst, { answer }) => (worst === undefined || answer.status > worst.status ? answer : worst),
    undefined as RespondAnswer | undefined,
  )
  const bodies = answers.filter(one => one.answers).map(one => one.answer.body)
  const withoutId = { ...whole, knownId: undefined }
  if (gravest === undefined || bodies.length === 0) {
    return renderDenial(withoutId, first.refusal.failure, { ...first.refusal.shape, status: 403 })
  }
  const body = `[${bodies.join(',')}]`
  if (Buffer.byteLength(body) > maxBody) {
    const text = 'the batch was denied, for more reasons than one answer can tell; send its messages one by one'
    return renderDenial(withoutId, failure('message.batch', text), { status: Math.max(403, gravest.status) })
  }
  const headers = gravest.headers.map(({ name, value }) => ({
    name,
    value: name === 'x-mcp-authz-decision-id' ? whole.id : value,
  }))
  return { kind: 'respond', status: gravest.status, headers, body }
}

/**
 * One challenge for all messages: their scopes together, if scopes are all that is missing to any of them. Else none,
 * because the batch would be denied again after the login.
 */
function shareScopes(refused: readonly Refused[]): readonly Refused[] {
  const reasons = new Set(refused.map(({ refusal }) => refusal.failure.reason))
  if (!reasons.has('authorization.scope')) return refused
  const onlyScopes = [...reasons].every(reason => reason === 'authorization.scope' || reason === 'message.batch')
  const all = new Set(refused.flatMap(({ trial }) => trial.missingScopes ?? []))
  const missingScopes = onlyScopes ? [...all].sort() : undefined
  return refused.map(({ trial, refusal }) => ({ trial: { ...trial, missingScopes }, refusal }))
}

/** Bytes of an answer; doors write no more than 64 KiB. */
const maxBody = 60 * 1024

type RespondAnswer = Extract<Answer, { readonly kind: 'respond' }>

/** One answer that lets all messages pass; undefined if they would need different headers, which one request cannot have. */
export function mergeAllowed(whole: Trial, passed: readonly Passed[]): Answer | undefined {
  const set = new Map<string, readonly string[]>()
  const remove = new Set<string>()
  for (const { answer, trial } of passed) {
    if (answer.kind !== 'allow') return undefined
    for (const [name, values] of byName(answer.setHeaders)) {
      const given = values.map(value => (value === trial.id ? whole.id : value))
      const other = set.get(name)
      if (other !== undefined && other.join('\n') !== given.join('\n')) return undefined
      set.set(name, given)
    }
    for (const name of answer.removeHeaders) remove.add(name)
  }
  // What one message sets and another removes depends on the message, too.
  for (const name of set.keys()) if (remove.has(name)) return undefined
  return {
    kind: 'allow',
    setHeaders: [...set].flatMap(([name, values]) => values.map(value => ({ name, value }))),
    removeHeaders: [...remove],
    responseHeaders: responseHeaders(whole, [...new Set(passed.flatMap(({ trial }) => trial.warnings))]),
  }
}

function byName(headers: readonly HeaderValue[]): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, string[]>()
  for (const { name, value } of headers) values.set(name, [...(values.get(name) ?? []), value])
  return values
}
