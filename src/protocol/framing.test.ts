import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkFraming } from './framing.js'
import { inboundRequest, type RequestFixture } from './inbound-request.fixture.js'
import type { FramingReason } from './reasons.js'

const text = '{}'
const with_ = (...headers: [string, string][]): RequestFixture => ({ text, headers })

const many = (count: number): [string, string][] => Array.from({ length: count }, (_, i) => [`x-${i}`, 'v'])

describe('checkFraming accepts', () => {
  const cases: [name: string, fixture: RequestFixture][] = [
    ['a POST', { text }],
    ['a POST in UTF-8', with_(['content-type', 'application/json; charset=utf-8'])],
    ['identity', with_(['content-encoding', 'identity'])],
    ['a content-length', with_(['content-length', '2'])],
    ['a query', { text, query: 'sessionId=a%2fb&x=%2e%2e/' }],
    ['a port', { text, authority: 'mcp.example.com:8443' }],
    ['IPv6', { text, authority: '[::1]:8080' }],
    ['host equal to authority', with_(['host', 'MCP.example.com'])],
    ['a comma where it belongs', with_(['accept', 'application/json, text/event-stream'], ['mcp-name', 'file:///a,b'])],
    [
      'repeats where they belong',
      with_(['accept', 'a/b'], ['accept', 'c/d'], ['x-forwarded-for', '1'], ['x-forwarded-for', '2']),
    ],
    ['a harmless underscore', with_(['x_custom', '1'])],
    ['72 headers', with_(...many(71))],
    ['nearly 32 KiB of headers', with_(['cookie', 'c'.repeat(32 * 1024 - 100)])],
    ['keep-alive', with_(['connection', 'keep-alive'])],
    ['an encoded space', { text, path: '/mcp%20x' }],
    ['dots within segments', { text, path: '/.well-known/a..b/...' }],
    ['a GET', { method: 'GET' }],
    ['a GET with content-length 0', { method: 'GET', headers: [['content-length', '0']] }],
    ['a DELETE', { method: 'DELETE' }],
    [
      'a preflight',
      {
        method: 'OPTIONS',
        headers: [
          ['origin', 'https://a.example'],
          ['access-control-request-method', 'POST'],
        ],
      },
    ],
  ]
  it.each(cases)('%s', (_name, fixture) => {
    expect(checkFraming(inboundRequest(fixture))).toBeUndefined()
  })
})

