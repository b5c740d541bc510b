import { describe, expect, it } from 'vitest'
import { inboundRequest, type RequestFixture } from '../inbound-request.fixture.js'
import { readCall } from './classify.js'

const sse = { stream: '/sse', messages: '/messages', session: 'sessionId' }
const list = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'

function read(fixture: RequestFixture, session = 'sessionId') {
  return readCall(inboundRequest(fixture), { protocol: 'mcp', methods: new Set(), sse: { ...sse, session } })
}
const post = (query: string | undefined, more: RequestFixture = {}) =>
  read({ path: '/messages', text: list, ...(query !== undefined && { query }), ...more })

describe('a server of the transport HTTP+SSE', () => {
  it('has a stream that GET opens', () => {
    expect(read({ method: 'GET', path: '/sse' })).toMatchObject({ ok: true, call: { kind: 'stream', era: 'legacy' } })
  })

  it.each([
    ['sessionId=b7f2-4c.x_~', 'b7f2-4c.x_~'],
    ['a=1&sessionId=x&b', 'x'],
  ])('takes messages with their session in the query: %s', (query, sessionId) => {
    expect(post(query)).toMatchObject({ ok: true, call: { method: 'tools/list', sessionId } })
  })

  it('knows the session by another name, if it is told so', () => {
    const fixture = { path: '/messages', text: list, query: 'session_id=abc' }
    expect(read(fixture, 'session_id')).toMatchObject({ ok: true, call: { sessionId: 'abc' } })
    expect(read(fixture)).toMatchObject({ ok: false, reason: 'session.missing' })
  })

  it('takes responses, whose session is that of the query', () => {
    const text = '{"jsonrpc":"2.0","id":7,"result":{}}'
    expect(post('sessionId=a', { text })).toMatchObject({ ok: true, call: { kind: 'response', sessionId: 'a' } })
  })

  it.each([
    ['no query', undefined, 'session.missing'],
    ['an empty query', '', 'session.missing'],
    ['another parameter', 'id=1', 'session.missing'],
    ['two sessions', 'sessionId=a&sessionId=b', 'session.malformed'],
    ['two spellings', 'sessionId=a&SessionID=b', 'session.malformed'],
    ['another spelling alone', 'sessionid=a', 'session.malformed'],
    ['an encoded name', 'session%49d=a&sessionId=b', 'session.malformed'],
    ['an encoded value', 'sessionId=%61', 'session.malformed'],
    ['a plus sign', 'sessionId=a+b', 'session.malformed'],
    ['a semicolon, which some servers split at', 'x=1;sessionId=a', 'session.malformed'],
    ['brackets', 'sessionId[]=a', 'session.malformed'],
    ['an empty session', 'sessionId=', 'session.malformed'],
    ['a session without "="', 'sessionId', 'session.malformed'],
    ['a session with "="', 'sessionId=a=b', 'session.malformed'],
    ['a long session', `sessionId=${'a'.repeat(257)}`, 'session.malformed'],
    ['a long query', `a=${'a'.repeat(1100)}&sessionId=a`, 'session.malformed'],
  ])('refuses messages with %s', (_what, query, reason) => {
    expect(post(query)).toMatchObject({ ok: false, reason, status: 400, id: '1' })
  })

  it.each([
    ['POST to the stream', 'POST', '/sse'],
    ['GET of the messages', 'GET', '/messages'],
    ['DELETE of the stream', 'DELETE', '/sse'],
    ['DELETE of the messages', 'DELETE', '/messages'],
  ])('answers 405 to %s, by which clients of both transports find the right one', (_what, method, path) => {
    const text = method === 'POST' ? { text: list } : {}
    const failure = { ok: false, reason: 'framing.http_method', status: 405 }
    expect(read({ method, path, query: 'sessionId=a', ...text })).toMatchObject(failure)
  })

  it('has no session header', () => {
    const headers = [['mcp-session-id', 'abc']] as const
    expect(post('sessionId=a', { headers })).toMatchObject({ ok: false, reason: 'session.unexpected', status: 400 })
    expect(read({ method: 'GET', path: '/sse', headers })).toMatchObject({ ok: false, reason: 'session.unexpected' })
  })

  it('is of the legacy era', () => {
    const about = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' }
    const text = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: about } })
    expect(post('sessionId=a', { text })).toMatchObject({ ok: false, reason: 'message.era', status: 400 })
  })
})
