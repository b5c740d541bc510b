import { describe, expect, it, vi } from 'vitest'
import { agentgateway } from '../../../gen/wire.js'
import { applyMcpResult } from '../../../test/gateways/agentgateway-mcp.js'
import { plainToStruct } from '../../../test/gateways/struct-to-plain.js'
import type { Decision } from '../../decision/decision.js'
import type { InboundRequest } from '../../protocol/inbound-request.js'
import { createRequestHandler, type RequestHandlerOptions } from './request-handler.js'

const { McpRequest } = agentgateway.dev.ext_mcp
const context = { deadline: undefined, peer: '', cancelled: () => false, metadata: () => undefined }
const listener = { name: 'l', door: 'ext-mcp', profile: 'agentgateway', trust: 'none' } as const

const allow: Decision = {
  ...{ id: 'i', outcome: 'allow', failure: undefined, would: [], warnings: [] },
  answer: {
    kind: 'allow',
    setHeaders: [{ name: 'x-mcp-authz-user', value: 'žofie' }],
    removeHeaders: ['authorization'],
    responseHeaders: [],
  },
  metadata: new Map<string, string | readonly string[]>([
    ['decision', 'allow'],
    ['allowed_tools', ['a', 'b']],
  ]),
}

interface Message {
  readonly method?: string
  readonly params?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  readonly metadata?: Readonly<Record<string, unknown>>
  readonly services?: readonly string[]
}

const pseudo = { ':method': 'POST', ':path': '/mcp?a=b', ':authority': 'mcp.example.com', ':scheme': 'https' }

function encoded({ method = 'tools/call', params, headers = {}, metadata = {}, services = ['vb'] }: Message): Buffer {
  const all = Object.entries({ ...pseudo, ...headers })
  return Buffer.from(
    McpRequest.encode({
      serviceNames: [...services],
      method,
      metadataContext: plainToStruct(metadata),
      ...(params !== undefined && { mcpRequest: Buffer.from(params) }),
      headers: all.map(([key, value]) => ({ key, value: Buffer.from(value) })),
    }).finish(),
  )
}

async function ask(message: Message | Buffer, options: Partial<RequestHandlerOptions> = {}) {
  const asked: InboundRequest[] = []
  const errors: string[] = []
  const emergencies: string[] = []
  const handler = createRequestHandler({
    decide: request => {
      asked.push(request)
      return allow
    },
    listener,
    onError: detail => errors.push(detail),
    onEmergency: decision => emergencies.push(decision.failure?.reason ?? ''),
    ...options,
  })
  const bytes = Buffer.isBuffer(message) ? message : encoded(message)
  return { result: applyMcpResult(await handler(bytes, context)), request: asked[0], errors, emergencies }
}

function bodyOf(request: InboundRequest | undefined): string {
  return request?.body.state === 'complete' ? Buffer.from(request.body.bytes).toString() : ''
}