describe('checkFraming refuses', () => {
  const cases: [name: string, fixture: RequestFixture, reason: FramingReason, status: number][] = [
    ['HEAD', { method: 'HEAD' }, 'framing.http_method', 405],
    ['PUT', { method: 'PUT', text }, 'framing.http_method', 405],
    ['CONNECT', { method: 'CONNECT' }, 'framing.http_method', 405],
    ['post in lower case', { method: 'post', text }, 'framing.http_method', 405],
    ['OPTIONS that is no preflight', { method: 'OPTIONS' }, 'framing.http_method', 405],
    ['OPTIONS with an origin only', { method: 'OPTIONS', headers: [['origin', 'null']] }, 'framing.http_method', 405],
    ...[
      ...[
        '',
        'mcp',
        '*',
        'http://h/mcp',
        '//mcp',
        '/a//b',
        '/./mcp',
        '/a/../mcp',
        '/mcp/..',
        '/mcp/.',
        '/mcp/..;/x',
        '/;/.;a/',
      ],
      ...[
        '/a%2fb',
        '/a%2Fb',
        '/a%5cb',
        '/%2e%2e/mcp',
        '/%2E/mcp',
        '/a%252fb',
        '/a%00',
        '/a%0a',
        '/a%7f',
        '/a%',
        '/a%2',
        '/a%zz',
      ],
      ...['/a\\b', '/a#b', '/a b', '/a\tb', '/ž', '/a\u007f', `/${'a'.repeat(3000)}`],
    ].map((path): [string, RequestFixture, FramingReason, number] => [
      `the path ${JSON.stringify(path).slice(0, 30)}`,
      { text, path },
      'framing.path_ambiguous',
      400,
    ]),
    ['a control character in the query', { text, query: 'a=\n' }, 'framing.path_ambiguous', 400],
    ['a fragment in the query', { text, query: 'a#b' }, 'framing.path_ambiguous', 400],
    ['a long query', { text, query: 'a'.repeat(9000) }, 'framing.path_ambiguous', 400],
    ...[
      '',
      'a,b',
      'user@host',
      'host.',
      '.host',
      'a..b',
      'host:',
      'host:123456',
      'a b',
      'a/b',
      '[::1',
      'ž',
      `${'a'.repeat(300)}`,
    ].map((authority): [string, RequestFixture, FramingReason, number] => [
      `the authority ${JSON.stringify(authority).slice(0, 30)}`,
      { text, authority },
      'framing.authority_ambiguous',
      400,
    ]),
    ['another host', with_(['host', 'other.example.com']), 'framing.authority_ambiguous', 400],
    ...[
      'authorization',
      'mcp-session-id',
      'mcp-protocol-version',
      'mcp-method',
      'mcp-name',
      'content-type',
      'content-length',
      'content-encoding',
      'host',
      'origin',
      'dpop',
      'transfer-encoding',
    ].map((name): [string, RequestFixture, FramingReason, number] => [
      `${name} twice`,
      with_([name, 'a'], [name, 'a']),
      'framing.header_repeated',
      400,
    ]),
    ['joined authorization', with_(['authorization', 'Bearer a,Bearer b']), 'framing.header_repeated', 400],
    ['joined session ids', with_(['mcp-session-id', 'a,b']), 'framing.header_repeated', 400],
    ['joined content-length', with_(['content-length', '2,2']), 'framing.header_repeated', 400],
    ['gzip over identity', with_(['content-encoding', 'identity, gzip']), 'framing.header_repeated', 400],
    ['a signed content-length', with_(['content-length', '+2']), 'framing.header_invalid', 400],
    ['a control character in a header', with_(['authorization', 'Bearer a\u0000']), 'framing.header_invalid', 400],
    ['a header beyond ASCII', with_(['mcp-session-id', 'ž']), 'framing.header_invalid', 400],
    ['an underscore look-alike', with_(['mcp_session_id', 'a']), 'framing.header_invalid', 400],
    ['an upper-case name', with_(['Authorization', 'Bearer a']), 'framing.header_invalid', 400],
    ['a name with a blank', with_(['authorization ', 'Bearer a']), 'framing.header_invalid', 400],
    ['a method override', with_(['x-http-method-override', 'DELETE']), 'framing.header_invalid', 400],
    ['a look-alike with dots', with_(['mcp.session.id', 'a']), 'framing.header_invalid', 400],
    ['a method override with dots', with_(['x.http.method', 'DELETE']), 'framing.header_invalid', 400],
    ['a method override with underscores', with_(['x_http_method_override', 'DELETE']), 'framing.header_invalid', 400],
    ['an upgrade', with_(['upgrade', 'websocket'], ['connection', 'Upgrade']), 'framing.upgrade', 400],
    ['connection: upgrade alone', with_(['connection', 'keep-alive, Upgrade']), 'framing.upgrade', 400],
    [
      'an extended CONNECT as Envoy shows it',
      { method: 'GET', headers: [['upgrade', 'websocket']] },
      'framing.upgrade',
      400,
    ],
    ['73 headers', with_(...many(72)), 'framing.headers_too_large', 431],
    ['one header 73 times', with_(...Array(72).fill(['x-a', 'v'])), 'framing.headers_too_large', 431],
    ['32 KiB in few characters', with_(['cookie', '\u3042'.repeat(11_000)]), 'framing.headers_too_large', 431],
    ['32 KiB in one header', with_(['cookie', 'c'.repeat(32 * 1024)]), 'framing.headers_too_large', 431],
    [
      'an ambiguous path before anything else',
      { method: 'PUT', path: '/a/../b', headers: many(100) },
      'framing.path_ambiguous',
      400,
    ],
    [
      'an ambiguous host too',
      { method: 'PUT', authority: 'a,b', headers: many(100) },
      'framing.authority_ambiguous',
      400,
    ],
    ['a token in the query', { text, query: 'a=1&access_token=x' }, 'framing.token_in_query', 400],
    ['a token in the query, encoded', { text, query: 'access%5Ftoken=x' }, 'framing.token_in_query', 400],
    ['a token in the query of a GET', { method: 'GET', query: 'ACCESS_TOKEN' }, 'framing.token_in_query', 400],
    ['no content-type', { text, headers: [['content-type', '']] }, 'framing.content_type', 415],
    ['text/plain', with_(['content-type', 'text/plain']), 'framing.content_type', 415],
    ['application/jsonx', with_(['content-type', 'application/jsonx']), 'framing.content_type', 415],
    ['two content-types joined', with_(['content-type', 'application/json,text/plain']), 'framing.content_type', 415],
    ['UTF-16', with_(['content-type', 'application/json; charset=utf-16le']), 'framing.content_type', 415],
    ['gzip', with_(['content-encoding', 'gzip']), 'framing.content_encoding', 415],
    ['an empty content-encoding', with_(['content-encoding', '']), 'framing.content_encoding', 415],
    ['a POST without body', {}, 'framing.body_missing', 400],
    ['a POST with an empty body', { text: '' }, 'framing.body_missing', 400],
    ['a part of a body', { body: { state: 'incomplete', detail: '' } }, 'framing.body_incomplete', 413],
    ['a GET with a body', { method: 'GET', text }, 'framing.body_unexpected', 400],
    [
      'a GET with a part of a body',
      { method: 'GET', body: { state: 'incomplete', detail: '' } },
      'framing.body_unexpected',
      400,
    ],
    [
      'a DELETE that announces a body',
      { method: 'DELETE', headers: [['content-length', '2']] },
      'framing.body_unexpected',
      400,
    ],
    ['a chunked GET', { method: 'GET', headers: [['transfer-encoding', 'chunked']] }, 'framing.body_unexpected', 400],
  ]
  it.each(cases)('%s', (_name, fixture, reason, status) => {
    expect(checkFraming(inboundRequest(fixture))).toMatchObject({ reason, status })
  })
})

