import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Call } from '../call.js'
import { inboundRequest } from '../inbound-request.fixture.js'
import type { ProtocolReason } from '../reasons.js'
import { type ReadCallOptions, readCall } from './classify.js'
import { versionKey } from './era.js'
import { methodTable } from './method-table.js'

type Headers = [name: string, value: string][]
const options: ReadCallOptions = { protocol: 'mcp', methods: new Set() }
const withTasks: ReadCallOptions = { protocol: 'mcp', methods: new Set(['tasks/*', 'vendor/x']) }
const modernVersion = '2026-07-28'

const post = (body: unknown, headers: Headers = [], opts = options) =>
  readCall(inboundRequest({ text: typeof body === 'string' ? body : JSON.stringify(body), headers }), opts)
const request = (method: string, params?: object, id: unknown = 1) => ({ jsonrpc: '2.0', id, method, params })
const notify = (method: string, params?: object) => ({ jsonrpc: '2.0', method, params })
const claim = (params: object = {}, version: unknown = modernVersion) => ({
  ...params,
  _meta: { [versionKey]: version },
})
const mirror = (method: string, name?: string, version = modernVersion): Headers => [
  ['mcp-protocol-version', version],
  ['mcp-method', method],
  ...(name === undefined ? [] : ([['mcp-name', name]] as Headers)),
]
const session: Headers = [
  ['mcp-session-id', 'sid-1'],
  ['mcp-protocol-version', '2025-11-25'],
]
const modern = (method: string, params: object = {}, name?: string, opts = options) =>
  post(request(method, claim(params)), mirror(method, name), opts)