describe('what is judged', () => {
  const version = 'io.modelcontextprotocol/protocolVersion'
  const modern = { 'mcp-protocol-version': '2026-07-28' }
  const bodies: [name: string, message: Message, body: string][] = [
    [
      'a call, byte for byte',
      { params: '{"name":"scale","arguments":{"n":1.0}}' },
      '{"jsonrpc":"2.0","id":0,"method":"tools/call","params":{"name":"scale","arguments":{"n":1.0}}}',
    ],
    ['a list', { method: 'tools/list' }, '{"jsonrpc":"2.0","id":0,"method":"tools/list"}'],
    ['a method in need of escapes', { method: 'a"b' }, '{"jsonrpc":"2.0","id":0,"method":"a\\"b"}'],
    [
      'a modern call gets its version back',
      { params: '{"name":"scale"}', headers: modern },
      `{"jsonrpc":"2.0","id":0,"method":"tools/call","params":{"_meta":{"${version}":"2026-07-28"},"name":"scale"}}`,
    ],
    [
      'a modern list',
      { method: 'tools/list', headers: modern },
      `{"jsonrpc":"2.0","id":0,"method":"tools/list","params":{"_meta":{"${version}":"2026-07-28"}}}`,
    ],
    [
      'params that are empty',
      { params: '{}', headers: modern },
      `{"jsonrpc":"2.0","id":0,"method":"tools/call","params":{"_meta":{"${version}":"2026-07-28"}}}`,
    ],
    [
      '_meta that is there',
      { params: '{"_meta":{"a":1}}', headers: modern },
      '{"jsonrpc":"2.0","id":0,"method":"tools/call","params":{"_meta":{"a":1}}}',
    ],
    [
      'the name that clients use, where several targets stand at one address',
      { params: '{"name":"scale"}', metadata: { 'mcp-prefixed': true } },
      '{"jsonrpc":"2.0","id":0,"method":"tools/call","params":{"name":"vb_scale"}}',
    ],
    [
      'and the uri',
      { method: 'resources/read', params: '{"uri":"file:///r"}', metadata: { 'mcp-prefixed': 'true' } },
      '{"jsonrpc":"2.0","id":0,"method":"resources/read","params":{"uri":"vb+file:///r"}}',
    ],
  ]
  it.each(bodies)('%s', async (_name, message, body) => {
    expect(bodyOf((await ask(message)).request)).toBe(body)
  })

  it.each<[string, Message]>([
    ['of none', { services: [] }],
    ['of one of several', { services: ['va', 'vb'] }],
    ['of several, by uri', { services: ['va', 'vb'], method: 'resources/read', params: '{"uri":"file:///r"}' }],
  ])('is not a name without the target that it should have: %s', async (_name, message) => {
    const asked = await ask({ params: '{"name":"scale"}', metadata: { 'mcp-prefixed': true }, ...message })
    expect(asked).toMatchObject({ request: undefined, result: { passed: false }, emergencies: ['internal.error'] })
  })

  it('has no name where the method touches nothing: several targets are asked then', async () => {
    const { result } = await ask({ method: 'tools/list', services: ['va', 'vb'], metadata: { 'mcp-prefixed': true } })
    expect(result.passed).toBe(true)
  })

  it('is at the address of the HTTP request, with its headers, but for those of its body', async () => {
    const headers = {
      authorization: 'Bearer t',
      'content-length': '7',
      'content-encoding': 'gzip',
      'mcp-name': 'vb_scale',
      'mcp-session-id': 's',
    }
    const { request } = await ask({ params: '{"name":"scale"}', headers: { ...headers, ...modern } })
    expect(request).toMatchObject({ path: '/mcp', query: 'a=b', authority: 'mcp.example.com', scheme: 'https' })
    expect(
      Object.fromEntries([...(request?.headers.names() ?? [])].map(name => [name, request?.headers.one(name)])),
    ).toEqual({
      authorization: 'Bearer t',
      'mcp-session-id': 's',
      'mcp-protocol-version': '2026-07-28',
      'content-type': 'application/json',
      'mcp-method': 'tools/call',
      'mcp-name': 'scale',
    })
    expect(request?.deadline).toBeGreaterThan(Date.now())
    expect(request?.listener).toEqual(listener)
  })

  it('has the identity that the gateway tells', async () => {
    const jwt = { iss: 'https://idp.example.com', sub: 'alice', exp: 1_900_000_000 }
    const { request } = await ask({ metadata: { jwt, 'mcp-server': 'files', 'mcp-tenant': 7 } })
    const claims = request?.context.filterMetadata.get('envoy.filters.http.jwt_authn')?.get('jwt_payload')
    expect(claims).toEqual(new Map<string, unknown>([...Object.entries({ ...jwt, exp: 1_900_000_000n })]))
    expect(request?.context.extensions).toEqual(
      new Map([
        ['mcp-server', 'files'],
        ['mcp-tenant', ''],
      ]),
    )
  })

  it('has none where there is none: default(jwt, {})', async () => {
    const { request } = await ask({ metadata: { jwt: {} } })
    expect(request?.context.filterMetadata.size).toBe(0)
  })

  it('takes a shown token as if it had come in the header, and two of them for two', async () => {
    const metadata = { token: 'abc' }
    expect((await ask({ metadata })).request?.headers.one('authorization')).toBe('Bearer abc')
    const same = await ask({ metadata, headers: { authorization: 'Bearer abc' } })
    expect(same.request?.headers.repeated('authorization')).toBe(false)
    const other = await ask({ metadata, headers: { authorization: 'Bearer other' } })
    expect(other.request?.headers.repeated('authorization')).toBe(true)
  })

  it('believes addresses and workloads only of a gateway that is known', async () => {
    const metadata = { source_address: '203.0.113.5', workload: 'spiffe://a/ns/b/sa/c' }
    expect((await ask({ metadata })).request?.peer).toEqual({ address: '', principal: '' })
    const trusted = await ask({ metadata }, { listener: { ...listener, trust: 'mtls' } })
    expect(trusted.request?.peer).toEqual({ address: '203.0.113.5', principal: 'spiffe://a/ns/b/sa/c' })
  })
})

