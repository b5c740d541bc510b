import { describe, expect, it } from 'vitest'
import { aliceToken, evaluation, jsonObject, messageOf, rules, unsignedToken } from './authzen.fixture.js'
import { type EvaluationRules, readEvaluation } from './read-evaluation.js'
import { readEvaluations, type Tuple } from './read-evaluations.js'

function tuple(value: object): Tuple {
  const object = jsonObject(value)
  return {
    subject: object.get('subject'),
    action: object.get('action'),
    resource: object.get('resource'),
    context: object.get('context'),
  }
}

function read(value: object, given: EvaluationRules = rules()) {
  const result = readEvaluation(tuple(value), given)
  if (!result.ok) throw new Error(result.message)
  return result
}

const alice = { type: 'identity', id: 'alice' }
const inRequest = (request: object) => evaluation('allowed-tool', { context: { request } })

describe('readEvaluation', () => {
  it('is the request that the caller made', () => {
    const { request, addressed } = read(evaluation('allowed-tool', { context: { agent: 'ignored', time: 'ignored' } }))
    expect(request).toMatchObject({
      method: 'POST',
      authority: 'mcp.example.com',
      path: '/files',
      query: undefined,
      peer: { address: '', principal: '' },
      listener: { door: 'authzen', trust: 'none' },
    })
    expect([...request.context.extensions]).toEqual([['mcp-server', 'files']])
    expect(request.context.filterMetadata.size).toBe(0)
    expect(request.headers.one('authorization')).toBe(`Bearer ${aliceToken}`)
    expect(JSON.parse(messageOf(request))).toEqual({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'allowed-tool', arguments: { a: 1 } },
    })
    expect(addressed).toBe(false)
  })

  it('keeps numbers as they were meant', () => {
    const text =
      '{"name":"tools/call","properties":{"params":{"arguments":{"a":5,"b":5.0,"c":1e3,"d":9007199254740993}}}}'
    expect(messageOf(evaluationOf(text))).toContain('"arguments":{"a":5,"b":5.0,"c":1000.0,"d":9007199254740993}')
  })

  it.each<[string, object, string]>([
    [
      'by its resource',
      { type: 'tool', id: 'allowed-tool', properties: { server: 'https://mcp.example.com/files' } },
      'files',
    ],
    ['that nobody knows', { type: 'tool', id: 'allowed-tool', properties: { server: 'nope' } }, ''],
  ])('names a server %s', (_name, resource, expected) => {
    expect(read(evaluation('allowed-tool', { resource })).request.context.extensions.get('mcp-server')).toBe(expected)
  })

  it('takes the server of the listener where none is named', () => {
    const resource = { type: 'tool', id: 'allowed-tool' }
    const given = evaluation('allowed-tool', { resource })
    expect(readEvaluation(tuple(given), rules())).toMatchObject({ ok: false, reason: undefined })
    expect(read(given, rules({ server: 'files' })).request.path).toBe('/files')
  })

  it('takes the server itself as resource, and needs no params then', () => {
    const { request } = read({
      subject: alice,
      action: { name: 'tools/list' },
      resource: { type: 'mcp_server', id: 'https://mcp.example.com/files' },
    })
    expect(messageOf(request)).toBe('{"jsonrpc":"2.0","id":1,"method":"tools/list"}')
    expect(request.headers.has('authorization')).toBe(false)
  })

  it('gives a notification no id', () => {
    const { request, addressed } = read({
      subject: alice,
      action: { name: 'notifications/initialized' },
      resource: { type: 'mcp_server', id: 'files' },
    })
    expect(messageOf(request)).toBe('{"jsonrpc":"2.0","method":"notifications/initialized"}')
    expect(addressed).toBe(true)
  })

  it.each<[string, string | number]>([
    ['text', '7"},{"x":"'],
    ['a number', 7],
  ])('uses the id of the message that is %s', (_name, id) => {
    const { request, addressed } = read(inRequest({ id }))
    expect(JSON.parse(messageOf(request))).toMatchObject({ id, method: 'tools/call' })
    expect(addressed).toBe(true)
  })

  it('puts in the headers of the modern era, unless the gateway gives the headers', () => {
    const params = { name: 'löschen', _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } }
    const modern = (context: object) =>
      read({
        ...evaluation('löschen', { context }),
        action: { name: 'tools/call', properties: { params } },
      }).request.headers
    const put = modern({})
    expect(put.one('mcp-protocol-version')).toBe('2026-07-28')
    expect(put.one('mcp-method')).toBe('tools/call')
    expect(put.one('mcp-name')).toBe(`=?base64?${Buffer.from('löschen').toString('base64')}?=`)
    const given = modern({ request: { headers: { 'mcp-method': 'tools/list', 'x-team': 'a' } } })
    expect([given.one('mcp-method'), given.one('x-team'), given.has('mcp-name')]).toEqual(['tools/list', 'a', false])
  })

  it('hands on a DPoP token with its proof', () => {
    const properties = { access_token: aliceToken, token_type: 'DPoP' }
    const { headers } = read({
      ...inRequest({ headers: { dpop: 'proof' } }),
      subject: { ...alice, properties },
    }).request
    expect([headers.one('authorization'), headers.one('dpop')]).toEqual([`DPoP ${aliceToken}`, 'proof'])
  })

  it('takes the word of a gateway that is known', () => {
    const claims = { sub: 'alice', iss: 'https://idp.example.com', exp: 4102444800 }
    const token_header = { alg: 'RS256', typ: 'at+jwt' }
    const { request } = read(
      {
        ...inRequest({ source_address: '203.0.113.9', workload: 'spiffe://acme.com/ns/a/sa/b' }),
        subject: { ...alice, properties: { claims, token_header } },
      },
      rules({}, 'mtls'),
    )
    expect(request.peer).toEqual({ address: '203.0.113.9', principal: 'spiffe://acme.com/ns/a/sa/b' })
    const verified = request.context.filterMetadata.get('envoy.filters.http.jwt_authn')
    expect(verified?.get('payload')).toEqual(jsonObject(claims))
    expect(verified?.get('header')).toEqual(jsonObject(token_header))
  })
})