describe('readCall reads', () => {
  const cases: [name: string, result: ReturnType<typeof readCall>, call: Partial<Call>][] = [
    [
      'a legacy call',
      post(request('tools/call', { name: 'a', arguments: { x: 1 } }), session),
      {
        ...{ kind: 'request', era: 'legacy', version: '2025-11-25', id: '1', method: 'tools/call', sessionId: 'sid-1' },
        ...{ target: { kind: 'tool', name: 'a' }, arguments: new Map([['x', 1n]]) },
      },
    ],
    [
      'a call before 2025-06-18, which has no version header',
      post(request('ping')),
      { era: 'legacy', version: undefined, sessionId: undefined },
    ],
    [
      'a modern call',
      modern('tools/call', { name: 'a' }, 'a'),
      { era: 'modern', version: modernVersion, target: { kind: 'tool', name: 'a' }, arguments: undefined },
    ],
    [
      'a name in base64',
      modern('tools/call', { name: 'a' }, '=?base64?YQ==?='),
      { target: { kind: 'tool', name: 'a' } },
    ],
    [
      'the probe of a client',
      modern('server/discover'),
      { era: 'modern', method: 'server/discover', target: { kind: 'none' } },
    ],
    [
      'the probe of a newer client',
      post(request('server/discover', claim({}, '2027-01-01')), mirror('server/discover', undefined, '2027-01-01')),
      { version: '2027-01-01' },
    ],
    [
      'the probe for a version that nobody has',
      post(request('server/discover', claim({}, 'v999.0.0')), mirror('server/discover', undefined, 'v999.0.0')),
      { version: 'v999.0.0' },
    ],
    [
      'initialize',
      post(
        request('initialize', {
          protocolVersion: '2025-11-25',
          capabilities: {},
          clientInfo: { name: 'c', version: '1' },
        }),
      ),
      { era: 'legacy', method: 'initialize', version: undefined },
    ],
    [
      'initialize for a version of tomorrow, which the server will talk down',
      post(request('initialize', { protocolVersion: '2027-01-01' })),
      { method: 'initialize' },
    ],
    [
      'notifications/initialized',
      post(notify('notifications/initialized'), session),
      { kind: 'notification', id: undefined, sessionId: 'sid-1' },
    ],
    [
      'a prompt',
      post(request('prompts/get', { name: 'p', arguments: { a: 'b' } })),
      { target: { kind: 'prompt', name: 'p' }, arguments: new Map([['a', 'b']]) },
    ],
    [
      'a resource',
      modern('resources/read', { uri: 'file:///a' }, 'file:///a'),
      { target: { kind: 'resource', name: 'file:///a' } },
    ],
    [
      'a subscription',
      post(request('resources/subscribe', { uri: 'file:///a' })),
      { target: { kind: 'resource', name: 'file:///a' } },
    ],
    [
      'a completion of a prompt',
      post(
        request('completion/complete', { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'a', value: '' } }),
      ),
      { target: { kind: 'prompt', name: 'p' }, arguments: undefined },
    ],
    [
      'a completion of a template',
      modern('completion/complete', { ref: { type: 'ref/resource', uri: 'file:///{p}' } }),
      { target: { kind: 'resource', name: 'file:///{p}' } },
    ],
    [
      'subscriptions/listen',
      modern('subscriptions/listen', {
        notifications: { toolsListChanged: true, resourceSubscriptions: ['file:///a', 'file:///b'] },
      }),
      {
        ...{
          target: { kind: 'none' },
          alsoTargets: [
            { kind: 'resource', name: 'file:///a' },
            { kind: 'resource', name: 'file:///b' },
          ],
        },
      },
    ],
    [
      'tasks where enabled',
      modern('tasks/get', { taskId: 't1' }, 't1', withTasks),
      { target: { kind: 'task', name: 't1' } },
    ],
    [
      'tasks listened to where enabled',
      modern('subscriptions/listen', { notifications: { taskIds: ['t1'] } }, undefined, withTasks),
      { alsoTargets: [{ kind: 'task', name: 't1' }] },
    ],
    [
      'a method that the server lists',
      post(request('vendor/x', { name: 1 }), [], withTasks),
      { method: 'vendor/x', target: { kind: 'none' } },
    ],
    ['an id as written', post('{"jsonrpc":"2.0","id":"a\\u0062","method":"ping"}'), { id: '"a\\u0062"' }],
    [
      'a response in a session',
      post({ jsonrpc: '2.0', id: 3, result: { action: 'accept' } }, session),
      { kind: 'response', method: '', id: '3', target: { kind: 'none' } },
    ],
    [
      'the event stream',
      readCall(inboundRequest({ method: 'GET', headers: session }), options),
      { kind: 'stream', era: 'legacy', sessionId: 'sid-1', method: '' },
    ],
    [
      'the event stream without session',
      readCall(inboundRequest({ method: 'GET' }), options),
      { kind: 'stream', sessionId: undefined },
    ],
    [
      'the end of a session',
      readCall(inboundRequest({ method: 'DELETE', headers: session }), options),
      { kind: 'close', sessionId: 'sid-1' },
    ],
    [
      'legacy headers that tell the same',
      post(request('tools/call', { name: 'a' }), [
        ['mcp-method', 'tools/call'],
        ['mcp-name', 'a'],
      ]),
      { era: 'legacy' },
    ],
  ]
  it.each(cases)('%s', (_name, result, call) => {
    expect(result).toMatchObject({ ok: true, call })
  })

  it('a modern notification by its header alone', () => {
    const result = post(notify('notifications/vendor'), [['mcp-protocol-version', modernVersion]], {
      protocol: 'mcp',
      methods: new Set(['notifications/vendor']),
    })
    expect(result).toMatchObject({ ok: true, call: { kind: 'notification', era: 'modern' } })
  })

  it('a JSON body for servers that speak no MCP', () => {
    const json: ReadCallOptions = { protocol: 'json', methods: new Set() }
    expect(post({ model: 'm' }, [], json)).toMatchObject({
      ok: true,
      call: { protocol: 'json', kind: 'request', method: '', params: new Map([['model', 'm']]) },
    })
    expect(post([], [], json)).toMatchObject({ ok: false, reason: 'message.params', status: 400 })
    expect(post('{"a":1,"a":1}', [], json)).toMatchObject({ ok: false, reason: 'message.duplicate_key' })
    expect(readCall(inboundRequest({ method: 'GET' }), json)).toMatchObject({
      ok: false,
      reason: 'framing.http_method',
    })
    expect(readCall(inboundRequest({}), json)).toMatchObject({ ok: false, reason: 'framing.body_missing' })
  })
})

