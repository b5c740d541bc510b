import { describe, expect, it } from 'vitest'
import { type InboundOptions, inbound, toolsCall } from '../../test/support/inbound.js'
import { policyDocument } from '../../test/support/judge.js'
import { memorySource, namesAsTokens, person, storeOf } from '../../test/support/policies.js'
import type { DecisionTracer } from '../telemetry/tracing/decision-tracer.js'
import { createDecide, type DecideOptions } from './create-decide.js'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const sampled = `00-${traceId}-b7ad6b7169203331-01`
const unsampled = `00-${traceId}-b7ad6b7169203331-00`
const ownTrace = '4bf92f3577b34da6a3ce929d0e0e4736'

/** Records everything, in a trace of its own. */
const recording: DecisionTracer = {
  start() {
    const span = { traceId: ownTrace, stage: () => undefined, member: () => span, end: () => undefined }
    return span
  },
}

/** A member of a member; `/` and `.` in the last name are its own. */
function at(body: unknown, place: string): object {
  const [, outer = '', middle = '', inner] = /^(\w+)\.(\w+)(?:\.(.+))?$/.exec(place) ?? []
  let found = body
  for (const name of [outer, middle, ...(inner === undefined ? [] : [inner])])
    found = typeof found === 'object' && found !== null ? Reflect.get(found, name) : undefined
  if (typeof found !== 'object' || found === null) throw new Error(`nothing at ${place}`)
  return found
}

/** A Server that gives nothing to anybody. */
function decideWith(spec: object, options: Partial<DecideOptions> = {}) {
  const server = policyDocument('Server', 'srv', {
    ...{ resource: 'https://srv.example.com/mcp', require: ['grants'], batches: 'legacy' },
    ...spec,
  })
  const store = storeOf([memorySource({ 's.yaml': server })], namesAsTokens({ alice: person('alice') }))
  if (!store.load().inForce) throw new Error('the policies do not compile')
  const decide = createDecide({ snapshot: () => store.current, ...options })
  return (asked: InboundOptions, traceparent: string | undefined) => {
    const headers = { authorization: 'Bearer alice', ...asked.headers }
    const decision = decide({ ...inbound({ authority: 'srv.example.com', ...asked, headers }), traceparent })
    if (decision instanceof Promise || decision.answer.kind !== 'respond') throw new Error('not denied at once')
    return { decision, body: decision.answer.body }
  }
}

const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' }
const denials: readonly (readonly [string, object, InboundOptions, string])[] = [
  ['a tool result', {}, { body: toolsCall('x') }, 'result._meta.mcp-authz.dev/decision'],
  ['a JSON-RPC error', { denial: 'jsonrpcError' }, { body: toolsCall('x') }, 'error.data'],
  ['an error with HTTP 403', { denial: 'http403' }, { body: toolsCall('x') }, 'error.data'],
  ['a login', {}, { body: list, headers: { authorization: 'Bearer nobody' } }, 'error.data'],
  ['a broken message', {}, { body: '{' }, 'error.data'],
  ['a path that is not there', {}, { body: list, path: '/x' }, 'error.data'],
]

describe('a denial tells of its trace in', () => {
  it.each(denials)('%s, if somebody records it', (_name, spec, asked, place) => {
    const judge = decideWith(spec)
    const { decision, body } = judge(asked, sampled)
    expect(decision.traceId).toBe(traceId)
    expect(Object.keys(at(JSON.parse(body), place)).slice(-2)).toEqual(['decisionId', 'traceId'])
    // Beside the decision id, and nowhere else.
    expect(body.split(`"decisionId":"${decision.id}","traceId":"${traceId}"`)).toHaveLength(2)
    expect(body.split(traceId)).toHaveLength(2)
    for (const traceparent of [unsampled, undefined]) {
      const untold = judge(asked, traceparent)
      expect(untold.decision.traceId).toBeUndefined()
      expect(untold.body).not.toContain('traceId')
      expect(untold.body).not.toContain(traceId)
    }
  })

  it.each(denials)('%s, if we record it ourselves', (_name, spec, asked) => {
    const judge = decideWith(spec, { tracer: () => recording })
    for (const traceparent of [sampled, unsampled, undefined])
      expect(judge(asked, traceparent).body).toContain(`"traceId":"${ownTrace}"`)
  })

  it('every answer of a batch', () => {
    const { body } = decideWith({})({ body: [toolsCall('x', {}, 1), toolsCall('y', {}, 2)] }, sampled)
    expect(body.split(`"traceId":"${traceId}"`)).toHaveLength(3)
  })

  it('those of our own failures', () => {
    const broken = decideWith({}, { snapshot: () => JSON.parse('{') })
    const { decision, body } = broken({ body: list }, sampled)
    expect(JSON.parse(body)).toMatchObject({ error: { data: { decisionId: decision.id, traceId } } })
    const unloaded = decideWith({}, { snapshot: () => undefined })({ body: list }, sampled)
    expect(JSON.parse(unloaded.body).error.data).toMatchObject({ reason: 'policy.not_loaded', traceId })
    expect(unloaded.decision.traceId).toBe(traceId)
  })
})

it('a hidden denial tells of no trace', () => {
  for (const tracer of [undefined, recording]) {
    const { decision, body } = decideWith({ denial: 'hide' }, { tracer: () => tracer })(
      { body: toolsCall('x') },
      sampled,
    )
    expect(JSON.stringify(decision.answer)).not.toMatch(/traceId|0af7651916|4bf92f3577/)
    expect(JSON.parse(body)).toEqual({ jsonrpc: '2.0', id: 1, error: { code: -32602, message: 'Tool x not found' } })
  }
})
