import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { envoy } from '../../../gen/wire.js'
import { exceedsHeaderBudget } from '../../protocol/header-budget.js'
import type { GatewayProfile, InboundRequest } from '../../protocol/inbound-request.js'
import { readByCodec } from './read-by-codec.fixture.js'
import { readCheckRequest } from './read-check-request.js'
import { anyMessage, delimited, field, type Schema, varint } from './wire-message.fixture.js'

const { CheckRequest } = envoy.service.auth.v3

const listenerOf = (profile: GatewayProfile): InboundRequest['listener'] => ({
  name: 'l',
  door: 'ext-authz',
  profile,
  trust: 'none',
})
const profile = fc.constantFrom<GatewayProfile>('envoy', 'agentgateway')

/** All that can be known of a request; the order of headers means nothing. */
function shown(request: InboundRequest) {
  const headers = [...request.headers.names()].sort().map(name => [name, ...request.headers.all(name)])
  const { body } = request
  const bytes = body.state === 'complete' ? Buffer.from(body.bytes).toString('hex') : ''
  return { ...request, headers, body: { ...body, bytes } }
}

/** Whether both read it; fails where ours reads what the codec does not, or anything else than the codec. */
function compare(bytes: Buffer, listener: InboundRequest['listener']): 'both' | 'codec only' | 'none' {
  const ours = readCheckRequest(Buffer.from(bytes), listener, undefined)
  const codec = readByCodec(Buffer.from(bytes), listener)
  if (!ours.ok) return codec.ok ? 'codec only' : 'none'
  if (!codec.ok) throw new Error(`ours reads what the codec does not: ${codec.detail}`)
  expect(shown(ours.request)).toEqual(shown(codec.request))
  return 'both'
}

const struct: Schema = {}
const list: Schema = {}
const value: Schema = { most: 1, 1: 'number', 2: 'double', 3: 'text', 4: 'number', 5: struct, 6: list }
Object.assign(struct, { 1: { most: 2, 1: 'text', 2: value } })
Object.assign(list, { 1: value })
const entry: Schema = { 1: 'text', 2: 'text' }
const metadata: Schema = { 1: { 1: 'text', 2: struct } }
const peer: Schema = { 1: { 1: { 2: 'text', 3: 'number', 4: 'text' }, 2: { 1: 'text' } }, 4: 'text', 5: 'text' }
const http: Schema = {
  ...{
    1: 'text',
    2: 'text',
    3: entry,
    4: 'text',
    5: 'text',
    6: 'text',
    9: 'number',
    10: 'text',
    11: 'text',
    12: 'bytes',
  },
  13: { 1: { 1: 'text', 2: 'text', 3: 'bytes' } },
}

const request = anyMessage(http, 3).map(content => delimited(4, delimited(2, content)))
const around = anyMessage({ 1: peer, 2: peer, 10: entry, 11: metadata, 12: { 1: 'text' }, 13: metadata }, 7)
const written = fc.tuple(around, request, around).map(parts => delimited(1, Buffer.concat(parts)))

/** Without halves of surrogate pairs. */
const sound = (value: string) => Buffer.from(value).toString()
const text = fc.oneof(
  fc.constantFrom('', 'a', 'X-A', '/mcp?a', 'ä!', '__proto__'),
  fc.string({ unit: 'binary', maxLength: 8 }),
)
const wellFormed = text.map(sound)
const map = fc.dictionary(wellFormed, wellFormed, { maxKeys: 5 })
const bytes = fc.uint8Array({ maxLength: 20 })
const json = fc.jsonValue({ maxDepth: 3 })

/** What a gateway may send. */
const honest = fc.record({
  http: fc.record({
    id: wellFormed,
    method: fc.constantFrom('POST', 'GET', 'x'),
    path: fc.constantFrom('/mcp', '/mcp?a=ä', ''),
    host: wellFormed,
    scheme: fc.constantFrom('https', 'http', ''),
    headers: map,
    size: fc.maxSafeInteger(),
    body: wellFormed,
    rawBody: bytes,
    headerMap: fc.record({
      headers: fc.array(fc.record({ key: wellFormed, value: wellFormed, rawValue: bytes }), { maxLength: 6 }),
    }),
  }),
  principal: wellFormed,
  certificate: wellFormed,
  address: wellFormed,
  contextExtensions: map,
  namespace: wellFormed,
  json,
})

function toValue(value: unknown): object {
  if (value === null) return { nullValue: 0 }
  switch (typeof value) {
    case 'string':
      return { stringValue: sound(value) }
    case 'number':
      return { numberValue: value }
    case 'boolean':
      return { boolValue: value }
  }
  if (Array.isArray(value)) return { listValue: { values: value.map(toValue) } }
  const fields = Object.entries(value ?? {}).map(([key, one]) => [sound(key), toValue(one)])
  return { structValue: { fields: Object.fromEntries(fields) } }
}