describe('readCall refuses', () => {
  const tool = { name: 'a' }
  const cases: [name: string, result: ReturnType<typeof readCall>, reason: ProtocolReason, rest?: object][] = [
    ['no body', readCall(inboundRequest({}), options), 'framing.body_missing', { status: 400 }],
    [
      'a part of a body',
      readCall(inboundRequest({ body: { state: 'incomplete', detail: '' } }), options),
      'framing.body_incomplete',
    ],
    ['a body that is too large', post(`"${'a'.repeat(5_000_000)}"`), 'message.too_large', { status: 413 }],
    ['OPTIONS', readCall(inboundRequest({ method: 'OPTIONS' }), options), 'framing.http_method', { status: 405 }],
    ['no JSON', post('{'), 'message.not_json', { status: 400, jsonRpcCode: -32700, id: undefined }],
    ['a batch', post([request('ping')]), 'message.batch', { jsonRpcCode: -32600 }],
    ['a call without id', post(notify('tools/call', tool)), 'message.id'],
    ['a notification with id', post(request('notifications/initialized')), 'message.id', { id: '1' }],
    ['Name beside name', post(request('tools/call', { name: 'a', Name: 'b' })), 'message.folded_key', { id: '1' }],
    ['ſ for s in arguments', post(request('tools/call', { name: 'a', 'argument\u017f': {} })), 'message.folded_key'],
    ['K for k in taskId', post(request('tools/call', { name: 'a', 'tas\u212aId': 'x' })), 'message.folded_key'],
    [
      'a folded key of _meta',
      post(request('tools/call', { name: 'a', _meta: { [versionKey.toUpperCase()]: modernVersion } })),
      'message.folded_key',
    ],
    [
      'a folded key of ref',
      post(request('completion/complete', { ref: { type: 'ref/prompt', name: 'a', Name: 'b' } })),
      'message.folded_key',
    ],
    [
      'a folded key of notifications',
      modern('subscriptions/listen', { notifications: { resourcesubscriptions: [] } }),
      'message.folded_key',
    ],
    [
      'arguments that differ in case',
      post(request('tools/call', { name: 'a', arguments: { namespace: 'x', Namespace: 'y' } })),
      'message.folded_key',
    ],
    ['_meta that is no object', post(request('tools/call', { name: 'a', _meta: [] })), 'message.params'],
    [
      'arguments null',
      post(request('tools/call', { name: 'a', arguments: null })),
      'message.params',
      { jsonRpcCode: -32602 },
    ],
    ['arguments as list', post(request('tools/call', { name: 'a', arguments: [] })), 'message.params'],
    ['arguments as text', post(request('prompts/get', { name: 'a', arguments: '{}' })), 'message.params'],
    ['a call without params', post(request('tools/call')), 'message.name'],
    ['a name that is no string', post(request('tools/call', { name: 1 })), 'message.name'],
    ...['', ' ', 'a b', 'a\u0000', 'a\n', 'ä', 'a:b', 'a'.repeat(129)].map(
      (name): [string, ReturnType<typeof readCall>, ProtocolReason] => [
        `the name ${JSON.stringify(name).slice(0, 20)}`,
        post(request('tools/call', { name })),
        'message.name',
      ],
    ),
    ['a uri that is not canonical', post(request('resources/read', { uri: 'file:///a/../b' })), 'message.uri'],
    ['a uri that is no string', post(request('resources/read', { uri: {} })), 'message.uri'],
    ['a template where a resource is meant', post(request('resources/read', { uri: 'file:///{a}' })), 'message.uri'],
    [
      'one bad uri among many',
      modern('subscriptions/listen', { notifications: { resourceSubscriptions: ['file:///a', 'x'] } }),
      'message.uri',
    ],
    [
      'too many uris',
      modern('subscriptions/listen', { notifications: { resourceSubscriptions: Array(101).fill('file:///a') } }),
      'message.params',
    ],
    [
      'uris that are no list',
      modern('subscriptions/listen', { notifications: { resourceSubscriptions: 'file:///a' } }),
      'message.params',
    ],
    ['listening to nothing said', modern('subscriptions/listen'), 'message.params'],
    [
      'a ref of two kinds',
      post(request('completion/complete', { ref: { type: 'ref/prompt', name: 'a', uri: 'file:///a' } })),
      'message.params',
    ],
    [
      'a ref of an unknown kind',
      post(request('completion/complete', { ref: { type: 'ref/tool', name: 'a' } })),
      'message.params',
    ],
    ['no ref', post(request('completion/complete')), 'message.params'],
    [
      'an unknown method',
      post(request('tools/execute')),
      'method.unknown',
      { jsonRpcCode: -32601, id: '1', kind: 'request', era: 'legacy' },
    ],
    ['a method in another case', post(request('Tools/call', tool)), 'method.unknown'],
    ['a method of the prototype', post(request('constructor')), 'method.unknown'],
    ['an unknown modern method', modern('tools/execute'), 'method.unknown', { era: 'modern' }],
    ['a method of servers', post(request('sampling/createMessage')), 'method.direction'],
    [
      'a notification of servers',
      post(notify('notifications/tools/list_changed'), session),
      'method.direction',
      { kind: 'notification' },
    ],
    ['a legacy method in the modern era', modern('initialize'), 'method.era'],
    ['ping in the modern era', modern('ping'), 'method.era'],
    ['a modern method in the legacy era', post(request('server/discover')), 'method.era'],
    ['tasks where not enabled', post(request('tasks/get', { taskId: 't' })), 'method.not_enabled'],
    [
      'listening to tasks where not enabled',
      modern('subscriptions/listen', { notifications: { taskIds: ['t'] } }),
      'method.not_enabled',
    ],
    [
      'an extension where not enabled',
      post(request('resources/directory/read', { uri: 'skill://a' })),
      'method.not_enabled',
    ],
    ['a task id with blanks', post(request('tasks/get', { taskId: 'a b' }), [], withTasks), 'message.name'],
    ['a claim that is no string', post(request('ping', claim({}, 20260728))), 'message.era', { status: 400 }],
    ['a claim of null', post(request('ping', claim({}, null))), 'message.era'],
    ['a legacy claim', post(request('tools/call', claim(tool, '2025-11-25'))), 'message.era'],
    [
      'a claim of zzz',
      post(request('tools/call', claim(tool, 'zzz')), mirror('tools/call', 'a', 'zzz')),
      'message.era',
    ],
    [
      'a probe whose header names another version',
      post(request('server/discover', claim({}, 'v999.0.0')), mirror('server/discover', undefined, '2026-07-28')),
      'message.header_mismatch',
      { jsonRpcCode: -32020 },
    ],
    [
      'a version of tomorrow',
      post(request('tools/call', claim(tool, '2027-01-01')), mirror('tools/call', 'a', '2027-01-01')),
      'message.era',
    ],
    [
      'a modern header without claim',
      post(request('tools/call', tool), mirror('tools/call', 'a')),
      'message.era',
      { jsonRpcCode: -32602 },
    ],
    [
      'an unknown version header',
      post(request('tools/call', tool), [['mcp-protocol-version', '1.0']]),
      'message.era',
      { status: 400 },
    ],
    [
      'a modern body without headers, which legacy servers execute',
      post(request('tools/call', claim(tool))),
      'message.header_mismatch',
      { status: 400, jsonRpcCode: -32020 },
    ],
    [
      'another version in the header',
      post(request('tools/call', claim(tool)), mirror('tools/call', 'a', '2025-11-25')),
      'message.header_mismatch',
      { jsonRpcCode: -32020 },
    ],
    [
      'another method in the header',
      post(request('tools/call', claim(tool)), mirror('tools/list', 'a')),
      'message.header_mismatch',
      { jsonRpcCode: -32020 },
    ],
    [
      'the method in another case',
      post(request('tools/call', claim(tool)), mirror('Tools/Call', 'a')),
      'message.header_mismatch',
    ],
    [
      'another name in the header',
      modern('tools/call', tool, 'b'),
      'message.header_mismatch',
      { jsonRpcCode: -32020, id: '1' },
    ],
    ['no name in the header', modern('tools/call', tool), 'message.header_mismatch'],
    ['a name that is bad base64', modern('tools/call', tool, '=?base64?YQ?='), 'message.header_mismatch'],
    ['a name for what has none', modern('tools/list', {}, 'a'), 'message.header_mismatch'],
    [
      'a legacy message with another name',
      post(request('tools/call', tool), [['mcp-name', 'b']]),
      'message.header_mismatch',
      { jsonRpcCode: -32600 },
    ],
    [
      'a legacy message with another method',
      post(request('tools/call', tool), [['mcp-method', 'ping']]),
      'message.header_mismatch',
      { jsonRpcCode: -32600 },
    ],
    [
      'a session in the modern era',
      post(request('tools/call', claim(tool)), [...mirror('tools/call', 'a'), ['mcp-session-id', 's']]),
      'session.unexpected',
      { status: 400 },
    ],
    [
      'a session id with a blank',
      post(request('ping'), [['mcp-session-id', 'a b']]),
      'session.malformed',
      { status: 400 },
    ],
    ['a session id that is empty', post(request('ping'), [['mcp-session-id', '']]), 'session.malformed'],
    ['a session id that is long', post(request('ping'), [['mcp-session-id', 'a'.repeat(4097)]]), 'session.malformed'],
    [
      'two session ids',
      post(request('ping'), [
        ['mcp-session-id', 'a'],
        ['mcp-session-id', 'a'],
      ]),
      'session.malformed',
    ],
    ['a response without session', post({ jsonrpc: '2.0', id: 1, result: {} }), 'session.missing'],
    [
      'a response in the modern era',
      post({ jsonrpc: '2.0', id: 1, result: {} }, [['mcp-protocol-version', modernVersion]]),
      'message.era',
    ],
    [
      'a response that says it is a request',
      post({ jsonrpc: '2.0', id: 1, result: {} }, [...session, ['mcp-method', 'ping']]),
      'message.header_mismatch',
    ],
    [
      'DELETE without session',
      readCall(inboundRequest({ method: 'DELETE' }), options),
      'session.missing',
      { status: 400 },
    ],
    [
      'GET in the modern era',
      readCall(inboundRequest({ method: 'GET', headers: [['mcp-protocol-version', modernVersion]] }), options),
      'message.era',
      { status: 405 },
    ],
    [
      'GET with a method header',
      readCall(inboundRequest({ method: 'GET', headers: [['mcp-method', 'ping']] }), options),
      'message.header_mismatch',
    ],
    [
      'GET with a bad session id',
      readCall(inboundRequest({ method: 'GET', headers: [['mcp-session-id', '\u007f']] }), options),
      'session.malformed',
    ],
  ]
  it.each(cases)('%s', (_name, result, reason, rest = {}) => {
    expect(result).toMatchObject({ ok: false, reason, ...rest })
  })
})

