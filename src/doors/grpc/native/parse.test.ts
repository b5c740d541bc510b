import { describe, expect, it } from 'vitest'
import { Allowance } from './allowance.js'
import { ClosedStreams } from './closed-streams.js'
import { encodeMessage, failure, statusCodes } from './grpc-status.js'
import { headerField } from './hpack/header-field.js'
import { parseTimeout } from './parse-timeout.js'
import { areTrailers, isGrpc, readRequestHead } from './request-head.js'

describe('grpc-timeout', () => {
  it.each([
    ['1H', 3_600_000],
    ['2M', 120_000],
    ['3S', 3000],
    ['250m', 250],
    ['1500u', 2],
    ['1n', 1],
    ['0m', 0],
    ['99999999H', 359_999_996_400_000],
    ['100000000m', undefined],
    ['m', undefined],
    ['', undefined],
    ['10', undefined],
    ['10 m', undefined],
    ['-1m', undefined],
    ['1.5S', undefined],
    ['1s', undefined],
    ['1h', undefined],
  ])('%s', (text, milliseconds) => {
    expect(parseTimeout(text)).toBe(milliseconds)
  })
})

describe('grpc-message', () => {
  it.each([
    ['plain text', 'plain text'],
    ['100 %', '100 %25'],
    ['a\nb', 'a%0Ab'],
    ['é', '%C3%A9'],
  ])('%j', (text, encoded) => {
    expect(encodeMessage(text)).toBe(encoded)
  })

  it('is part of a failure, with and without a head', () => {
    const { trailers, trailersOnly } = failure(statusCodes.internal, 'x')
    expect(trailersOnly.subarray(-trailers.length)).toEqual(trailers)
  })
})

describe('content types', () => {
  it.each([
    ['application/grpc', true],
    ['application/grpc+proto', true],
    ['application/grpc; charset=utf-8', true],
    ['Application/GRPC', true],
    ['application/grpc+json', false],
    ['application/grpc-web', false],
    ['application/grpcx', false],
    ['application/json', false],
    ['', false],
  ])('%s', (type, good) => {
    expect(isGrpc(type)).toBe(good)
  })
})

describe('the head of a request', () => {
  const good: [string, string][] = [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', '/a'],
  ]
  const rest = good.slice(1)
  it.each<[string, [string, string][], boolean]>([
    ['the least', good, true],
    ['with more', [...good, [':authority', 'a'], ['te', 'trailers'], ['x-a', '']], true],
    [
      'CONNECT',
      [
        [':method', 'CONNECT'],
        [':authority', 'a'],
      ],
      true,
    ],
    ['CONNECT with a path', [...rest, [':method', 'CONNECT']], false],
    ['no method', rest, false],
    [
      'no scheme',
      [
        [':method', 'POST'],
        [':path', '/'],
      ],
      false,
    ],
    [
      'no path',
      [
        [':method', 'POST'],
        [':scheme', 'http'],
      ],
      false,
    ],
    ['an empty path', [[':path', ''], ...good.slice(0, 2)], false],
    ['two methods', [...good, [':method', 'POST']], false],
    ['two paths', [...good, [':path', '/b']], false],
    ['two authorities', [...good, [':authority', 'a'], [':authority', 'a']], false],
    ['an unknown pseudo-header field', [...good, [':protocol', 'a']], false],
    ['one of a response', [...good, [':status', '200']], false],
    ['a pseudo-header field behind others', [[':method', 'POST'], ['x-a', 'b'], ...rest], false],
    ['a name in upper case', [...good, ['X-A', 'b']], false],
    ['a name with a space', [...good, ['x a', 'b']], false],
    ['an empty name', [...good, ['', 'b']], false],
    ['a name that is no ASCII', [...good, ['\u00e9', 'b']], false],
    ['a line break in a value', [...good, ['x-a', 'b\nc']], false],
    ['a NUL in a value', [...good, ['x-a', 'b\0']], false],
    ['a space before a value', [...good, ['x-a', ' b']], false],
    ['a tab behind a value', [...good, ['x-a', 'b\t']], false],
    ['connection', [...good, ['connection', 'close']], false],
    ['transfer-encoding', [...good, ['transfer-encoding', 'chunked']], false],
    ['upgrade', [...good, ['upgrade', 'h2c']], false],
    ['te that is more than trailers', [...good, ['te', 'trailers, deflate']], false],
    ['a length', [...good, ['content-length', '10']], true],
    ['two equal lengths', [...good, ['content-length', '10'], ['content-length', '10']], true],
    ['two lengths', [...good, ['content-length', '10'], ['content-length', '11']], false],
    ['a length that is none', [...good, ['content-length', '+1']], false],
    ['two content types', [...good, ['content-type', 'application/grpc'], ['content-type', 'text/plain']], false],
  ])('%s', (_name, fields, fine) => {
    expect(readRequestHead(fields.map(([name, value]) => headerField(name, value))) !== undefined).toBe(fine)
  })

  it('has no pseudo-header fields in trailers', () => {
    expect(areTrailers([headerField('x-a', 'b')])).toBe(true)
    expect(areTrailers([headerField(':path', '/')])).toBe(false)
    expect(areTrailers([headerField('X', 'b')])).toBe(false)
  })
})

describe('an allowance', () => {
  it('is a burst, and a rate after that', () => {
    const allowance = new Allowance({ burst: 3, perSecond: 10 }, 0)
    expect([1, 2, 3, 4].map(() => allowance.take(0))).toEqual([true, true, true, false])
    expect([1, 2, 3].map(() => allowance.take(200))).toEqual([true, true, false])
    expect([1, 2, 3, 4].map(() => allowance.take(1e6))).toEqual([true, true, true, false])
  })

  it('grows with use, up to its burst', () => {
    const allowance = new Allowance({ burst: 2, perSecond: 0 }, 0)
    allowance.earn(100)
    expect([1, 2, 3].map(() => allowance.take(1e9))).toEqual([true, true, false])
    allowance.earn(1)
    expect(allowance.take(1e9)).toBe(true)
  })
})

it('streams that ended are remembered for a while', () => {
  const closed = new ClosedStreams()
  expect(closed.endingOf(1)).toBeUndefined()
  for (let id = 1; id < 10_000; id += 2) closed.add(id, 'ended')
  closed.add(10_001, 'resetByUs')
  expect([closed.endingOf(1), closed.endingOf(9999), closed.endingOf(10_001)]).toEqual([
    undefined,
    'ended',
    'resetByUs',
  ])
})
