import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createResultReview } from '../../src/decision/review-result.js'
import { createRequestHandler } from '../../src/doors/ext-mcp/request-handler.js'
import { createResponseHandler } from '../../src/doors/ext-mcp/response-handler.js'
import { type CorpusCheck, startCorpusCheck } from '../hostile/support/start-corpus-check.js'
import { policyDocument } from '../support/judge.js'
import { type AgentgatewayOptions, agentgateway, kubernetes, standalone } from './agentgateway.js'
import { applyMcpResponse, applyMcpResult, isRequestId, mcpRequestOf, mcpResponseOf } from './agentgateway-mcp.js'
import type { GatewayRequest } from './gateway.js'

const audience = 'https://mcp.example.com/mcp'
const documents = `
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: told }
spec: { resource: https://mcp.example.com/told, audiences: ["${audience}"], require: [grants], identity: gatewayMetadata }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: listed }
spec: { resource: https://mcp.example.com/listed, audiences: ["${audience}"], require: [grants], catalog: listed }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: many }
spec: { resource: https://mcp.example.com/many, audiences: ["${audience}"], require: [grants], catalog: listed, toolPrefix: vb_ }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: ToolCatalog
metadata: { name: listed }
spec:
  tools:
    echo: { access: read, operations: none }
    scale: { access: write, operations: none }
    wipe: { access: delete, operations: none }
    secret: { access: sensitive, refuse: tells credentials }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Guardrail
metadata: { name: no-wiping }
spec:
  match: { servers: [listed, many], access: [delete] }
  validations: [{ expression: "'admins' in user.groups", message: only admins }]
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Guardrail
metadata: { name: small }
spec:
  match: { servers: [listed, many], tools: [scale] }
  validations: [{ expression: "args.n <= 5", message: at most 5 }]
`

let corpus: CorpusCheck
let trusting: CorpusCheck
beforeAll(async () => {
  const more = { 'more.yaml': documents }
  corpus = await startCorpusCheck({ profile: 'agentgateway', more })
  trusting = await startCorpusCheck({ profile: 'agentgateway', trust: 'network', more })
})
afterAll(() => {
  corpus.stop()
  trusting.stop()
})

const json: readonly (readonly [string, string])[] = [
  ['content-type', 'application/json'],
  ['accept', 'application/json, text/event-stream'],
]

interface Sent {
  readonly path?: string
  readonly body?: string
  readonly headers?: readonly (readonly [string, string])[]
  readonly method?: string
}

function request({ path = '/listed', body, headers = [], method = 'POST' }: Sent, token?: string): GatewayRequest {
  const bearer: readonly (readonly [string, string])[] =
    token === undefined ? [] : [['authorization', `Bearer ${token}`]]
  return {
    ...{ method, authority: 'mcp.example.com', target: path },
    headers: [...(method === 'POST' ? json : []), ...bearer, ...headers],
    body: body === undefined ? undefined : Buffer.from(body),
  }
}

function call(name: string, args: unknown = {}, id: unknown = 1): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } })
}

async function through(options: AgentgatewayOptions, sent: Sent, { check, place } = corpus) {
  const gateway = agentgateway(options)
  const asked = request(sent, place.token)
  const bytes = gateway.check(asked)
  if (bytes === undefined) throw new Error('413 by the gateway')
  return gateway.apply(asked, await check(bytes))
}

describe('who asks', () => {
  const body = call('echo')

  it('comes from the token where no jwtAuth has taken it', async () => {
    expect((await through(standalone, { body })).outcome.to).toBe('server')
  })

  it('comes from metadata where jwtAuth has', async () => {
    const claims = decodeJwt(trusting.place.token)
    const { outcome, metadata } = await through({ ...standalone, claims }, { body, path: '/told' }, trusting)
    expect([outcome.to, metadata.subject]).toEqual(['server', 'alice'])
  })

  const claimed = { iss: 'https://idp.example.com', aud: audience, preferred_username: 'alice', exp: 4_000_000_000 }
  it.each([
    ['a listener that is not trusted', claimed, false, 'identity.gateway_untrusted'],
    ['a token for others', { ...claimed, aud: 'other' }, true, 'identity.audience'],
    ['an unknown issuer', { ...claimed, iss: 'https://other.example.com' }, true, 'identity.issuer_unknown'],
    ['an old token', { ...claimed, exp: 1 }, true, 'identity.expired'],
    ['an ID token', { ...claimed, at_hash: 'x' }, true, 'identity.token_type'],
    ['a logout token', { ...claimed, events: {} }, true, 'identity.token_type'],
    ['a reserved name', { ...claimed, preferred_username: 'system:admin' }, true, 'identity.reserved_name'],
    ['nobody: jwtAuth is optional by default', undefined, true, 'identity.token_missing'],
  ])('is refused: %s', async (_name, claims, trusted, reason) => {
    const options = { ...standalone, ...(claims === undefined ? { metadata: {} } : { claims }) }
    const { outcome, metadata } = await through(options, { body, path: '/told' }, trusted ? trusting : corpus)
    expect([outcome.to, metadata.reason]).toEqual(['client', reason])
  })

  it('may be shown as a token, which is then verified like any other', async () => {
    const shown = (token: string) => ({ ...standalone, metadata: { 'mcp-authz': { token } } })
    expect((await through(shown(corpus.place.token), { body })).outcome.to).toBe('server')
    expect((await through(shown(`${corpus.place.token}x`), { body })).metadata.reason).toMatch(/^identity\./)
    expect((await through(shown(''), { body })).metadata.reason).toBe('identity.token_missing')
  })
})

