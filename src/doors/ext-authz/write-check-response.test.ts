import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { envoy } from '../../../gen/wire.js'
import { inbound, toolsCall } from '../../../test/support/inbound.js'
import { memorySource, namesAsTokens, person, storeOf } from '../../../test/support/policies.js'
import { createDecide } from '../../decision/create-decide.js'
import type { Answer, Decision, HeaderValue, MetadataValue } from '../../decision/decision.js'
import { emergencyDecision } from '../../decision/emergency-decision.js'
import { headerBudget } from '../../protocol/header-budget.js'
import { headerLimits } from './header-rules.js'
import { writeCheckResponse } from './write-check-response.js'

const { CheckResponse } = envoy.service.auth.v3

type Allow = Answer & { kind: 'allow' }
type Respond = Answer & { kind: 'respond' }

const allow = (more: Partial<Allow> = {}): Decision => ({
  ...base,
  outcome: 'allow',
  answer: { kind: 'allow', setHeaders: [], removeHeaders: [], responseHeaders: [], ...more },
})
const deny = (more: Partial<Respond> = {}): Decision => ({
  ...base,
  outcome: 'deny',
  answer: { kind: 'respond', status: 403, headers: [], body: '', ...more },
})
const base = {
  id: 'd',
  failure: undefined,
  would: [],
  warnings: [],
  metadata: new Map<string, MetadataValue>(),
} satisfies Omit<Decision, 'outcome' | 'answer'>

function written(decision: Decision) {
  const result = writeCheckResponse(decision)
  if (!result.ok) throw new Error(result.detail)
  return CheckResponse.toObject(CheckResponse.decode(result.bytes))
}

const overwritten = (key: string, value: string) => ({
  header: { key, value },
  append: { value: false },
  appendAction: 2,
})

describe('an allow', () => {
  it('says so, and overwrites', () => {
    const decision = allow({
      setHeaders: [{ name: 'x-mcp-authz-user', value: 'bob' }],
      removeHeaders: ['authorization', 'x_odd'],
      responseHeaders: [{ name: 'x-mcp-authz-decision-id', value: 'd' }],
    })
    expect(written(decision)).toEqual({
      status: { code: 0 },
      okResponse: {
        headers: [overwritten('x-mcp-authz-user', 'bob')],
        headersToRemove: ['authorization', 'x_odd'],
        responseHeadersToAdd: [overwritten('x-mcp-authz-decision-id', 'd')],
      },
      dynamicMetadata: {},
    })
  })

  it('has code 0, ok_response and append=false on the wire', () => {
    const result = writeCheckResponse(allow({ setHeaders: [{ name: 'a', value: 'b' }] }))
    expect(result.ok && Buffer.from(result.bytes).toString('hex')).toBe(
      '0a020800' + '1a10' + '120e' + '0a06' + '0a0161' + '120162' + '1202' + '0800' + '1802' + '2200',
    )
  })
})

describe('a denial', () => {
  const statuses: [number, number][] = [
    [200, 7],
    [202, 7],
    [204, 7],
    [400, 7],
    [401, 16],
    [403, 7],
    [503, 7],
    [599, 7],
  ]
  it.each(statuses)('HTTP %i has code %i', (status, code) => {
    expect(written(deny({ status }))).toMatchObject({ status: { code }, deniedResponse: { status: { code: status } } })
  })

  it.each([[0], [100], [101], [199], [201], [204.5], [301], [302], [399], [600], [999], [-1], [Number.NaN]])(
    'HTTP %d is refused',
    status => expect(writeCheckResponse(deny({ status })).ok).toBe(false),
  )

  it('keeps body, content type and several challenges', () => {
    const headers = [
      { name: 'content-type', value: 'application/json' },
      { name: 'www-authenticate', value: 'Bearer a="b"' },
      { name: 'www-authenticate', value: 'DPoP' },
    ]
    expect(written(deny({ status: 401, headers, body: '{"ä":1}' })).deniedResponse).toEqual({
      status: { code: 401 },
      headers: headers.map(({ name, value }) => overwritten(name, value)),
      body: '{"ä":1}',
    })
  })

  it.each([
    ['too long', 'x'.repeat(64 * 1024 + 1)],
    ['too long in bytes', 'ä'.repeat(33 * 1024)],
    ['half a surrogate pair', 'a\ud800b'],
  ])('with a body that is %s is refused', (_name, body) => {
    expect(writeCheckResponse(deny({ body })).ok).toBe(false)
  })

  it.each(['internal.error', 'dependency.timeout', 'dependency.overloaded', 'message.encoding'] as const)(
    '%s of an emergency can be written',
    reason => expect(written(emergencyDecision(reason, 'x'))).toMatchObject({ status: { code: 7 } }),
  )

  it('a document of ours is not an allow either', () => {
    const decision: Decision = { ...deny({ status: 200, body: '{}' }), outcome: 'respond' }
    expect(written(decision)).toMatchObject({ status: { code: 7 }, deniedResponse: { status: { code: 200 } } })
  })
})

