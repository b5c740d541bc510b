import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inbound, toolsCall } from '../../test/support/inbound.js'
import { catalogs, demo, memorySource, namesAsTokens, person, storeOf, through } from '../../test/support/policies.js'
import type { Enriched } from '../policy/enrichment.js'
import type { InboundRequest } from '../protocol/inbound-request.js'
import { createDecide, type Decided } from './create-decide.js'
import type { Decision, Failure } from './decision.js'
import { recordLine } from './decision-record.js'
import { plainRecordLine } from './plain-record-line.fixture.js'
import type { Trial } from './trial.js'

const alice = person('alice', ['team-a-developers'], { tenant: 'team-a', scopes: ['files:read'] })
const people = {
  alice,
  agent: through(alice, 'sre-agent'),
  chained: {
    ...through(alice, 'sre"agent'),
    actors: [{ subject: 'ä1', issuer: 'i' }],
    chainId: 'c',
    tenant: undefined,
  },
}
const old = memorySource({
  'old.yaml': `
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: old }
spec: { resource: https://old.example.com/mcp, require: [grants], batches: legacy, mode: Audit }
`,
})
const scale = (scale: unknown) =>
  toolsCall('resources_scale', { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'team-a', name: 'web', scale })

/** Decisions of many kinds, as the pipeline makes them. */
async function decided(): Promise<readonly Decided[]> {
  const store = storeOf([catalogs, demo, old], namesAsTokens(people))
  store.load()
  const all: Decided[] = []
  const decide = createDecide({ snapshot: () => store.current, onDecided: one => all.push(one) })
  const requests = [
    { body: scale(3) },
    { body: scale(10) },
    { body: { jsonrpc: '2.0', id: 1, method: 'tools/list' } },
    { body: '{' },
    { method: 'GET', headers: { accept: 'text/event-stream', 'mcp-session-id': 'abc' } },
    { method: 'GET', path: '/.well-known/oauth-protected-resource/mcp' },
    { authority: 'unknown.example.com', body: scale(1) },
    { authority: 'old.example.com', body: [toolsCall('read'), toolsCall('write', { b: [1, null, 'ü'], a: {} }, 2)] },
  ]
  for (const as of ['alice', 'agent', 'chained', 'nobody'])
    for (const options of requests)
      await decide(inbound({ ...options, headers: { authorization: `Bearer ${as}`, ...options.headers } }))
  return all
}

/** Short and long, plain and not: what is written without the engine, and what is not. */
const text = fc.oneof(
  fc.constantFrom(
    '',
    'POST',
    '/mcp',
    'x'.repeat(48),
    'x'.repeat(49),
    `${'x'.repeat(511)}🙂`,
    'a"b',
    'a\\b',
    '\u2028',
    '\ud800',
  ),
  fc.string({
    unit: fc.constantFrom('a', ' ', '/', '"', '\\', '\n', '\u007f', 'ü', '€', '🙂', '\ud800'),
    maxLength: 60,
  }),
  fc.string({ unit: fc.constantFrom('a', '~', '!', ' '), maxLength: 60 }),
)
const failure: fc.Arbitrary<Failure> = fc.tuple(text, text).map(([policy, policyReason]) => ({
  ...{ stage: 'guardrail', reason: 'guardrail.violated', message: 'm', hints: [] },
  ...{ policy, policyReason },
}))
const operation = fc.record({ verb: text, group: text, resource: text, subresource: text, namespace: text, name: text })
const asked = fc
  .tuple(operation, fc.boolean())
  .map(([operation, allowed]) => ({ role: 'user' as const, operation, allowed, reason: '' }))
const some = <T>(one: fc.Arbitrary<T>) =>
  fc.oneof(fc.array(one, { maxLength: 3 }), fc.array(one, { minLength: 64, maxLength: 66 }))
const enriched: fc.Arbitrary<readonly Enriched[]> = fc.array(
  fc.record({
    headers: fc.constant([]),
    resultContext: fc.constant([]),
    record: fc.array(fc.record({ key: fc.constantFrom('a', 'b'), value: text })),
  }),
  { maxLength: 2 },
)

const changes = fc.record({
  request: fc.record({ method: text, authority: text, path: text }),
  peer: fc.record({ principal: text, address: text }),
  listener: fc.record({ name: text }),
  trial: fc.record({
    startedAt: fc.integer({ min: -1e12, max: 4e12 }),
    asked: some(asked),
    policies: some(text),
  }),
  decision: fc.record({ would: some(failure), warnings: fc.array(text, { maxLength: 2 }) }),
  enriched,
  elapsed: fc.double({ min: 0, max: 1e6, noNaN: true }),
})

describe('recordLine', () => {
  it('writes what it wrote when it remembered nothing', async () => {
    const corpus = await decided()
    expect(corpus.length).toBeGreaterThan(32)
    const listener: InboundRequest['listener'] = { name: 'l', door: 'ext-authz', profile: 'envoy', trust: 'none' }
    fc.assert(
      fc.property(fc.constantFrom(...corpus), changes, ({ trial, decision }, changed) => {
        if (trial === undefined) throw new Error('each of them was judged')
        const request: InboundRequest = {
          ...{ ...trial.request, ...changed.request },
          peer: { ...trial.request.peer, ...changed.peer },
          listener: { ...listener, ...changed.listener },
        }
        const other: Trial = { ...trial, ...changed.trial, request }
        const made: Decision = { ...decision, ...changed.decision }
        for (const one of [trial, trial, other, other, trial])
          expect(recordLine(one, made, changed.enriched, changed.elapsed)).toBe(
            plainRecordLine(one, made, changed.enriched, changed.elapsed),
          )
      }),
      { numRuns: 100 },
    )
  })
})
