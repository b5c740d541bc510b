import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { envoy } from '../../../gen/wire.js'
import type { InboundRequest } from '../../protocol/inbound-request.js'
import { readCheckRequest } from './read-check-request.js'

const { CheckRequest } = envoy.service.auth.v3
type Http = envoy.service.auth.v3.AttributeContext.IHttpRequest
type Attributes = envoy.service.auth.v3.IAttributeContext

const listener: InboundRequest['listener'] = { name: 'l', door: 'ext-authz', profile: 'envoy', trust: 'none' }
const raw = (key: string, value: string | Uint8Array) => ({ key, rawValue: Buffer.from(value) })
const encode = (http: Http, more: Attributes = {}) =>
  CheckRequest.encode({ attributes: { request: { http }, ...more } }).finish()
const read = (http: Http, more: Attributes = {}) => readCheckRequest(encode(http, more), listener, undefined)

function good(http: Http, more: Attributes = {}): InboundRequest {
  const result = read(http, more)
  if (!result.ok) throw new Error(result.detail)
  return result.request
}

describe('target and headers', () => {
  const targets: [string, string, string, string | undefined][] = [
    ['no query', '/mcp', '/mcp', undefined],
    ['query', '/mcp?a=b', '/mcp', 'a=b'],
    ['empty query', '/mcp?', '/mcp', ''],
    ['second question mark', '/mcp?a?b', '/mcp', 'a?b'],
    ['escapes stay', '/a%2fb/../c', '/a%2fb/../c', undefined],
    ['like an authority', '//evil/mcp', '//evil/mcp', undefined],
    ['empty', '', '', undefined],
  ]
  it.each(targets)('path: %s', (_name, path, expected, query) => {
    expect(good({ path })).toMatchObject({ path: expected, query })
  })

  it('reads header_map with repeats apart, names in lower case and pseudo headers left out', () => {
    const { headers, method, scheme, authority } = good({
      method: 'POST',
      path: '/mcp',
      host: 'a:1',
      scheme: 'https',
      headerMap: {
        headers: [
          raw(':method', 'POST'),
          raw(':path', '/mcp'),
          raw(':authority', 'a:1'),
          raw('X-Mixed', 'v'),
          raw('x-twice', 'a'),
          raw('x-twice', 'b'),
          { key: 'x-empty' },
        ],
      },
    })
    expect([method, scheme, authority]).toEqual(['POST', 'https', 'a:1'])
    expect([...headers.names()]).toEqual(['x-mixed', 'x-twice', 'x-empty'])
    expect(headers.all('x-twice')).toEqual(['a', 'b'])
    expect(headers.one('x-empty')).toBe('')
  })

  it('prefers header_map to headers', () => {
    const { headers } = good({
      headers: { authorization: 'forged' },
      headerMap: { headers: [raw('authorization', 'real')] },
    })
    expect(headers.all('authorization')).toEqual(['real'])
  })

  it('does not take "!" in headers for itself: Envoy writes it for bytes that are not UTF-8', () => {
    const { headers } = good({ path: '/!', headers: { ':path': '/!', 'mcp-session-id': 'a!b', plain: 'a' } })
    expect(headers.one('mcp-session-id')).toBe('a\ufffdb')
    expect(headers.one('plain')).toBe('a')
  })

  it('reads headers when that is all there is', () => {
    const { headers } = good({ path: '/', headers: { ':path': '/', a: '1', __proto__x: '2' } })
    expect([...headers.names()]).toEqual(['a', '__proto__x'])
  })

  it('never maps two values to one', () => {
    const value = (bytes: number[]) =>
      good({ headerMap: { headers: [raw('x', Uint8Array.from(bytes))] } }).headers.one('x')
    expect(value([0xc3, 0xa4])).toBe('ä')
    expect(value([0xc3])).toBe('\u00c3')
    expect(value([0xff])).not.toBe(value([0xfe]))
  })

  const contradictions: [string, Http][] = [
    [':path', { path: '/a', headerMap: { headers: [raw(':path', '/b')] } }],
    [':path repeated', { path: '/a', headerMap: { headers: [raw(':path', '/a'), raw(':path', '/b')] } }],
    [':path that was sanitised', { path: '/!', headerMap: { headers: [raw(':path', Uint8Array.of(0x2f, 0xff))] } }],
    [':method', { method: 'GET', headers: { ':method': 'POST' } }],
    [':authority', { host: 'a', headers: { ':authority': 'b' } }],
    [':scheme', { scheme: 'http', headers: { ':scheme': 'https' } }],
  ]
  it.each(contradictions)('refuses a contradicting %s', (_name, http) => {
    expect(read(http)).toMatchObject({ ok: false, detail: expect.stringContaining('contradicts') })
  })
})