describe('which messages', () => {
  const ids = [
    '1.5',
    '2.0',
    '1e2',
    '-0',
    'null',
    'true',
    '{}',
    '[]',
    '9223372036854775808',
    '-9223372036854775809',
    undefined,
  ]
  it.each(ids)('a tools/call with the id %s, which the gateway passes on as a notification, is denied', async id => {
    const body = `{"jsonrpc":"2.0",${id === undefined ? '' : `"id":${id},`}"method":"tools/call","params":{"name":"echo"}}`
    const parsed: { readonly id?: unknown } = JSON.parse(body)
    if (id !== '-0') expect(isRequestId(body, parsed.id)).toBe(false)
    expect((await through(standalone, { body })).metadata.reason).toMatch(/^message\.(?:id|number_range)$/)
  })

  it.each(['0', '-1', '9223372036854775807', '"a"', '""'])('one with the id %s is a request to both', async id => {
    const body = `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"echo"}}`
    expect(isRequestId(body, JSON.parse(id))).toBe(true)
    expect((await through(standalone, { body })).outcome.to).toBe('server')
  })

  it('a notification with an id is denied', async () => {
    const body = '{"jsonrpc":"2.0","id":1,"method":"notifications/initialized"}'
    expect((await through(standalone, { body })).metadata.reason).toBe('message.id')
  })

  it.each([
    ['a cut body', { ...kubernetes, body: { ...kubernetes.body, max: 40 } }, 413],
    ['bodies that are not forwarded', { body: undefined }, 413],
  ])('%s is denied, whatever the client says', async (_name, options, status) => {
    const headers = [['x-envoy-auth-partial-body', 'false']] as const
    const { outcome, metadata } = await through(options, { body: call('echo'), headers })
    expect(metadata.reason).toBe('framing.body_incomplete')
    expect(outcome).toMatchObject({ to: 'client', status })
  })

  it('GET and DELETE have none', async () => {
    for (const method of ['GET', 'DELETE']) {
      const { outcome } = await through(standalone, { method, headers: [['mcp-session-id', 's']] })
      expect([method, outcome.to]).toEqual([method, 'server'])
    }
  })

  it.each(['/none/../listed', '/%6cisted', '//listed', 'http://mcp.example.com/listed', '/listed;a', '/listed/'])(
    'the path %s, which the gateway does not normalise, is denied',
    async path => {
      expect((await through(standalone, { path, body: call('echo') })).outcome.to).toBe('client')
    },
  )
})

describe('what arrives', () => {
  it('at the server: our headers in place of what the client wrote', async () => {
    const headers = [
      ['X-Mcp-Authz-User', 'evil'],
      ['x-mcp-authz-agent', 'evil'],
      ['impersonate-user', 'admin'],
      ['x_mcp_authz_user', 'evil'],
    ] as const
    const { outcome } = await through(standalone, { body: call('echo'), headers })
    if (outcome.to !== 'server') throw new Error('denied')
    expect(outcome.headers.get('x-mcp-authz-user')).toEqual(['alice'])
    expect([...outcome.headers.values()].flat()).not.toContain('evil')
    expect(outcome.headers.has('impersonate-user')).toBe(false)
    expect(outcome.headers.has('authorization')).toBe(false)
    expect(outcome.target).toBe('/listed')
  })

  const modern = {
    headers: [
      ['mcp-protocol-version', '2026-07-28'],
      ['mcp-method', 'tools/call'],
      ['mcp-name', 'scale'],
    ],
    body: JSON.stringify({
      ...{ jsonrpc: '2.0', id: 'x', method: 'tools/call' },
      params: {
        ...{ name: 'scale', arguments: { n: 9 } },
        _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' },
      },
    }),
  } as const
  it.each([
    ['legacy', { body: call('scale', { n: 9 }, 'x') }],
    ['modern', modern],
  ])('at a %s client: a result with isError that it can read', async (era, sent) => {
    const { outcome, metadata } = await through(standalone, sent)
    if (outcome.to !== 'client') throw new Error('allowed')
    expect(outcome.status).toBe(200)
    expect(new Map(outcome.headers).get('content-type')).toBe('application/json')
    const message = JSON.parse(outcome.body)
    expect(message).toMatchObject({ id: 'x', result: { isError: true } })
    expect(message.result.resultType).toBe(era === 'modern' ? 'complete' : undefined)
    expect(metadata).toMatchObject({ decision: 'deny', reason: 'guardrail.violated', subject: 'alice', tool: 'scale' })
  })
})