describe('headers', () => {
  const bad: [string, HeaderValue][] = [
    ['a path', { name: ':path', value: '/x' }],
    ['the host', { name: 'host', value: 'x' }],
    ['a length', { name: 'content-length', value: '1' }],
    ['a transfer coding', { name: 'transfer-encoding', value: 'chunked' }],
    ["Envoy's own", { name: 'x-envoy-original-path', value: '/x' }],
    ['upper case', { name: 'X-User', value: 'x' }],
    ['no name', { name: '', value: 'x' }],
    ['a name with a space', { name: 'x y', value: 'x' }],
    ['a name with a line end', { name: 'x\n', value: 'x' }],
    ['a name that is not ASCII', { name: 'xä', value: 'x' }],
    ['a long name', { name: 'x'.repeat(129), value: 'x' }],
    ['an empty value', { name: 'x', value: '' }],
    ['only space', { name: 'x', value: ' ' }],
    ['space at the end', { name: 'x', value: 'a ' }],
    ['a line end', { name: 'x', value: 'a\r\nb: c' }],
    ['a zero', { name: 'x', value: 'a\0' }],
    ['a tab', { name: 'x', value: 'a\tb' }],
    ['DEL', { name: 'x', value: 'a\x7f' }],
    ['a C1 control', { name: 'x', value: 'a\x85b' }],
    ['half a surrogate pair', { name: 'x', value: '\udc00' }],
    ['a huge value', { name: 'x', value: 'a'.repeat(28 * 1024) }],
  ]
  it.each(bad)('%s fails the whole answer, wherever it goes', (_name, header) => {
    expect(writeCheckResponse(allow({ setHeaders: [header] })).ok).toBe(false)
    expect(writeCheckResponse(allow({ responseHeaders: [header] })).ok).toBe(false)
    expect(writeCheckResponse(deny({ headers: [header] })).ok).toBe(false)
  })

  const x = (name: string) => ({ name, value: 'v' })
  const badAllows: [string, Partial<Allow>][] = [
    ['the type of a body that is not ours', { setHeaders: [x('content-type')] }],
    ['the coding of a body that is not ours', { responseHeaders: [x('content-encoding')] }],
    ['set twice', { setHeaders: [x('a'), x('a')] }],
    ['set and removed', { setHeaders: [x('a')], removeHeaders: ['a'] }],
    ['removal that gateways ignore', { removeHeaders: ['host'] }],
    ['removal of a pseudo header', { removeHeaders: [':path'] }],
    ['removal in upper case', { removeHeaders: ['Authorization'] }],
    ['too many', { setHeaders: Array.from({ length: 25 }, (_, i) => x(`h${i}`)) }],
    ['too many to remove', { removeHeaders: Array.from({ length: 257 }, (_, i) => `h${i}`) }],
  ]
  it.each(badAllows)('%s is refused', (_name, answer) => {
    expect(writeCheckResponse(allow(answer)).ok).toBe(false)
  })

  it('are never more than what the request leaves of the limits of Envoy', () => {
    const pseudo = 4
    expect(headerBudget.count + pseudo + headerLimits.count).toBeLessThanOrEqual(100)
    expect(headerBudget.bytes + headerLimits.bytes).toBeLessThanOrEqual(60 * 1024)
  })

  it('Unicode and inner spaces are fine', () => {
    const setHeaders = [{ name: 'x', value: 'Jürgen 😀 Müller' }]
    expect(written(allow({ setHeaders })).okResponse.headers[0].header.value).toBe('Jürgen 😀 Müller')
  })
})