function evaluationOf(action: string) {
  const text = JSON.stringify(evaluation('allowed-tool', { action: 'ACTION' })).replace('"ACTION"', action)
  const parsed = readEvaluations(Buffer.from(text), 'evaluation', { maxBytes: 4096, maxEvaluations: 1 })
  if (!parsed.ok || parsed.many) throw new Error('not read')
  const result = readEvaluation(parsed.tuple, rules())
  if (!result.ok) throw new Error(result.message)
  return result.request
}

describe('somebody who claims to be somebody else', () => {
  const subject = (id: string, properties: object) =>
    evaluation('allowed-tool', { subject: { type: 'identity', id, properties } })
  const claims = { sub: 'alice', iss: 'https://idp.example.com' }
  it.each<[string, object, 'none' | 'mtls', string]>([
    [
      'the name of one and the token of another',
      subject('admin', { access_token: aliceToken }),
      'none',
      'identity.source_conflict',
    ],
    [
      'a token without a subject',
      subject('alice', { access_token: unsignedToken({}) }),
      'none',
      'identity.source_conflict',
    ],
    [
      'a token whose subject is no text',
      subject('1', { access_token: unsignedToken({ sub: 1 }) }),
      'none',
      'identity.source_conflict',
    ],
    ['claims from a gateway that is not known', subject('alice', { claims }), 'none', 'identity.gateway_untrusted'],
    [
      'claims beside a token',
      subject('alice', { claims, access_token: aliceToken }),
      'none',
      'identity.gateway_untrusted',
    ],
    ['half of the claims', subject('alice', { token_header: { alg: 'RS256' } }), 'none', 'identity.gateway_untrusted'],
    ['other claims than the name says', subject('admin', { claims }), 'mtls', 'identity.source_conflict'],
    ['an address', inRequest({ source_address: '10.0.0.1' }), 'none', 'identity.gateway_untrusted'],
    ['a workload', inRequest({ workload: 'spiffe://acme.com/admin' }), 'none', 'identity.gateway_untrusted'],
  ])('%s', (_name, value, trust, reason) => {
    expect(readEvaluation(tuple(value), rules({}, trust))).toMatchObject({ ok: false, reason })
  })

  it('is found by another claim, where that is the one that names people', () => {
    const token = unsignedToken({ sub: 'agent', act_for: 'alice' })
    const given = rules({ subjectClaim: 'act_for' })
    expect(readEvaluation(tuple(subject('alice', { access_token: token })), given).ok).toBe(true)
    expect(readEvaluation(tuple(subject('agent', { access_token: token })), given).ok).toBe(false)
  })
})