/** What `mcp.tool.name in extauthz.allowed_tools` comes to; without the list it is an error, which denies. */
function rule(metadata: Readonly<Record<string, unknown>>, tool: string): boolean {
  return Array.isArray(metadata.allowed_tools) && metadata.allowed_tools.includes(tool)
}

describe('allowed_tools', () => {
  const told = { ...standalone, context: { 'mcp-server': 'listed', 'mcp-allowed-tools': 'true' } }
  const list = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
  const tools = ['echo', 'scale', 'wipe', 'secret', 'unknown']

  it('lists what the caller may call, with some arguments', async () => {
    const { metadata } = await through(told, { body: list })
    expect(tools.filter(tool => rule(metadata, tool))).toEqual(['echo', 'scale'])
  })

  it('gates calls by the same rule', async () => {
    const { outcome, metadata } = await through(told, { body: call('scale', { n: 1 }) })
    expect(outcome.to).toBe('server')
    expect(tools.filter(tool => rule(metadata, tool))).toEqual(['scale'])
  })

  it('has nothing for what is denied, and for lists of Servers without a catalogue', async () => {
    expect((await through(told, { body: call('wipe') })).metadata.allowed_tools).toBeUndefined()
    const open = { ...standalone, context: { 'mcp-server': 'open', 'mcp-allowed-tools': 'true' } }
    expect((await through(open, { path: '/open', body: list })).metadata.allowed_tools).toBeUndefined()
  })

  it('is not told where nobody asks for it', async () => {
    expect((await through(standalone, { body: list })).metadata.allowed_tools).toBeUndefined()
  })

  it('is not counted up in one go: others are answered meanwhile', async () => {
    const names = Array.from({ length: 4096 }, (_, i) => `tool_${i}`)
    const large = await startCorpusCheck({
      profile: 'agentgateway',
      more: {
        'catalog.json': policyDocument('ToolCatalog', 'large', {
          tools: Object.fromEntries(names.map(name => [name, { access: 'read', operations: 'none' }])),
        }),
        'server.json': policyDocument('Server', 'large', {
          ...{ resource: 'https://mcp.example.com/large', audiences: [audience], require: ['grants'] },
          catalog: 'large',
        }),
        'rule.json': policyDocument('Guardrail', 'pattern', {
          match: { servers: ['large'] },
          validations: [{ expression: "!has(args.a) || args.a.matches('^a.*b$')", message: 'ends in b' }],
        }),
      },
    })
    const sent = { path: '/large', body: list }
    // Its token is known then, so that nothing else has to be waited for.
    await through(standalone, sent, large)
    let turns = 0
    const count = () => {
      turns++
      timer = setImmediate(count)
    }
    let timer = setImmediate(count)
    const context = { 'mcp-server': 'large', 'mcp-allowed-tools': 'true' }
    const { metadata } = await through({ ...standalone, context }, sent, large)
    clearImmediate(timer)
    large.stop()
    expect(metadata.allowed_tools).toEqual(names)
    expect(turns).toBeGreaterThan(0)
  })

  it('has the names that clients use, for rules over target and name', async () => {
    const many = { ...standalone, context: { 'mcp-server': 'many', 'mcp-allowed-tools': 'true' } }
    const { metadata } = await through(many, { path: '/many', body: list })
    expect(metadata.allowed_tools).toEqual(['vb_echo', 'vb_scale'])
  })
})