describe('the answer', () => {
  it('passes with headers and metadata, and without a change', async () => {
    const { result } = await ask({})
    expect(result).toEqual({
      passed: true,
      set: new Map([['x-mcp-authz-user', 'žofie']]),
      removed: new Set(['authorization']),
      metadata: { decision: 'allow', allowed_tools: ['a', 'b'] },
    })
  })

  const denial = (body: unknown, reason: Decision['failure'] & { reason: string }): Decision => ({
    ...allow,
    outcome: 'deny',
    failure: reason,
    answer: { kind: 'respond', status: 200, headers: [], body: JSON.stringify(body) },
  })
  const because = {
    stage: 'guardrail',
    reason: 'guardrail.violated',
    message: 'm',
    hints: [],
    policy: '',
    policyReason: '',
  } as const
  const error = (code: number) => ({ jsonrpc: '2.0', id: 0, error: { code, message: 'said', data: { reason: 'r' } } })
  const overloaded = { ...because, stage: 'dependency', reason: 'dependency.overloaded' } as const
  const timeout = { ...because, stage: 'dependency', reason: 'dependency.timeout' } as const
  const toolResult = {
    jsonrpc: '2.0',
    id: 0,
    result: {
      content: [{ type: 'text', text: 'said' }],
      isError: true,
      _meta: { 'mcp-authz.dev/decision': { reason: 'r' } },
    },
  }
  const denials: [string, Decision, number][] = [
    ['a tool result', denial(toolResult, because), -32001],
    ['an error of ours', denial(error(-31403), because), -32001],
    ['what hides', denial(error(-32602), because), -32001],
    ['a broken message', denial(error(-32600), because), -32600],
    ['no JSON', denial(error(-32700), because), -32600],
    ['an overload', denial(error(-31503), overloaded), -32003],
    ['a time-out', denial(error(-31503), timeout), -32603],
  ]
  it.each(denials)('says %s', async (_name, decision, code) => {
    const { result } = await ask({}, { decide: () => decision })
    expect(result).toEqual({ passed: false, code, message: 'said', reason: 'r' })
  })

  it('says what hides, in the form of an event, and never the reason behind it', async () => {
    const hidden = (body: string): Decision => ({
      ...denial('', because),
      answer: { kind: 'respond', status: 200, headers: [], body },
    })
    const event = `event: message\ndata: {"jsonrpc":"2.0","id":0,"error":{"code":-32602,"message":"Unknown tool"}}\n\n`
    const said = await ask({}, { decide: () => hidden(event) })
    expect(said.result).toEqual({ passed: false, code: -32001, message: 'Unknown tool', reason: '' })
    const unknown = await ask({}, { decide: () => hidden('Not Found') })
    expect(unknown.result).toEqual({ passed: false, code: -32001, message: 'The request was denied', reason: '' })
  })

  const odd: [string, Decision][] = [
    ['a document', { ...allow, outcome: 'respond', answer: { kind: 'respond', status: 200, headers: [], body: '{}' } }],
    ['a denial without a body', denial('', because)],
    [
      'an allow with the answer of a denial',
      { ...allow, answer: { kind: 'respond', status: 200, headers: [], body: '' } },
    ],
    ['a denial with the answer of an allow', { ...allow, outcome: 'deny', failure: because }],
  ]
  it.each(odd)('denies %s', async (_name, decision) => {
    expect((await ask({}, { decide: () => decision })).result.passed).toBe(false)
  })

  const bad: [string, Partial<Decision['answer'] & { kind: 'allow' }>][] = [
    ['a line break', { setHeaders: [{ name: 'x-a', value: 'a\r\nb' }] }],
    ['an empty value', { setHeaders: [{ name: 'x-a', value: '' }] }],
    ['an upper-case name', { setHeaders: [{ name: 'X-A', value: 'a' }] }],
    ['a pseudo header', { setHeaders: [{ name: ':path', value: '/' }] }],
    ['the length', { setHeaders: [{ name: 'content-length', value: '1' }] }],
    ['the session', { setHeaders: [{ name: 'mcp-session-id', value: 's' }] }],
    [
      'one name twice',
      {
        setHeaders: [
          { name: 'x-a', value: '1' },
          { name: 'x-a', value: '2' },
        ],
      },
    ],
    ['one that is removed too', { setHeaders: [{ name: 'x-a', value: '1' }], removeHeaders: ['x-a'] }],
    ['a bad name to remove', { removeHeaders: ['a b'] }],
  ]
  it.each(bad)('denies rather than set %s', async (_name, answer) => {
    const decision: Decision = {
      ...allow,
      answer: { kind: 'allow', setHeaders: [], removeHeaders: [], responseHeaders: [], ...answer },
    }
    const { result, errors, emergencies } = await ask({}, { decide: () => decision })
    expect(result).toMatchObject({ passed: false, code: -32603 })
    expect(errors).toHaveLength(1)
    expect(emergencies).toEqual(['internal.error'])
  })
})