describe('a route that states max_request_bytes', () => {
  const stated = (extension: string, length: number) =>
    checkFraming({
      ...inboundRequest({ text: 'x'.repeat(length) }),
      context: {
        extensions: new Map([['mcp-max-request-bytes', extension]]),
        routeMetadata: new Map(),
        filterMetadata: new Map(),
      },
    })

  it('lets no body pass that fills the buffer: more may be to come', () => {
    expect(stated('32', 31)).toBeUndefined()
    expect(stated('32', 32)).toMatchObject({ reason: 'framing.body_incomplete', status: 413 })
    expect(stated('32', 33)).toMatchObject({ reason: 'framing.body_incomplete', status: 413 })
  })

  it('may be stood in for by its listener, and wins over it', () => {
    const request = inboundRequest({ text: 'x'.repeat(32) })
    const listener = { ...request.listener, gatewayBodyBytes: 32 }
    expect(checkFraming({ ...request, listener })).toMatchObject({ reason: 'framing.body_incomplete', status: 413 })
    expect(checkFraming({ ...request, listener: { ...listener, gatewayBodyBytes: 33 } })).toBeUndefined()
    const context = { ...request.context, extensions: new Map([['mcp-max-request-bytes', '64']]) }
    expect(checkFraming({ ...request, listener, context })).toBeUndefined()
  })

  it.each(['', '0', '-1', '1MiB', '1e6', ' 32', '032'])('and says %j lets none pass', extension => {
    expect(stated(extension, 1)).toMatchObject({ reason: 'framing.body_incomplete' })
  })
})

it('never throws, and never accepts a path that a URL parser would change', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('/', '.', '%', '2', 'f', 'e', '5', 'c', ';', '\\', 'a', '#', 'ž') }),
      path => {
        const failure = checkFraming(inboundRequest({ text, path }))
        if (failure === undefined) expect(new URL(`http://h${path}`).pathname).toBe(path)
      },
    ),
    { numRuns: 2000 },
  )
})