describe('what is not well-formed', () => {
  const with_ = (more: object) => evaluation('allowed-tool', more)
  it.each<[string, object]>([
    ['no subject', with_({ subject: undefined })],
    ['null as subject', with_({ subject: null })],
    ['a subject without type', with_({ subject: { id: 'alice' } })],
    ['an empty id', with_({ subject: { type: 'identity', id: '' } })],
    ['a number as id', with_({ subject: { type: 'identity', id: 7 } })],
    ['a list as properties', with_({ subject: { ...alice, properties: [] } })],
    ['a token with a line end', with_({ subject: { ...alice, properties: { access_token: 'a\r\nx-evil: 1' } } })],
    ['a token with a space', with_({ subject: { ...alice, properties: { access_token: 'a b' } } })],
    ['an empty token', with_({ subject: { ...alice, properties: { access_token: '' } } })],
    ['an unknown scheme', with_({ subject: { ...alice, properties: { access_token: 'a', token_type: 'Basic' } } })],
    ['no action', with_({ action: undefined })],
    ['an action without name', with_({ action: {} })],
    ['a list as params', with_({ action: { name: 'tools/call', properties: { params: [] } } })],
    ['no resource', with_({ resource: undefined })],
    ['a server that is a number', with_({ resource: { type: 'tool', id: 'x', properties: { server: 1 } } })],
    [
      'two servers',
      {
        ...{ subject: alice, action: { name: 'tools/list' } },
        resource: { type: 'mcp_server', id: 'files', properties: { server: 'other' } },
      },
    ],
    ['text as context', with_({ context: 'x' })],
    ['an id that is an object', inRequest({ id: {} })],
    ['an id with a fraction', inRequest({ id: 1.5 })],
    ['headers in a list', inRequest({ headers: [] })],
    ['a header in upper case', inRequest({ headers: { 'X-Team': 'a' } })],
    ['a header that is a number', inRequest({ headers: { 'x-team': 1 } })],
    ['a pseudo header', inRequest({ headers: { ':path': '/other' } })],
    ['the credentials in a header', inRequest({ headers: { authorization: 'Bearer x' } })],
    ['another length', inRequest({ headers: { 'content-length': '0' } })],
    ['another host', inRequest({ headers: { host: 'evil.example.com' } })],
    ['an address that is none', inRequest({ source_address: 'localhost' })],
  ])('%s', (_name, value) => {
    expect(readEvaluation(tuple(JSON.parse(JSON.stringify(value))), rules({}, 'mtls'))).toMatchObject({
      ok: false,
      reason: undefined,
      message: expect.stringMatching(/\.$/),
    })
  })

  it('is also refused of a server that does not speak MCP', () => {
    const resource = { type: 'tool', id: 'allowed-tool', properties: { server: 'json' } }
    expect(readEvaluation(tuple(with_({ resource })), rules())).toMatchObject({ ok: false, reason: 'server.unknown' })
  })

  it('is bounded over all evaluations of a request', () => {
    const given = rules({ room: { bytes: 150 } })
    expect(readEvaluation(tuple(evaluation()), given).ok).toBe(true)
    expect(readEvaluation(tuple(evaluation()), given)).toMatchObject({ ok: false, reason: 'message.too_large' })
  })
})
