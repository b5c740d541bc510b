import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inbound, toolsCall } from '../test/support/inbound.js'
import { catalogs, demo, memorySource, namesAsTokens, storeOf } from '../test/support/policies.js'
import { createShadow } from './create-shadow.js'
import { createDecide, type Decided } from './decision/create-decide.js'
import { writeCheckResponse } from './doors/ext-authz/write-check-response.js'
import { absent, cap, guardrail, people, settled } from './shadow/shadow.fixture.js'
import { createLogging } from './telemetry/logger.js'

/** What may stand in the shadow, from the harmless to the malicious. */
const shadows: readonly Readonly<Record<string, string>>[] = [
  {},
  { 'x.yaml': cap(1) },
  {
    'x.yaml': guardrail(
      'nothing',
      '  match: { methods: ["*"] }\n  validations: [{ expression: "false", message: no }]',
    ),
  },
  { 'x.yaml': absent('Guardrail', 'replica-cap'), 'y.yaml': absent('Server', 'kubernetes') },
  { 'x.yaml': 'kind: [', 'y.yaml': guardrail('broken', '  nonsense: 1') },
  {
    'x.yaml': guardrail(
      'costly',
      '  match: { servers: [kubernetes] }\n  validations: [{ expression: "[1,2,3,4,5,6,7,8].all(a, [1,2,3,4,5,6,7,8].all(b, [1,2,3,4,5,6,7,8].all(c, a * b * c > 0)))", message: no }]',
    ),
  },
]

const text = fc.oneof(
  fc.constantFrom('team-a', 'team-b', 'web', 'apps/v1', 'Deployment', ''),
  fc.string({ maxLength: 12 }),
)
const args = fc.dictionary(
  fc.constantFrom('namespace', 'name', 'apiVersion', 'kind', 'scale', 'image', 'resource', 'x'),
  fc.oneof(text, fc.integer({ min: -1, max: 12 }), fc.constant(null), fc.array(text, { maxLength: 2 })),
)
const call = fc
  .tuple(
    fc.constantFrom('pods_list_in_namespace', 'resources_scale', 'pods_delete', 'pods_run', 'configuration_view', 'x'),
    fc.oneof(
      args,
      fc.record({
        apiVersion: fc.constant('apps/v1'),
        kind: fc.constant('Deployment'),
        namespace: fc.constant('team-a'),
        name: fc.constant('web'),
        scale: fc.integer({ min: 0, max: 12 }),
      }),
    ),
    fc.integer({ min: 1, max: 99 }),
  )
  .map(([tool, given, id]) => toolsCall(tool, given, id))
const body = fc.oneof(
  { weight: 6, arbitrary: call },
  { weight: 1, arbitrary: fc.array(call, { minLength: 1, maxLength: 3 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('tools/list', 'ping', 'initialize').map(method => ({ jsonrpc: '2.0', id: 1, method })),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 40 }) },
)
const request = fc.record({
  as: fc.constantFrom('alice', 'bob', 'alice-via-agent', 'mallory'),
  body,
  authority: fc.constantFrom('mcp.example.com', 'mcp.example.com', 'mcp.example.com', 'other.example.com'),
  method: fc.constantFrom('POST', 'POST', 'POST', 'GET', 'DELETE', 'OPTIONS'),
})

/** Ids are random, and times pass; everything else of an answer and of a record is the same or it is not. */
const comparable = (bytes: string) =>
  bytes
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g, 'ID')
    .replace(/"elapsed_us":\d+/g, 'TIME')

function service(files: Readonly<Record<string, string>> | undefined, batches: boolean) {
  const sources = batches
    ? [
        memorySource(
          Object.fromEntries(
            demo
              .read()
              .files.map(one => [one.name, one.text.replace('mode: Enforce', 'mode: Enforce\n  batches: legacy')]),
          ),
        ),
      ]
    : [demo]
  const store = storeOf([catalogs, ...sources], namesAsTokens(people))
  store.load()
  const results: string[] = []
  const shadow =
    files &&
    createShadow({
      config: { shadow: { sources: [], sample: 1 } },
      logging: createLogging('silent'),
      metrics: {
        shadow: { compared: (_, result) => results.push(result), dropped: () => undefined, loaded: () => undefined },
      },
      ...{ store, compile: {}, sources: [memorySource(files)] },
      assemble: { clusters: ['local'], authenticator: () => ({ value: undefined, findings: [] }) },
      onDifference: () => undefined,
    })
  shadow?.start()
  const records: string[] = []
  const onDecided = (decided: Decided) => {
    shadow?.decided(decided)
    records.push(decided.record())
  }
  const decide = createDecide({ snapshot: () => store.current, now: () => 1_770_000_000_000, onDecided })
  return { decide, records, results, stop: () => shadow?.stop() }
}

describe('with policies in the shadow', () => {
  it.each(
    [...shadows.keys()].flatMap(index => [
      { index, batches: false },
      // Those that deny, so that messages which pass stand beside others which do not.
      ...(index === 1 || index === 3 ? [{ index, batches: true }] : []),
    ]),
  )(
    'every answer is the same, byte for byte, and so is every record: shadow $index, batches $batches',
    async ({ index, batches }) => {
      const [without, beside] = [service(undefined, batches), service(shadows[index], batches)]
      await fc.assert(
        fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 6 }), async requests => {
          for (const { as, ...one } of requests) {
            const inboundOf = () => inbound({ ...one, headers: { authorization: `Bearer ${as}` } })
            const answers = []
            for (const { decide } of [without, beside]) {
              const written = writeCheckResponse(await decide(inboundOf()))
              answers.push(written.ok ? Buffer.from(written.bytes).toString('latin1') : written.detail)
            }
            expect(comparable(answers[1] ?? '')).toBe(comparable(answers[0] ?? ''))
          }
          // What the shadow does in between must not be seen by what comes next.
          await settled(3)
          expect(beside.records.splice(0).map(comparable)).toEqual(without.records.splice(0).map(comparable))
        }),
        { numRuns: 20 },
      )
      for (let turn = 0; turn < 200 && beside.results.length === 0; turn++) await settled()
      expect(beside.results.length).toBeGreaterThan(0)
      beside.stop()
    },
  )
})
