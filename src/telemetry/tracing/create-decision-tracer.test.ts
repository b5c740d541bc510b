import { SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  ParentBasedSampler,
  type Sampler,
  SimpleSpanProcessor,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base'
import { describe, expect, it } from 'vitest'
import { createDecisionTracer } from './create-decision-tracer.js'
import type { DecisionFacts } from './decision-tracer.js'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const spanId = 'b7ad6b7169203331'
const sampled = `00-${traceId}-${spanId}-01`
const unsampled = `00-${traceId}-${spanId}-00`
const linked = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

const allowed: DecisionFacts = {
  ...{ decisionId: 'd1', outcome: 'allow', reason: undefined, policy: '', broken: false, failedStage: undefined },
  ...{ server: 'kubernetes', mode: 'enforce', policyRevision: 'r1', door: 'ext-authz', wouldDeny: [] },
  ...{ method: 'tools/call', mcp: true, tool: 'pods_list', prompt: undefined, protocolVersion: '2025-11-25' },
  ...{ messageTraceparent: undefined, batchSize: undefined, abandoned: false },
}

function setUp(sampler: Sampler = new ParentBasedSampler({ root: new AlwaysOnSampler() }), parentBased = true) {
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({ sampler, spanProcessors: [new SimpleSpanProcessor(exporter)] })
  const errors: unknown[] = []
  const onError = (error: unknown) => errors.push(error)
  const tracer = createDecisionTracer({ tracer: provider.getTracer('test'), parentBased, onError })
  return { tracer, errors, spans: () => exporter.getFinishedSpans() }
}

/** Of the one decision that ends as it says. */
function trace(traceparent: string | undefined, facts: Partial<DecisionFacts> = {}) {
  const { tracer, spans } = setUp()
  tracer.start(traceparent)?.end({ ...allowed, ...facts })
  return spans()
}

describe('the span of a decision', () => {
  it('is a child of the span that asks', () => {
    const [span] = trace(sampled)
    expect(span?.spanContext().traceId).toBe(traceId)
    expect(span?.parentSpanContext).toMatchObject({ traceId, spanId, isRemote: true })
    expect(span?.kind).toBe(SpanKind.SERVER)
  })

  it.each([
    ['there is no parent', undefined],
    ['the parent is not valid', '00-xyz'],
    ['the parent has a trace id of zeros', `00-${'0'.repeat(32)}-${spanId}-01`],
  ])('begins a trace where %s', (_name, traceparent) => {
    const [span, ...others] = trace(traceparent)
    expect(others).toEqual([])
    expect(span?.parentSpanContext).toBeUndefined()
    expect(span?.spanContext().traceId).toMatch(/^(?!0{32})[0-9a-f]{32}$/)
  })

  it.each([
    ['a parent that is not recorded', unsampled, new ParentBasedSampler({ root: new AlwaysOnSampler() }), true, false],
    ['a recorded parent, roots off', sampled, new ParentBasedSampler({ root: new AlwaysOffSampler() }), true, true],
    ['no parent, roots off', undefined, new ParentBasedSampler({ root: new AlwaysOffSampler() }), true, false],
    ['a parent that is not recorded, always on', unsampled, new AlwaysOnSampler(), false, true],
    ['a recorded parent, always off', sampled, new AlwaysOffSampler(), false, false],
    ['no parent, a ratio of nothing', undefined, new TraceIdRatioBasedSampler(0), false, false],
  ])('with %s', (_name, traceparent, sampler, parentBased, recorded) => {
    const span = setUp(sampler, parentBased).tracer.start(traceparent)
    expect(span !== undefined).toBe(recorded)
  })

  it('knows its trace before it ends', () => {
    expect(setUp().tracer.start(sampled)?.traceId).toBe(traceId)
  })

  it('tells of an allow', () => {
    const [span] = trace(sampled)
    expect(span?.name).toBe('mcp.authz tools/call')
    expect(span?.status.code).toBe(SpanStatusCode.UNSET)
    expect(span?.attributes).toEqual({
      'mcp_authz.decision': 'allow',
      'mcp_authz.decision_id': 'd1',
      'mcp_authz.mode': 'enforce',
      'mcp_authz.door': 'ext-authz',
      'mcp_authz.server': 'kubernetes',
      'mcp_authz.policy_revision': 'r1',
      'mcp.method.name': 'tools/call',
      'mcp.protocol.version': '2025-11-25',
      'gen_ai.tool.name': 'pods_list',
    })
  })

  it('tells of a denial, which is no error', () => {
    const [span] = trace(sampled, { outcome: 'deny', reason: 'guardrail.violated', policy: 'Guardrail/cap' })
    expect(span?.attributes).toMatchObject({
      'mcp_authz.decision': 'deny',
      'mcp_authz.reason': 'guardrail.violated',
      'error.type': 'guardrail.violated',
      'mcp_authz.policy': 'Guardrail/cap',
    })
    expect(span?.status.code).toBe(SpanStatusCode.UNSET)
  })

  it('is an error where we, or what we depend on, broke', () => {
    const [span] = trace(sampled, { outcome: 'deny', reason: 'dependency.timeout', broken: true })
    expect(span?.status).toEqual({ code: SpanStatusCode.ERROR })
  })

  it('tells what Audit would have denied, and that nobody waited', () => {
    const [span] = trace(sampled, { mode: 'audit', wouldDeny: ['guardrail.violated'], abandoned: true })
    expect(span?.attributes).toMatchObject({
      'mcp_authz.mode': 'audit',
      'mcp_authz.would_deny': ['guardrail.violated'],
      'mcp_authz.abandoned': true,
    })
  })

  it.each<[string, Partial<DecisionFacts>, string]>([
    ['no message', { method: undefined, mcp: false }, 'mcp.authz'],
    ['a stream', { method: 'GET', mcp: false }, 'mcp.authz GET'],
    ['a batch', { method: undefined, batchSize: 3 }, 'mcp.authz batch'],
  ])('of %s has a name of its own', (_name, facts, name) => {
    const [span] = trace(sampled, facts)
    expect(span?.name).toBe(name)
    expect(span?.attributes['mcp_authz.batch_size']).toBe(facts.batchSize)
    expect(span?.attributes['mcp.method.name']).toBeUndefined()
  })

  it('cuts texts', () => {
    const [span] = trace(sampled, { method: 'm'.repeat(10_000), tool: 't'.repeat(10_000) })
    expect(span?.name.length).toBeLessThan(300)
    expect(String(span?.attributes['gen_ai.tool.name']).length).toBe(256)
  })

  it('is linked to what the message says of its trace', () => {
    const [span] = trace(sampled, { messageTraceparent: linked })
    expect(span?.links).toEqual([
      {
        context: {
          ...{ traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' },
          ...{ traceFlags: 1, isRemote: true },
        },
        attributes: { 'mcp_authz.link': 'params._meta.traceparent' },
      },
    ])
    expect(span?.parentSpanContext?.spanId).toBe(spanId)
  })

  it.each([['00-xyz'], [7n], [null], [undefined], [new Map()], [`${linked},${linked}`]])(
    'is not linked to %s',
    messageTraceparent => expect(trace(sampled, { messageTraceparent })[0]?.links).toEqual([]),
  )
})

describe('the spans of stages', () => {
  it('follow each other inside the decision', () => {
    const { tracer, spans } = setUp()
    const span = tracer.start(sampled)
    span?.stage('framing')
    span?.stage('identity')
    span?.stage('message')
    span?.end({ ...allowed, outcome: 'deny', reason: 'identity.expired', failedStage: 'identity' })
    const [decision, ...stages] = spans()
    expect(stages.map(one => one.name)).toEqual(['mcp.authz.framing', 'mcp.authz.identity', 'mcp.authz.message'])
    expect(stages.map(one => one.attributes)).toEqual([{}, { 'error.type': 'identity.expired' }, {}])
    const times = stages.flatMap(one => [one.startTime, one.endTime])
    const all = [decision?.startTime, ...times, decision?.endTime].map(
      time => BigInt(time?.[0] ?? 0) * 10n ** 9n + BigInt(time?.[1] ?? 0),
    )
    expect(all).toEqual([...all].sort((a, b) => (a < b ? -1 : 1)))
    for (const one of stages) {
      expect(one.parentSpanContext?.spanId).toBe(decision?.spanContext().spanId)
      expect(one.kind).toBe(SpanKind.INTERNAL)
    }
  })

  it('show where it broke where no stage says so', () => {
    const { tracer, spans } = setUp()
    const span = tracer.start(sampled)
    span?.stage('framing')
    span?.stage('authorization')
    span?.end({ ...allowed, outcome: 'deny', reason: 'dependency.timeout', broken: true })
    expect(spans().map(one => one.attributes['error.type'])).toEqual([
      'dependency.timeout',
      undefined,
      'dependency.timeout',
    ])
  })

  it('of the messages of a batch stand below them', () => {
    const { tracer, spans } = setUp()
    const batch = tracer.start(sampled)
    for (const decisionId of ['m1', 'm2']) {
      const message = batch?.member()
      expect(message?.traceId).toBe(traceId)
      message?.stage('message')
      message?.end({ ...allowed, decisionId })
    }
    batch?.end({ ...allowed, decisionId: 'b', batchSize: 2 })
    const whole = spans().find(one => one.attributes['mcp_authz.decision_id'] === 'b')
    const messages = spans().filter(one => one.name === 'mcp.authz tools/call')
    expect(messages.map(one => one.parentSpanContext?.spanId)).toEqual(Array(2).fill(whole?.spanContext().spanId))
    expect(messages.map(one => one.kind)).toEqual([SpanKind.INTERNAL, SpanKind.INTERNAL])
  })
})

describe('a tracer that fails', () => {
  const failing: Tracer = {
    startSpan: () => {
      throw new Error('no')
    },
    startActiveSpan: () => {
      throw new Error('no')
    },
  }

  it('costs a span and no decision', () => {
    const errors: unknown[] = []
    const tracer = createDecisionTracer({ tracer: failing, parentBased: true, onError: error => errors.push(error) })
    expect(tracer.start(sampled)).toBeUndefined()
    expect(errors.length).toBe(1)
  })
})
