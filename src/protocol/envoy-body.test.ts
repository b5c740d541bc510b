import { describe, expect, it } from 'vitest'
import { envoyBody, type GatewayBodyInput } from './envoy-body.js'
import { RequestHeaders } from './request-headers.js'

const raw = Buffer.from('{"a":"!"}')
const partial = (value: string): [string, string] => ['x-envoy-auth-partial-body', value]
const length = (value: number | string): [string, string] => ['content-length', String(value)]

function body(headers: [string, string][], rest: Partial<GatewayBodyInput>) {
  const nothing = { method: 'POST', rawBody: undefined, textBody: undefined, size: 0 }
  return envoyBody({ ...nothing, headers: RequestHeaders.from(headers), ...rest })
}

describe('envoyBody', () => {
  const whole = { rawBody: raw, size: raw.length }
  const cases: [name: string, state: string, headers: [string, string][], rest: Partial<GatewayBodyInput>][] = [
    ['a whole body with content-length', 'complete', [partial('false'), length(raw.length)], whole],
    ['a whole body, chunked', 'complete', [partial('false')], whole],
    ['cut at exactly the limit, given away by content-length', 'incomplete', [partial('false'), length(64)], whole],
    ['cut beyond the limit', 'incomplete', [partial('true')], { rawBody: raw, size: raw.length + 1 }],
    ['cut, with a size that fits', 'incomplete', [partial('true')], whole],
    ['size beyond the bytes', 'incomplete', [partial('false')], { rawBody: raw, size: 64 }],
    ['no size', 'incomplete', [partial('false')], { rawBody: raw, size: 0 }],
    ['size unknown', 'incomplete', [partial('false')], { rawBody: raw, size: -1 }],
    ['a body without the header', 'incomplete', [length(raw.length)], whole],
    ['the header twice', 'incomplete', [partial('false'), partial('false')], whole],
    ['the header joined', 'incomplete', [partial('false,false')], whole],
    ['the header in another case', 'incomplete', [partial('False')], whole],
    ['content-length twice', 'incomplete', [partial('false'), length(raw.length), length(64)], whole],
    ['content-length in another form', 'incomplete', [partial('false'), length(`0${raw.length}`)], whole],
    ['bytes and text', 'incomplete', [partial('false')], { ...whole, textBody: 'x' }],
    ['an upgrade: nothing sent but announced', 'incomplete', [length(20), ['upgrade', 'websocket']], {}],
    ['an empty chunked body', 'absent', [partial('false')], {}],
    ['nothing sent', 'absent', [], {}],
    ['content-length 0', 'absent', [length(0)], {}],
    ['empty bytes', 'absent', [partial('false')], { rawBody: new Uint8Array(0) }],
    ['empty text', 'absent', [partial('false')], { textBody: '' }],
    ['text', 'complete', [partial('false'), length(2)], { textBody: '{}', size: 2 }],
    ['text beyond ASCII, counted in bytes', 'complete', [partial('false')], { textBody: '"ž"', size: 4 }],
    ['text counted in characters', 'incomplete', [partial('false')], { textBody: '"ž"', size: 3 }],
    ['text with "!", which may be damage', 'incomplete', [partial('false')], { textBody: '"!!(A"', size: 6 }],
    ['text with a lone surrogate', 'incomplete', [partial('false')], { textBody: '"\ud800"', size: 5 }],
    ['text without the header', 'incomplete', [], { textBody: '{}', size: 2 }],
  ]
  it.each(cases)('%s: %s', (_name, state, headers, rest) => {
    expect(body(headers, rest).state).toBe(state)
  })

  it('gives the very bytes', () => {
    expect(body([partial('false')], whole)).toEqual({ state: 'complete', bytes: raw })
    expect(body([partial('false')], { textBody: '"ž"', size: 4 })).toEqual({
      state: 'complete',
      bytes: Buffer.from('"ž"'),
    })
  })
})
