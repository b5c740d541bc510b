import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { type InboundOptions, inbound, toolsCall } from '../../test/support/inbound.js'
import { catalogs, demo, memorySource, namesAsTokens, person, storeOf, through } from '../../test/support/policies.js'
import { anyRecordSchema, decisionLogJsonSchema } from '../telemetry/decision-log-schema.js'
import { LogChain, lostRecord, startRecord } from '../telemetry/log-chain.js'
import { readRecord } from '../telemetry/read-records.js'
import { createDecide } from './create-decide.js'
import { emergencyLine } from './decision-record.js'
import { emergencyDecision, unreadLine } from './emergency-decision.js'
import { createArgumentRecorder } from './record-arguments.js'
import { resultLine } from './result-record.js'

const many = Array.from({ length: 100 }, (_, i) => `g${i}`)
const alice = person('alice', ['team-a-developers'], { tenant: 'team-a' })
const people = {
  alice,
  'alice-via-agent': through(alice, 'sre-agent'),
  chained: { ...through(alice, 'sre-agent'), actors: [{ subject: 'a1', issuer: 'i' }], chainId: 'c' },
  member: person('mo', many, { scopes: many }),
  scoped: person('carol', [], { scopes: ['files:read'] }),
}
const legacy = memorySource({
  'more.yaml': `
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: old }
spec: { resource: https://old.example.com/mcp, require: [grants], batches: legacy, mode: Audit }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Grant
metadata: { name: some }
spec:
  match: { servers: [old], tools: [read], subjects: [{ kind: User, name: alice }] }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Enrichment
metadata: { name: of-team }
spec:
  match: { servers: [kubernetes] }
  record: [{ key: team, valueExpression: "tenant" }]
`,
})

const scale = (scale: unknown) =>
  toolsCall('resources_scale', { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'team-a', name: 'web', scale })
const modern = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'subscriptions/listen' }
const subscribe = {
  jsonrpc: '2.0',
  id: 'ü"',
  method: 'subscriptions/listen',
  params: {
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'c', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    },
    notifications: { resourceSubscriptions: many.map(one => `file:///${one}`) },
  },
}

/** Requests of many kinds, by who asks. */
const requests: readonly (readonly [string | undefined, InboundOptions])[] = [
  [undefined, { body: scale(1) }],
  ['nobody', { body: scale(1) }],
  ['chained', { body: scale(1) }],
  ['alice', { body: scale(3) }],
  ['alice', { body: scale(10) }],
  ['alice-via-agent', { body: scale(10), workload: 'spiffe://acme.com/ns/a/sa/b' }],
  ['alice-via-agent', { body: toolsCall('pods_delete', { namespace: 'team-a', name: 'x' }, 'text "id"') }],
  ['member', { body: toolsCall('pods_list', {}, 12345678901234) }],
  ['alice', { body: toolsCall('invented\u2028 tool "x"', { a: 'sk-secret' }) }],
  ['alice', { body: { jsonrpc: '2.0', id: 1, method: 'tools/list' } }],
  ['alice', { body: { jsonrpc: '2.0', method: 'notifications/initialized' } }],
  ['alice', { body: { jsonrpc: '2.0', id: 2, method: 'prompts/get', params: { name: 'p', arguments: { x: 'y' } } } }],
  ['alice', { body: subscribe, headers: modern }],
  ['alice', { body: '{' }],
  ['alice', { body: '\ud800' }],
  ['alice', { method: 'GET', headers: { accept: 'text/event-stream', 'mcp-session-id': 'abc' } }],
  ['alice', { method: 'DELETE', headers: { 'mcp-session-id': 'abc' } }],
  ['alice', { method: 'PATCH' }],
  ['alice', { authority: 'unknown.example.com', body: scale(1) }],
  ['alice', { path: '/../mcp', body: scale(1) }],
  [undefined, { method: 'GET', path: '/.well-known/oauth-protected-resource/mcp' }],
  ['alice', { authority: 'old.example.com', body: [toolsCall('read'), toolsCall('write', { a: 1 }, 2)] }],
  ['scoped', { authority: 'old.example.com', body: toolsCall('write') }],
  ['scoped', { authority: 'old.example.com', body: toolsCall('write', { namespace: 'a', key: 'is sk-secret' }) }],
  [undefined, { authority: 'old.example.com', body: toolsCall('write') }],
]

const patterns = ['sk-[a-z]+']
const recordings = {
  none: createArgumentRecorder({ mode: 'none', paths: [], patterns: [], maxBytes: 4096 }),
  paths: createArgumentRecorder({ mode: 'paths', paths: [[{ name: 'namespace' }]], patterns, maxBytes: 4096 }),
  all: createArgumentRecorder({ mode: 'all', paths: [], patterns, maxBytes: 256 }),
}

function corpus(recordArguments: (typeof recordings)[keyof typeof recordings]): readonly string[] {
  const store = storeOf([catalogs, demo, legacy], namesAsTokens(people))
  const report = store.load()
  if (!report.inForce) throw new Error(report.findings.map(finding => finding.message).join('\n'))
  const lines: string[] = []
  const decide = createDecide({
    snapshot: () => store.current,
    recordArguments,
    onDecided: decided => lines.push(decided.record()),
  })
  for (const [as, options] of requests) {
    const headers = { ...(as !== undefined && { authorization: `Bearer ${as}` }), ...options.headers }
    const request = { ...inbound({ ...options, headers }), traceparent: `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01` }
    void decide(request)
  }
  return lines
}