describe('what goes wrong', () => {
  it.each([
    ['bytes that are no protobuf', Buffer.from([0xff, 0xff, 0xff])],
    ['no method', encoded({ method: '' })],
    ['nothing', Buffer.alloc(0)],
    ['metadata with a number that JSON has not', encoded({ metadata: { a: Number.NaN } })],
    ['more targets than there can be', encoded({ services: Array.from({ length: 1025 }, () => 'a') })],
  ])('%s is denied', async (_name, bytes) => {
    const { result, request, emergencies } = await ask(bytes)
    expect(result).toMatchObject({ passed: false, code: -32600 })
    expect(request).toBeUndefined()
    expect(emergencies).toEqual(['message.encoding'])
  })

  it('a message that is too large is not read', async () => {
    const { result } = await ask({ params: JSON.stringify({ a: 'x'.repeat(2000) }) }, { maxMessageBytes: 1000 })
    expect(result).toMatchObject({ passed: false, code: -32600 })
  })

  it('what decide throws, and how it rejects', async () => {
    const thrown = await ask(
      {},
      {
        decide: () => {
          throw new Error('bug')
        },
      },
    )
    expect(thrown.result).toMatchObject({ passed: false, code: -32603, reason: 'internal.error' })
    const rejected = await ask({}, { decide: () => Promise.reject(new Error('bug')) })
    expect(rejected.result).toMatchObject({ passed: false, code: -32603, reason: 'internal.error' })
  })

  it('a decision that does not come', async () => {
    vi.useFakeTimers()
    try {
      const asked = ask({}, { decide: () => new Promise(() => undefined) })
      await vi.advanceTimersByTimeAsync(2000)
      expect((await asked).result).toMatchObject({ passed: false, code: -32603, reason: 'dependency.timeout' })
    } finally {
      vi.useRealTimers()
    }
  })

  it('too many that wait', async () => {
    const { result } = await ask({}, { maxInFlight: 0, decide: async () => allow })
    expect(result).toMatchObject({ passed: false, code: -32003, reason: 'dependency.overloaded' })
  })

  it('a log that throws changes nothing', async () => {
    const { result } = await ask(Buffer.from([0xff]), {
      onError: () => {
        throw new Error('log')
      },
      onEmergency: () => {
        throw new Error('log')
      },
    })
    expect(result.passed).toBe(false)
  })
})
