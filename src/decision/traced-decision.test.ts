import {
  AlwaysOnSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  ParentBasedSampler,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { describe, expect, it } from 'vitest'
import { type InboundOptions, inbound, toolsCall } from '../../test/support/inbound.js'
import { policyDocument } from '../../test/support/judge.js'
import { catalogs, demo, memorySource, namesAsTokens, person, storeOf } from '../../test/support/policies.js'
import type { PolicySource } from '../policy/source.js'
import type { InboundRequest } from '../protocol/inbound-request.js'
import { createDecisionTracer } from '../telemetry/tracing/create-decision-tracer.js'
import { abandon } from './abandoned-requests.js'
import { createDecide } from './create-decide.js'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const sampled = `00-${traceId}-b7ad6b7169203331-01`
const unsampled = `00-${traceId}-b7ad6b7169203331-00`
const alice = person('alice', ['team-a-developers'], { tenant: 'team-a' })

function setUp(sources: readonly PolicySource[]) {
  const store = storeOf([catalogs, ...sources], namesAsTokens({ alice }))
  const report = store.load()
  if (!report.inForce) throw new Error(report.findings.map(finding => finding.message).join('\n'))
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({
    sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  })
  const bugs: unknown[] = []
  const tracer = createDecisionTracer({
    tracer: provider.getTracer('test'),
    parentBased: true,
    onError: error => bugs.push(error),
  })
  const records: Record<string, unknown>[] = []
  const denied: unknown[] = []
  let broken = false
  const decide = createDecide({
    snapshot() {
      if (broken) throw new Error('a bug')
      return store.current
    },
    tracer: () => tracer,
    onDecided: decided => records.push(JSON.parse(decided.record())),
    onBug: (_error, one) => denied.push(one),
  })
  return {
    ...{ records, denied, bugs, decide },
    breakIt: () => {
      broken = true
    },
    async judge(
      options: InboundOptions & { readonly traceparent?: string | undefined },
      before = (_: InboundRequest) => {},
    ) {
      const headers = { authorization: 'Bearer alice', ...options.headers }
      const traceparent = 'traceparent' in options ? options.traceparent : sampled
      const request = { ...inbound({ ...options, headers }), traceparent }
      before(request)
      const decision = await decide(request)
      const spans = exporter.getFinishedSpans()
      exporter.reset()
      return { decision, spans, span: spans[0], stages: spans.slice(1).map(one => one.name.replace('mcp.authz.', '')) }
    },
  }
}

const list = (namespace: string, meta?: object) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'pods_list_in_namespace', arguments: { namespace }, ...(meta && { _meta: meta }) },
})
const scale = toolsCall('resources_scale', {
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'team-a', name: 'web', scale: 50 },
})
const everything = ['framing', 'identity', 'message', 'authorization', 'guardrails', 'upstream']

describe('the span of a decision', () => {
  const world = setUp([demo])
  it.each<[string, InboundOptions, object, readonly string[]]>([
    [
      'an allow',
      { body: list('team-a') },
      { 'mcp_authz.decision': 'allow', 'gen_ai.tool.name': 'pods_list_in_namespace', 'mcp.method.name': 'tools/call' },
      everything,
    ],
    [
      'a denial by RBAC',
      { body: list('team-b') },
      {
        'mcp_authz.decision': 'deny',
        'error.type': 'authorization.rbac',
        'gen_ai.tool.name': 'pods_list_in_namespace',
      },
      everything.slice(0, 4),
    ],
    [
      'a denial by a Guardrail',
      { body: scale },
      { 'error.type': 'guardrail.violated', 'mcp_authz.policy': 'Guardrail/replica-cap' },
      everything.slice(0, 5),
    ],
    [
      'a tool that nobody knows',
      { body: toolsCall('made_up_by_the_caller') },
      { 'error.type': 'authorization.tool_unknown', 'gen_ai.tool.name': '_other' },
      everything.slice(0, 4),
    ],
    [
      'no token',
      { body: list('team-a'), headers: { authorization: 'Bearer nobody' } },
      { 'mcp_authz.reason': expect.stringMatching(/^identity\./) },
      everything.slice(0, 3),
    ],
    ['a broken message', { body: '{"jsonrpc":' }, { 'mcp_authz.reason': 'message.not_json' }, everything.slice(0, 3)],
    ['another path', { body: list('team-a'), path: '/x' }, { 'mcp_authz.reason': 'server.unknown' }, ['framing']],
  ])('tells of %s', async (_name, options, attributes, stages) => {
    const { decision, span, stages: passed } = await world.judge(options)
    expect(span?.attributes).toMatchObject({ 'mcp_authz.decision_id': decision.id, ...attributes })
    expect(passed).toEqual(stages)
    expect(span?.spanContext().traceId).toBe(traceId)
    expect(world.records.at(-1)).toMatchObject({ decision_id: decision.id, trace_id: traceId })
  })

  it('marks the stage that denied', async () => {
    const failed = (spans: readonly ReadableSpan[]) =>
      spans.slice(1).flatMap(one => (one.attributes['error.type'] === undefined ? [] : [one.name]))
    expect(failed((await world.judge({ body: scale })).spans)).toEqual(['mcp.authz.guardrails'])
    const { spans } = await world.judge({ body: list('team-a'), headers: { authorization: 'Bearer nobody' } })
    expect(failed(spans)).toEqual(['mcp.authz.identity'])
  })

  it('is named by the method only when it is one', async () => {
    const { span } = await world.judge({ body: list('team-a') })
    expect(span?.name).toBe('mcp.authz tools/call')
    const other = await world.judge({ body: { jsonrpc: '2.0', id: 1, method: 'made/up' } })
    expect(other.span?.name).toBe('mcp.authz')
    const stream = await world.judge({ method: 'GET', headers: { accept: 'text/event-stream' } })
    expect(stream.span?.name).toBe('mcp.authz GET')
    expect(stream.span?.attributes['mcp.method.name']).toBeUndefined()
  })

  it('is linked to what the message says of its trace', async () => {
    const told = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    const { span } = await world.judge({ body: list('team-a', { traceparent: told, baggage: 'user=secret' }) })
    expect(span?.links.map(({ context }) => context.spanId)).toEqual(['00f067aa0ba902b7'])
    const bad = await world.judge({ body: list('team-a', { traceparent: 'x' }) })
    expect(bad.span?.links).toEqual([])
  })

  it('holds nothing of arguments, tokens, people and baggage', async () => {
    const { spans } = await world.judge({
      body: list('team-a-secret', { baggage: 'user=secret', tracestate: 'a=secret' }),
      headers: { authorization: 'Bearer alice', baggage: 'user=secret', tracestate: 'a=secret' },
    })
    const told = JSON.stringify(spans.map(({ name, attributes, links, status }) => [name, attributes, links, status]))
    expect(told).not.toMatch(/secret|alice|Bearer/)
  })

  it('is not there where the gateway does not record; the record has the trace all the same', async () => {
    const { spans } = await world.judge({ body: list('team-a'), traceparent: unsampled })
    expect(spans).toEqual([])
    expect(world.records.at(-1)).toMatchObject({ trace_id: traceId })
  })

  it('begins a trace where the gateway has none, and the record has it', async () => {
    const { span } = await world.judge({ body: list('team-a'), traceparent: undefined })
    expect(span?.parentSpanContext).toBeUndefined()
    expect(world.records.at(-1)?.trace_id).toBe(span?.spanContext().traceId)
  })

  it('tells that the door had answered already', async () => {
    const count = world.records.length
    const { span } = await world.judge({ body: list('team-a') }, abandon)
    expect(span?.attributes['mcp_authz.abandoned']).toBe(true)
    expect(world.records.length).toBe(count)
  })
})