const failure = { stage: 'guardrail', reason: 'guardrail.violated', message: 'm', hints: [] } as const
const rule = { ...failure, policy: 'Guardrail/no-secrets', policyReason: 'Secret' }
const otherLines = (): readonly string[] => {
  const decision = emergencyDecision('internal.error', 'm')
  const [listener, request] = [inbound().listener, inbound()]
  const guarded = { decisionId: decision.id, request, server: 's', principal: people['alice-via-agent'] }
  const judged = { decisionId: decision.id, method: 'tools/call', tool: 't', paged: false, texts: [] }
  const nothing = { failures: [], would: [], warnings: [], redactions: [] }
  const redactions = [{ policy: 'Guardrail/no-secrets', count: 2 }]
  return [
    emergencyLine({ request, decision, now: 0 }),
    emergencyLine({ request, decision, now: 0, server: 's', traceId: 'ab'.repeat(16) }),
    unreadLine({ listener, decision, now: 0 }),
    resultLine({ ...guarded, judged, notes: { ...nothing, failures: [rule], would: [rule] } }, 0),
    resultLine({ ...guarded, judged: undefined, notes: { ...nothing, redactions, warnings: ['w'] } }, 0),
    startRecord(0, { torn: false }),
    startRecord(0, { torn: true, follows: 'ab'.repeat(32) }),
    lostRecord(0, 3, true),
  ]
}

/** What this program writes, and the schema tells of, has no member that the schema does not know. */
const strict = z.fromJSONSchema(closed(decisionLogJsonSchema()))

describe('records', () => {
  const written = (Object.keys(recordings) as (keyof typeof recordings)[]).flatMap(mode =>
    corpus(recordings[mode]).map((line, i) => [`${mode} ${i}`, line] as const),
  )
  const chain = new LogChain({ key: Buffer.alloc(32) })
  const sealed = written.slice(0, 5).map(([name, line]) => [`sealed ${name}`, chain.seal(line)] as const)
  const others = otherLines().map((line, i) => [`other ${i}`, line] as const)

  it('are many', () => {
    expect(written.length).toBeGreaterThanOrEqual(3 * requests.length)
    const has = (text: string) => written.some(([, line]) => line.includes(text))
    for (const text of [
      '"batch":',
      '"also_total":',
      '"groups_total":101',
      '"scopes_total":100',
      '"would_deny":',
      '"enrichment":',
      '"decision":"respond"',
      '"erased":',
      '"masked":',
      '"kind":"stream"',
      '"workload":',
      '"actors":',
      '"trace_id":',
    ])
      expect([text, has(text)]).toEqual([text, true])
  })

  it.each([...written, ...sealed, ...others])('%s is one line by the schema, and nothing beside it', (_name, line) => {
    expect(line).not.toContain('\n')
    const value: unknown = JSON.parse(line)
    expect(anyRecordSchema.parse(value)).toEqual(value)
    expect(strict.safeParse(value)).toMatchObject({ success: true })
    const { record, other, problem } = readRecord(Buffer.from(line))
    expect(problem).toBeUndefined()
    expect(record ?? other).toBeDefined()
  })

  it('hold no argument unless they are to, and a digest of them always', () => {
    for (const line of corpus(recordings.none)) {
      const value = JSON.parse(line)
      expect(line).not.toContain('sk-secret')
      expect(line).not.toContain('"arguments"')
      if (value.mcp?.method === 'tools/call') expect(value.args_digest).toMatch(/^sha256:[0-9a-f]{64}$/)
    }
    expect(corpus(recordings.all).join('\n')).not.toContain('sk-secret')
  })
})

describe('the schema', () => {
  it('is shipped as it is', () => {
    const file = readFileSync('docs/decision-log.schema.json', 'utf8')
    expect(file).toBe(`${JSON.stringify(decisionLogJsonSchema(), undefined, 2)}\n`)
  })

  it('says what every member is, and lets others be added', () => {
    expect(JSON.stringify(decisionLogJsonSchema())).not.toContain('"additionalProperties":false')
  })
})

function closed(schema: unknown): Record<string, unknown> {
  const close = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(close)
    if (typeof node !== 'object' || node === null) return node
    const entries = Object.entries(node).map(([key, value]) => [key, close(value)])
    const open = 'properties' in node && !('additionalProperties' in node)
    return Object.fromEntries(open ? [...entries, ['additionalProperties', false]] : entries)
  }
  return { ...(close(schema) as object) }
}

it.each([
  ['the path', { path: `/mcp?${'x'.repeat(506)}\u{1f600}` }],
  ['the host', { authority: `${'x'.repeat(511)}\u{1f600}` }],
  ['the HTTP method', { method: `${'X'.repeat(511)}\u{1f600}` }],
])('can be read although %s is cut within a character', async (_, where: InboundOptions) => {
  const lines: string[] = []
  const decide = createDecide({
    snapshot: () => storeOf([catalogs, demo], namesAsTokens(people)).current,
    onDecided: ({ record }) => void lines.push(record()),
  })
  expect((await decide(inbound({ body: scale(1), ...where }))).outcome).toBe('deny')
  expect(lines.map(line => readRecord(Buffer.from(line)).problem)).toEqual([undefined])
})