it('an allow holds nothing that Envoy would follow, skip, append or split at, whatever was decided', () => {
  const name = fc.oneof(
    fc.constantFrom(
      ':path',
      ':method',
      'host',
      'x-envoy-x',
      'X-Envoy-X',
      'content-length',
      'connection',
      'te',
      'x',
      'y',
    ),
    fc.string({ maxLength: 6 }),
    fc.stringMatching(/^[a-z-]{1,8}$/),
  )
  const value = fc.oneof(
    fc.constantFrom('', ' ', 'a', 'a b', 'a\r\nb: c', 'a\0'),
    fc.string({ unit: 'binary', maxLength: 8 }),
  )
  const headers = fc.array(fc.record({ name, value }), { maxLength: 3 })
  let sent = 0
  fc.assert(
    fc.property(headers, fc.array(name, { maxLength: 3 }), headers, (setHeaders, removeHeaders, responseHeaders) => {
      const result = writeCheckResponse(allow({ setHeaders, removeHeaders, responseHeaders }))
      if (!result.ok) return
      sent++
      const { okResponse } = CheckResponse.decode(result.bytes)
      const request = okResponse?.headers ?? []
      const response = okResponse?.responseHeadersToAdd ?? []
      for (const { header, append, appendAction } of [...request, ...response]) {
        expect([append?.value, appendAction]).toEqual([false, 2])
        expect(header?.key).toMatch(/^(?!host$|x-envoy-|content-length$|connection$|te$)[!#$%&'*+\-.^_`|~0-9a-z]+$/)
        expect(header?.value).toMatch(/^[^\s\p{Cc}](?:[^\p{Cc}]*[^\s\p{Cc}])?$/u)
      }
      const set = request.map(({ header }) => header?.key)
      expect(new Set(set).size).toBe(set.length)
      for (const removed of okResponse?.headersToRemove ?? []) expect(set).not.toContain(removed)
    }),
    { numRuns: 2000 },
  )
  expect(sent).toBeGreaterThan(50)
})

describe('metadata', () => {
  it('holds long lists of allowed tools, and no other', () => {
    const names = Array.from({ length: 5000 }, (_, index) => `tool_${index}`)
    const { fields } = written({
      ...allow(),
      metadata: new Map([
        ['allowed_tools', names],
        ['other', names],
      ]),
    }).dynamicMetadata
    expect(fields.allowed_tools.listValue.values).toHaveLength(4096)
    expect(fields.other.listValue.values).toHaveLength(16)
  })

  it('becomes a Struct', () => {
    const metadata = new Map<string, MetadataValue>([
      ['s', 'x'],
      ['n', 1.5],
      ['b', false],
      ['l', ['a', 'b']],
    ])
    expect(written({ ...deny(), metadata }).dynamicMetadata).toEqual({
      fields: {
        s: { stringValue: 'x' },
        n: { numberValue: 1.5 },
        b: { boolValue: false },
        l: { listValue: { values: [{ stringValue: 'a' }, { stringValue: 'b' }] } },
      },
    })
  })

  it.each<[string, Map<string, MetadataValue>, object]>([
    ['a long text', new Map([['a', 'x'.repeat(3000)]]), { a: { stringValue: `${'x'.repeat(2047)}…` } }],
    ['half a surrogate pair', new Map([['a', 'x\ud800']]), { a: { stringValue: 'x\ufffd' } }],
    [
      'a pair at the cut',
      new Map([['a', `${'x'.repeat(2046)}😀😀`]]),
      { a: { stringValue: `${'x'.repeat(2046)}\ufffd…` } },
    ],
    [
      'a long list of what would be denied',
      new Map([['would_deny', Array.from({ length: 200 }, () => 'r'.repeat(4000))]]),
      { would_deny: { listValue: { values: Array(16).fill({ stringValue: `${'r'.repeat(2047)}…` }) } } },
    ],
    [
      'NaN',
      new Map<string, MetadataValue>([
        ['a', Number.NaN],
        ['b', true],
      ]),
      { b: { boolValue: true } },
    ],
    [
      'a key that reaches prototypes',
      new Map([
        ['__proto__', 'x'],
        ['b', 'y'],
      ]),
      { b: { stringValue: 'y' } },
    ],
    [
      'a key that is not Unicode',
      new Map([
        ['\udc00', 'x'],
        ['b', 'y'],
      ]),
      { b: { stringValue: 'y' } },
    ],
    [
      'too many',
      new Map(Array.from({ length: 65 }, (_, i) => [`k${i}`, true] as const)),
      Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`k${i}`, { boolValue: true }])),
    ],
  ])('%s is cut, and the decision stays what it is', (_name, metadata, fields) => {
    expect(written({ ...allow(), metadata })).toMatchObject({ status: { code: 0 }, dynamicMetadata: { fields } })
    expect(written({ ...allow(), metadata }).dynamicMetadata.fields).toEqual(fields)
    expect(written({ ...deny(), metadata })).toMatchObject({ status: { code: 7 }, dynamicMetadata: { fields } })
  })
})