const encoded = honest.map(({ http, principal, certificate, address, contextExtensions, namespace, json }) =>
  Buffer.from(
    CheckRequest.encode({
      attributes: {
        source: { address: { socketAddress: { address, portValue: 7 } }, principal, certificate },
        destination: { address: { pipe: { path: '/x' } } },
        request: { http },
        contextExtensions,
        metadataContext: { filterMetadata: { [namespace]: { fields: { a: toValue(json) } } } },
        tlsSession: { sni: 'x' },
        routeMetadataContext: {},
      },
    }).finish(),
  ),
)

const edit = fc.record({ kind: fc.nat(4), at: fc.double({ min: 0, max: 1, noNaN: true }), byte: fc.nat(255) })

function edited(bytes: Buffer, edits: readonly { kind: number; at: number; byte: number }[]): Buffer {
  let result = Buffer.from(bytes)
  for (const { kind, at, byte } of edits) {
    const index = Math.floor(at * Math.max(result.length - 1, 0))
    const [before, behind] = [result.subarray(0, index), result.subarray(index)]
    if (kind < 2) result[index] = byte
    else if (kind === 2) result = Buffer.concat([before, behind.subarray(1)])
    else if (kind === 3) result = Buffer.concat([before, Buffer.of(byte), behind])
    else result = Buffer.concat([before, behind.subarray(0, byte % 16), behind])
  }
  return result
}

describe('readCheckRequest and the generated codec', () => {
  it('read the same of all that a gateway may send', () => {
    let both = 0
    fc.assert(
      fc.property(encoded, profile, (bytes, profile) => {
        const outcome = compare(bytes, listenerOf(profile))
        expect(outcome).not.toBe('codec only')
        if (outcome === 'both') both++
      }),
      { numRuns: 200 },
    )
    expect(both).toBeGreaterThan(100)
  })

  it('never differ in what both read, whatever is written', () => {
    const outcomes = { both: 0, 'codec only': 0, none: 0 }
    fc.assert(
      fc.property(written, profile, (bytes, profile) => {
        outcomes[compare(bytes, listenerOf(profile))]++
      }),
      { numRuns: 1500 },
    )
    for (const count of Object.values(outcomes)) expect(count).toBeGreaterThan(0)
  })

  it('never differ in what both read of bytes that were changed', () => {
    const outcomes = { both: 0, 'codec only': 0, none: 0 }
    fc.assert(
      fc.property(
        fc.oneof(encoded, written),
        fc.array(edit, { minLength: 1, maxLength: 3 }),
        profile,
        (bytes, edits, profile) => {
          outcomes[compare(edited(bytes, edits), listenerOf(profile))]++
        },
      ),
      { numRuns: 1500 },
    )
    for (const count of Object.values(outcomes)) expect(count).toBeGreaterThan(0)
  })
})

describe('the budget of headers', () => {
  // What the door knows of their size may save a look at them, and change nothing.
  it('is exceeded by what the codec read, or by neither', () => {
    const unit = fc.constantFrom(Buffer.from('a'), Buffer.from('ä'), Buffer.of(0xff), Buffer.from('!'))
    const outcomes = { within: 0, beyond: 0 }
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 80 }), fc.nat(36_000), unit, fc.boolean(), (count, total, unit, apart) => {
        const value = Buffer.concat(new Array(Math.floor(total / count)).fill(unit))
        const names = Array.from({ length: count }, (_, i) => (i % 3 === 0 ? `x-${i}` : 'x-again'))
        const lines = names.map(name => Buffer.concat([delimited(1, name), delimited(apart ? 3 : 2, value)]))
        const headers = apart
          ? [delimited(13, Buffer.concat(lines.map(line => delimited(1, line))))]
          : lines.map(line => delimited(3, line))
        const bytes = withHttp(delimited(4, '/'), ...headers)
        const ours = readCheckRequest(bytes, listenerOf('envoy'), undefined)
        const codec = readByCodec(bytes, listenerOf('envoy'))
        if (!ours.ok || !codec.ok) throw new Error('not read')
        const expected = exceedsHeaderBudget(codec.request)
        expect(exceedsHeaderBudget(ours.request)).toBe(expected)
        outcomes[expected ? 'beyond' : 'within']++
      }),
      { numRuns: 150 },
    )
    expect(Math.min(outcomes.within, outcomes.beyond)).toBeGreaterThan(10)
  })
})

const withHttp = (...content: Buffer[]) => delimited(1, delimited(4, delimited(2, Buffer.concat(content))))
const withAttributes = (...content: Buffer[]) =>
  delimited(1, Buffer.concat([delimited(4, delimited(2, Buffer.alloc(0))), ...content]))
