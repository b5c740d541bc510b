import type { GatewayCase } from './case.js'
import { call } from './messages.js'

const http = {
  ExtMcp: 'HTTP is the business of the gateway',
  AuthZEN: 'HTTP is the business of whoever asks',
  explain: 'it makes the HTTP request itself',
} as const
const elsewhere = {
  AuthZEN: 'the Server is named in the evaluation',
  explain: 'the Server is named by a flag',
} as const

export const framing: readonly GatewayCase[] = [
  {
    ...{ name: 'another type', who: 'alice', body: call('echo'), headers: [['content-type', 'text/plain']] },
    ...{ expected: 'framing.content_type', cannot: http },
  },
  {
    ...{ name: 'a type that comes twice', who: 'alice', body: call('echo'), expected: 'framing.content_type' },
    headers: [
      ['content-type', 'application/json'],
      ['content-type', 'text/plain'],
    ],
    cannot: { AuthZEN: http.AuthZEN, explain: http.explain },
    instead: [['ExtMcp', 'allow', 'the gateway has read it as JSON']],
  },
  {
    ...{ name: 'a compressed body', who: 'alice', body: call('echo'), headers: [['content-encoding', 'gzip']] },
    expected: 'framing.content_encoding',
    cannot: { AuthZEN: http.AuthZEN },
    instead: [['ExtMcp', 'allow', 'the gateway has read what it was']],
  },
  { name: 'no body', who: 'alice', expected: 'framing.body_missing', cannot: http },
  {
    ...{ name: 'a body larger than what is shown', who: 'alice', body: call('echo', { a: 'x'.repeat(500) }), max: 300 },
    ...{ expected: 'framing.body_incomplete', gatewayRefuses: true },
    cannot: { ExtMcp: 'it has no such limit', AuthZEN: 'it has no such limit', explain: 'it has no such limit' },
  },
  {
    ...{
      name: 'a cut body that a client calls whole',
      who: 'alice',
      body: call('echo', { a: 'x'.repeat(500) }),
      max: 300,
    },
    ...{ expected: 'framing.body_incomplete', gatewayRefuses: true },
    headers: [['x-envoy-auth-partial-body', 'false']],
    cannot: { ExtMcp: 'it has no such limit', AuthZEN: 'it has no such limit', explain: 'it has no such limit' },
  },
  {
    ...{ name: 'a cut body without a length', who: 'alice', body: call('echo', { a: 'x'.repeat(500) }), max: 300 },
    ...{ expected: 'framing.body_incomplete', gatewayRefuses: true },
    headers: [['transfer-encoding', 'chunked']],
    cannot: { ExtMcp: 'it has no such limit', AuthZEN: 'it has no such limit', explain: 'it has no such limit' },
  },
  {
    ...{ name: 'two tokens', who: 'alice', body: call('echo'), expected: 'framing.header_repeated' },
    headers: [
      ['authorization', 'Bearer a.b.c'],
      ['authorization', 'Bearer d.e.f'],
    ],
    cannot: { AuthZEN: 'the subject has one token', explain: 'there is one token file' },
  },
  {
    ...{ name: 'an upgrade', who: 'alice', body: call('echo'), expected: 'framing.upgrade' },
    headers: [
      ['connection', 'Upgrade'],
      ['upgrade', 'websocket'],
    ],
    cannot: { AuthZEN: http.AuthZEN },
  },
  {
    ...{ name: 'a token in the query', who: 'nobody', path: '/files?access_token=x', body: call('echo') },
    ...{ expected: 'framing.token_in_query', cannot: elsewhere },
  },
  {
    ...{ name: 'a path with two readings', who: 'alice', path: '/files/../files', body: call('echo') },
    ...{ expected: 'framing.path_ambiguous', cannot: elsewhere },
  },
  {
    ...{ name: 'another path', who: 'alice', path: '/files/admin', body: call('echo') },
    ...{ expected: 'server.path', cannot: elsewhere },
  },
  {
    ...{ name: 'a Server that there is not', who: 'alice', server: 'nothing', body: call('echo') },
    expected: 'server.unknown',
    cannot: { explain: 'a Server that there is not is an error of the command line' },
  },
]

export const otherMethods: readonly GatewayCase[] = [
  {
    ...{ name: 'the stream of a session', who: 'alice', method: 'GET', headers: [['accept', 'text/event-stream']] },
    ...{ expected: 'allow', cannot: http },
  },
  {
    ...{ name: 'the end of a session', who: 'alice', method: 'DELETE', headers: [['mcp-session-id', 's1']] },
    ...{ expected: 'allow', cannot: http },
  },
  {
    ...{ name: 'a session id with a space', who: 'alice', body: call('echo'), headers: [['mcp-session-id', 'a b']] },
    expected: 'session.malformed',
  },
  {
    ...{ name: 'a session of the modern era', who: 'alice', expected: 'session.unexpected' },
    body: {
      ...call('echo'),
      params: { ...call('echo').params, _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } },
    },
    headers: [
      ['mcp-protocol-version', '2026-07-28'],
      ['mcp-method', 'tools/call'],
      ['mcp-name', 'echo'],
      ['mcp-session-id', 's1'],
    ],
  },
  { name: 'another method of HTTP', who: 'alice', method: 'PUT', expected: 'framing.http_method', cannot: http },
  {
    ...{ name: 'the document of a protected resource', who: 'nobody', method: 'GET', expected: 'respond' },
    path: '/.well-known/oauth-protected-resource/files',
    cannot: http,
  },
]