describe('no decision but an allow becomes an allow', () => {
  it.each<[string, Decision]>([
    ['a denial with an allowing answer', { ...allow(), outcome: 'deny' }],
    ['an allow with a denying answer', { ...deny(), outcome: 'allow' }],
    ['a document with an allowing answer', { ...allow(), outcome: 'respond' }],
  ])('%s is refused', (_name, decision) => expect(writeCheckResponse(decision).ok).toBe(false))

  it('whatever it holds', () => {
    const header = fc.record({ name: fc.oneof(fc.string(), fc.constantFrom('content-type', 'x')), value: fc.string() })
    const answer = fc.record({
      kind: fc.constant('respond' as const),
      status: fc.integer({ min: -1, max: 1000 }),
      headers: fc.array(header, { maxLength: 3 }),
      body: fc.string({ unit: 'binary' }),
    })
    fc.assert(
      fc.property(answer, fc.constantFrom('deny' as const, 'respond' as const), (answer, outcome) => {
        const result = writeCheckResponse({ ...base, outcome, answer })
        if (!result.ok) return
        const decoded = CheckResponse.decode(result.bytes)
        expect([7, 16]).toContain(decoded.status?.code)
        expect(decoded.httpResponse).toBe('deniedResponse')
      }),
    )
  })
})

describe('an allow can be written, whoever asks', () => {
  const head = 'apiVersion: mcp-authz.dev/v1alpha1'
  const enrichment = (name: string) => `
---
${head}
kind: Enrichment
metadata: { name: ${name} }
spec:
  requestHeaders:
${Array.from({ length: 6 }, (_, i) => `  - { name: x-mcp-authz-${name}${'n'.repeat(50)}${i}, valueExpression: "'${'v'.repeat(1024)}'" }`).join('\n')}`
  const policies = `
${head}
kind: Server
metadata: { name: s }
spec: { resource: https://mcp.example.com/mcp, require: [grants] }
---
${head}
kind: Grant
metadata: { name: g }
spec: { match: { servers: [s], subjects: [{ kind: Group, name: "system:authenticated" }] } }${enrichment('a')}${enrichment('b')}`
  const agent = { id: '字'.repeat(256), issuer: '字'.repeat(256), assurance: 'attested' as const }
  const longest = (groups: number) =>
    person('字'.repeat(256), Array(groups).fill('字'.repeat(256)), {
      ...{ agent, tenant: '字'.repeat(256), chainId: 'c'.repeat(64), throughAgent: true },
    })
  const people = { plain: person('alice', ['staff']), long: longest(1), longer: longest(500) }
  const store = storeOf([memorySource({ 'a.yaml': policies })], namesAsTokens(people))
  const loaded = store.load()
  if (loaded.findings.length > 0) throw new Error(JSON.stringify(loaded.findings))
  const decide = createDecide({ snapshot: () => store.current })
  const decided = (token: string, headers: Readonly<Record<string, string>>): Decision => {
    const body = toolsCall('t')
    const decision = decide(inbound({ headers: { ...headers, authorization: `Bearer ${token}` }, body }))
    if (decision instanceof Promise) throw new Error('the pipeline waited although everything is warm')
    return decision
  }

  it.each(Object.keys(people))('%s, with every header that an Enrichment may add', token => {
    const { okResponse } = written(decided(token, {}))
    expect(okResponse.headers.length).toBeGreaterThanOrEqual(12)
    expect(okResponse.headers.map(({ header }: { header: HeaderValue }) => header.value)).not.toContain('')
  })

  it('and whatever headers came: written, or denied for what came', () => {
    const odd = fc.constantFrom('x_mcp_authz_', 'impersonate_', 'x-remote_', 'mcp-param_', 'cf-access-', 'x-')
    const name = fc.tuple(odd, fc.string({ unit: fc.constantFrom('a', 'b', '_', '-', '9'), maxLength: 300 }))
    const headers = fc.dictionary(
      name.map(parts => parts.join('')),
      fc.string({ maxLength: 50 }),
      { maxKeys: 80, size: 'max' },
    )
    fc.assert(
      fc.property(headers, fc.constantFrom(...Object.keys(people)), (some, token) => {
        const decision = decided(token, some)
        if (decision.outcome === 'deny') expect(decision.failure?.reason).toBe('framing.headers_too_large')
        const { okResponse } = written(decision)
        for (const { append, appendAction } of okResponse?.headers ?? []) {
          expect([append, appendAction]).toEqual([{ value: false }, 2])
        }
      }),
    )
  })
})