const metadataOf = (...value: Buffer[]) =>
  withAttributes(
    delimited(
      11,
      delimited(
        1,
        Buffer.concat([
          delimited(1, 'n'),
          delimited(2, delimited(1, Buffer.concat([delimited(1, 'k'), delimited(2, Buffer.concat(value))]))),
        ]),
      ),
    ),
  )
const bits64 = (value: number) => {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return bytes
}

describe('what the codec takes, and may be read in two ways, is refused', () => {
  const path = delimited(4, '/')
  const twice = (bytes: Buffer) => Buffer.concat([bytes, bytes])
  const empty = Buffer.alloc(0)
  it.each([
    ['two attributes', twice(withHttp(path))],
    ['two requests', delimited(1, twice(delimited(4, delimited(2, path))))],
    ['two http messages', delimited(1, delimited(4, twice(delimited(2, path))))],
    ['two header maps', withHttp(twice(delimited(13, delimited(1, delimited(1, 'a')))))],
    ['two sources', withAttributes(twice(delimited(1, delimited(4, 'spiffe://a'))))],
    ['two destinations', withAttributes(twice(delimited(2, empty)))],
    ['two addresses', withAttributes(delimited(1, twice(delimited(1, empty))))],
    [
      'an address of two kinds',
      withAttributes(delimited(1, delimited(1, Buffer.concat([delimited(1, empty), delimited(2, empty)])))),
    ],
    ['two filter metadata', withAttributes(twice(delimited(11, empty)))],
    ['two route metadata', withAttributes(twice(delimited(13, empty)))],
    ['two TLS sessions', withAttributes(twice(delimited(12, empty)))],
    ['a value of two kinds', metadataOf(delimited(3, 'a'), field(2, 1, bits64(1)))],
    ['a value of one kind twice', metadataOf(twice(delimited(3, 'a')))],
    ['a bool that is not 0 or 1', metadataOf(field(4, 0, varint(2n)))],
    ['a null that is not 0 in all its bits', metadataOf(field(1, 0, varint(1n << 33n)))],
    ['a group', withHttp(path, field(99, 3, empty), field(99, 4, empty))],
    ['field number 0', withHttp(path, field(0, 0, Buffer.of(1)))],
    ['a number where a string belongs', withHttp(field(4, 0, Buffer.of(1)), Buffer.of(0x2f))],
    ['a string where a number belongs', withHttp(delimited(9, Buffer.alloc(4)))],
    ['a string that ends behind its message', withHttp(path, Buffer.of(0x2a, 5, 0x61))],
    [
      'a tag in more than five bytes',
      withHttp(Buffer.of(0xa2, 0x80, 0x80, 0x80, 0x80, 0), Buffer.of(0, 0, 0, 0, 1, 0x2f)),
    ],
    ['a number in more than ten bytes', withHttp(path, field(50, 0, Buffer.of(...Array(10).fill(0x80), 0)))],
    ['a number of more than 64 bits', withHttp(field(9, 0, Buffer.of(...Array(9).fill(0xff), 2)))],
  ])('%s', (_name, bytes) => {
    expect(readByCodec(bytes, listenerOf('envoy'))).toMatchObject({ ok: true })
    expect(readCheckRequest(bytes, listenerOf('envoy'), undefined)).toMatchObject({ ok: false })
  })

  it.each([
    ['a string twice, of which the last counts', withHttp(delimited(4, '/a'), delimited(4, '/b')), { path: '/b' }],
    ['a length in more bytes than it needs', withHttp(Buffer.of(0x22, 0x82, 0x00, 0x2f, 0x61)), { path: '/a' }],
    [
      'fields that nobody knows',
      withHttp(delimited(4, '/a'), delimited(77, 'x'), field(78, 5, Buffer.alloc(4))),
      { path: '/a' },
    ],
    ['a field of a newer gateway twice', withAttributes(twice(delimited(14, 'x'))), {}],
    ['an empty key', withAttributes(delimited(10, empty)), { context: { extensions: new Map([['', '']]) } }],
    [
      'a key twice, of which the last counts',
      withAttributes(
        delimited(10, Buffer.concat([delimited(1, 'a'), delimited(2, 'b')])),
        delimited(10, Buffer.concat([delimited(2, 'c'), delimited(1, 'a')])),
      ),
      { context: { extensions: new Map([['a', 'c']]) } },
    ],
  ])('but not %s', (_name, bytes, expected) => {
    expect(readCheckRequest(bytes, listenerOf('envoy'), undefined)).toMatchObject({ ok: true, request: expected })
    expect(compare(bytes, listenerOf('envoy'))).toBe('both')
  })
})