describe('in Audit', () => {
  it('tells what would have been denied', async () => {
    const server = policyDocument('Server', 'srv', {
      ...{ resource: 'https://srv.example.com/mcp', require: ['grants'], mode: 'Audit' },
    })
    const { judge } = setUp([memorySource({ 's.yaml': server })])
    const { span } = await judge({ authority: 'srv.example.com', body: toolsCall('made_up') })
    expect(span?.attributes).toMatchObject({
      'mcp_authz.decision': 'allow',
      'mcp_authz.mode': 'audit',
      'mcp_authz.would_deny': ['authorization.grant'],
      'gen_ai.tool.name': '_other',
    })
    expect(span?.attributes['error.type']).toBeUndefined()
  })
})

describe('a tool without catalogue', () => {
  const documents = [
    policyDocument('Server', 'srv', { resource: 'https://srv.example.com/mcp', require: ['grants'] }),
    policyDocument('Grant', 'read', {
      match: { servers: ['srv'], tools: ['read_*'], subjects: [{ kind: 'Group', name: 'system:authenticated' }] },
    }),
  ]
  it.each([
    ['is known where rules give it', 'read_file', 'read_file'],
    ['is one that callers made up where they do not', 'write_file', '_other'],
  ])('%s', async (_name, tool, told) => {
    const { judge } = setUp([memorySource(Object.fromEntries(documents.map((text, i) => [`${i}.yaml`, text])))])
    const { span } = await judge({ authority: 'srv.example.com', body: toolsCall(tool) })
    expect(span?.attributes['gen_ai.tool.name']).toBe(told)
  })
})

describe('a batch', () => {
  const server = policyDocument('Server', 'srv', {
    ...{ resource: 'https://srv.example.com/mcp', require: ['grants'], batches: 'legacy' },
  })
  const grant = policyDocument('Grant', 'read', {
    match: { servers: ['srv'], tools: ['read'], subjects: [{ kind: 'Group', name: 'system:authenticated' }] },
  })
  it.each([
    ['allow', 'read', ['allow', 'allow']],
    ['deny', 'write', ['deny', 'deny']],
  ])('has a span for itself and one for each message: %s', async (outcome, second, each) => {
    const { judge, records } = setUp([memorySource({ 's.yaml': server, 'g.yaml': grant })])
    const body = [toolsCall('read', {}, 1), toolsCall(second, {}, 2)]
    const { decision, spans } = await judge({ authority: 'srv.example.com', body })
    const whole = spans.find(one => one.name === 'mcp.authz batch')
    expect(whole?.attributes).toMatchObject({
      'mcp_authz.decision': outcome,
      'mcp_authz.decision_id': decision.id,
      'mcp_authz.batch_size': 2,
    })
    const messages = spans.filter(one => one.name === 'mcp.authz tools/call')
    expect(messages.map(one => one.attributes['mcp_authz.decision'])).toEqual(each)
    expect(messages.map(one => one.parentSpanContext?.spanId)).toEqual(Array(2).fill(whole?.spanContext().spanId))
    expect(records.map(record => record.decision_id)).toEqual(
      messages.map(one => one.attributes['mcp_authz.decision_id']),
    )
  })
})

describe('a bug', () => {
  it('leaves a span that is an error, and its trace in record and log', async () => {
    const { judge, breakIt, records, denied } = setUp([demo])
    breakIt()
    const { decision, span } = await judge({ body: list('team-a') })
    expect(span?.attributes).toMatchObject({ 'error.type': 'internal.error', 'mcp_authz.decision_id': decision.id })
    expect(span?.status.code).toBe(2)
    expect(records.at(-1)).toMatchObject({ decision_id: decision.id, trace_id: traceId })
    expect(denied).toEqual([{ decisionId: decision.id, traceId }])
  })
})