describe('body', () => {
  const post = (http: Http) => good({ method: 'POST', headers: { 'x-envoy-auth-partial-body': 'false' }, ...http }).body

  it('is complete when Envoy proves it', () => {
    const body = post({ rawBody: Buffer.from('{}'), size: 2 })
    expect(body.state).toBe('complete')
    if (body.state === 'complete') expect(Buffer.from(body.bytes).toString()).toBe('{}')
  })

  it('is not when size and bytes differ', () => {
    expect(post({ rawBody: Buffer.from('{}'), size: 3 }).state).not.toBe('complete')
  })
})

describe('context', () => {
  it('has extensions, metadata, peer, trace and deadline', () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const bytes = encode(
      { headers: { traceparent } },
      {
        source: { address: { socketAddress: { address: '10.0.0.1', portValue: 5 } }, principal: 'spiffe://a/b' },
        contextExtensions: { 'mcp-server': 'kubernetes' },
        metadataContext: {
          filterMetadata: { 'envoy.filters.http.jwt_authn': { fields: { exp: { numberValue: 5 } } } },
        },
        routeMetadataContext: { filterMetadata: { r: { fields: {} } } },
      },
    )
    const result = readCheckRequest(bytes, listener, 123)
    expect(result).toMatchObject({
      ok: true,
      request: {
        peer: { address: '10.0.0.1', principal: 'spiffe://a/b' },
        context: {
          extensions: new Map([['mcp-server', 'kubernetes']]),
          filterMetadata: new Map([['envoy.filters.http.jwt_authn', new Map([['exp', 5n]])]]),
          routeMetadata: new Map([['r', new Map()]]),
        },
        traceparent,
        deadline: 123,
        listener,
      },
    })
  })

  it.each([
    ['as Envoy writes it', '-----BEGIN%20CERTIFICATE-----%0AAA%2BA', '-----BEGIN CERTIFICATE-----\nAA+A'],
    ['empty', '', undefined],
    ['not percent-encoded', '%zz', undefined],
    ['too long', 'a'.repeat(20_000), undefined],
  ])('has the certificate of the peer: %s', (_, certificate, expected) => {
    const read = readCheckRequest(encode({}, { source: { certificate } }), listener, undefined)
    expect(read.ok && read.request.peer.certificate).toBe(expected)
  })

  it('is empty where nothing was sent', () => {
    expect(good({})).toMatchObject({
      peer: { address: '', principal: '' },
      context: { extensions: new Map(), filterMetadata: new Map(), routeMetadata: new Map() },
      traceparent: undefined,
      deadline: undefined,
    })
  })

  it.each([['00-xyz'], ['a,b']])('ignores the traceparent %j', traceparent => {
    expect(good({ headers: { traceparent } }).traceparent).toBeUndefined()
  })

  it("is asked by the gateway's own span rather than by the client's", () => {
    const client = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const gateway = '00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01'
    const bytes = encode({ headers: { traceparent: client } }, {})
    expect(readCheckRequest(bytes, listener, undefined, gateway)).toMatchObject({ request: { traceparent: gateway } })
    expect(readCheckRequest(bytes, listener, undefined, 'x')).toMatchObject({ request: { traceparent: client } })
  })

  it('does not choose between two traceparents', () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const headerMap = { headers: [raw('traceparent', traceparent), raw('traceparent', traceparent)] }
    expect(good({ headerMap }).traceparent).toBeUndefined()
  })

  it('refuses metadata that is not JSON', () => {
    const struct = { fields: { a: { numberValue: Number.NaN } } }
    expect(read({}, { metadataContext: { filterMetadata: { n: struct } } })).toMatchObject({ ok: false })
    expect(read({}, { routeMetadataContext: { filterMetadata: { n: struct } } })).toMatchObject({ ok: false })
  })
})

describe('bytes that are no CheckRequest', () => {
  it.each([
    ['nothing', []],
    ['no request', [0x0a, 0x00]],
    ['no http', [0x0a, 0x02, 0x22, 0x00]],
    ['cut off', [0x0a, 0x50, 0x22]],
    ['a length beyond the end', [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]],
    ['an endless varint', new Array(30).fill(0xff)],
  ])('%s', (_name, bytes: number[]) => {
    expect(readCheckRequest(Buffer.from(bytes), listener, undefined).ok).toBe(false)
  })

  it('any bytes give a value and no exception', () => {
    const valid = Buffer.from(encode({ method: 'POST', path: '/mcp', headers: { a: 'b' }, rawBody: Buffer.from('{}') }))
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), bytes => {
        expect(readCheckRequest(Buffer.from(bytes), listener, undefined)).toHaveProperty('ok')
      }),
    )
    fc.assert(
      fc.property(fc.nat(valid.length - 1), fc.nat(255), (at, byte) => {
        const mutated = Buffer.from(valid)
        mutated[at] = byte
        expect(readCheckRequest(mutated, listener, undefined)).toHaveProperty('ok')
      }),
    )
  })
})