describe('readCall', () => {
  const anyHeaders = fc.array(
    fc.tuple(
      fc.constantFrom('mcp-protocol-version', 'mcp-method', 'mcp-name', 'mcp-session-id'),
      fc.constantFrom('2025-11-25', modernVersion, 'tools/call', 'a', 'b', 'zzz', ''),
    ),
    { maxLength: 4 },
  )

  it('never gives a code of the modern era to a message without claim, and never throws', () => {
    const methods = fc.constantFrom(...methodTable.keys(), 'vendor/x', 'unknown')
    const params = fc.option(
      fc.object({ key: fc.constantFrom('name', 'uri', 'arguments', 'ref', 'taskId', 'x'), maxDepth: 2 }),
      { nil: undefined },
    )
    fc.assert(
      fc.property(
        methods,
        params,
        fc.option(fc.nat(), { nil: undefined }),
        anyHeaders,
        (method, given, id, headers) => {
          const result = post({ jsonrpc: '2.0', id, method, params: given }, headers, withTasks)
          if (!result.ok) expect([-32020, -32021, -32022]).not.toContain(result.jsonRpcCode)
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('never throws on any JSON', () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        anyHeaders,
        (body, headers) => typeof post(JSON.stringify(body), headers).ok === 'boolean',
      ),
    )
  })

  it('has every method of the table either readable or refused by the table', () => {
    const params = {
      name: 'a',
      uri: 'file:///a',
      taskId: 't',
      ref: { type: 'ref/prompt', name: 'p' },
      notifications: {},
    }
    for (const row of methodTable.values()) {
      const message = row.kind === 'request' ? request(row.name, params) : notify(row.name, params)
      const result = post(message, session, withTasks)
      const expected =
        row.direction !== 'toClient' && row.eras.includes('legacy') && row.name !== 'resources/directory/read'
      expect([row.name, result.ok]).toEqual([row.name, expected])
    }
  })
})