describe('ExtMcp', () => {
  const listener = { name: 'mcp', door: 'ext-mcp', profile: 'agentgateway', trust: 'none' } as const
  const call1 = { deadline: undefined, peer: '', cancelled: () => false, metadata: () => undefined }
  const metadata = () => ({ 'mcp-server': 'many', 'mcp-prefixed': true, token: corpus.place.token })

  async function guard(name: string, args: unknown, options = {}) {
    const handler = createRequestHandler({ decide: corpus.decide, listener, onError: () => undefined })
    const backend = { targets: ['va', 'vb'], jwt: true, metadata: { ...metadata(), ...options } }
    const shown = mcpRequestOf(request({ path: '/many', body: call(name, args) }, corpus.place.token), backend)
    if (shown === undefined) throw new Error('the gateway does not ask')
    return applyMcpResult(await handler(shown.bytes, call1))
  }

  it('judges calls of several targets by the names that clients use', async () => {
    expect(await guard('vb_scale', { n: 1 })).toMatchObject({ passed: true })
    expect(await guard('vb_scale', { n: 9 })).toMatchObject({
      passed: false,
      reason: 'guardrail.violated',
      code: -32001,
    })
    expect(await guard('va_scale', { n: 1 })).toMatchObject({ passed: false, reason: 'authorization.tool_unknown' })
    // The operator has not said that there are several: denied rather than judged under another name.
    expect(await guard('vb_scale', { n: 1 }, { 'mcp-prefixed': false })).toMatchObject({ passed: false })
  })

  async function respond(method: string, result: unknown, options: object = {}, reviewed = true) {
    const review = createResultReview({ snapshot: () => corpus.snapshot })
    const errors: string[] = []
    const handler = createResponseHandler({
      ...{ listener, onError: detail => errors.push(detail) },
      ...(reviewed && { reviewResult: review }),
    })
    const backend = { targets: ['va', 'vb'], metadata: { ...metadata(), ...options } }
    return { ...applyMcpResponse(result, await handler(mcpResponseOf(method, result, backend), call1)), errors }
  }

  const tool = (name: string) => ({ name, inputSchema: { type: 'object' } })
  const list = { tools: ['va_echo', 'vb_echo', 'vb_scale', 'vb_wipe', 'vb_secret', 'vb_new'].map(tool), ttlMs: 0 }

  it('filters lists by the policies that govern the calls', async () => {
    expect(await respond('tools/list', list)).toMatchObject({
      passed: true,
      result: { tools: [tool('vb_echo'), tool('vb_scale')], ttlMs: 0, cacheScope: 'private' },
    })
  })

  it('lets a list be that has nothing to hide', async () => {
    const whole = { tools: [tool('vb_echo')], ttlMs: 0, cacheScope: 'private' }
    expect(await respond('tools/list', whole)).toMatchObject({ passed: true, changed: false })
  })

  it.each([
    ['no token', { token: '' }, 'identity.token_missing'],
    ['a bad token', { token: 'x' }, 'identity.token_malformed'],
    ['an unknown Server', { 'mcp-server': 'none' }, 'server.unknown'],
    ['a Server that is not named at all', { 'mcp-server': undefined }, 'server.unknown'],
  ])('refuses a list for %s', async (_name, options, reason) => {
    expect(await respond('tools/list', list, options)).toMatchObject({ passed: false, reason })
  })

  it('finds a Server by the address that metadata tells', async () => {
    const options = { 'mcp-server': undefined, path: '/many', host: 'mcp.example.com' }
    const handler = createResponseHandler({
      listener,
      onError: () => undefined,
      reviewResult: createResultReview({ snapshot: () => corpus.snapshot }),
    })
    const plain = Object.fromEntries(
      Object.entries({ ...metadata(), ...options }).filter(([, value]) => value !== undefined),
    )
    const bytes = mcpResponseOf('tools/list', list, { targets: ['vb'], metadata: plain })
    expect(applyMcpResponse(list, await handler(bytes, call1))).toMatchObject({ passed: true, changed: true })
  })

  it.each([
    ['a list that has two readings', { tools: [{ name: 'vb_echo', Name: 'vb_wipe' }] }],
    ['a list that is none', { tools: {} }],
    ['an item without a name', { tools: [{}] }],
  ])('refuses %s', async (_name, result) => {
    expect(await respond('tools/list', result)).toMatchObject({ passed: false, code: -32603 })
  })

  it('answers every method', async () => {
    for (const method of ['initialize', 'server/discover', 'ping', 'tools/call', 'prompts/get', 'resources/read'])
      expect([method, (await respond(method, {})).passed]).toEqual([method, true])
    for (const method of ['vendor/x', 'roots/list', 'notifications/message'])
      expect([method, (await respond(method, {})).passed]).toEqual([method, false])
  })

  it('takes results whose requests the gateway does not show only where ext_authz has judged them', async () => {
    expect(await respond('completion/complete', {})).toMatchObject({ passed: false })
    expect(await respond('completion/complete', {}, { judged: true })).toMatchObject({ passed: true })
  })

  it('refuses lists where nobody filters them', async () => {
    const { passed, errors } = await respond('tools/list', list, {}, false)
    expect([passed, errors.length]).toEqual([false, 1])
    expect((await respond('tools/call', {}, {}, false)).passed).toBe(true)
  })
})
