import { describe, expect, it } from 'vitest'
import { agentgatewayBody } from './agentgateway-body.js'
import type { GatewayBodyInput } from './envoy-body.js'
import { RequestHeaders } from './request-headers.js'

const raw = Buffer.from('{"a":"!"}')
const length = (value: number | string): [string, string] => ['content-length', String(value)]
const partial = (value: string): [string, string] => ['x-envoy-auth-partial-body', value]

function body(headers: [string, string][], rest: Partial<GatewayBodyInput>) {
  const nothing = { method: 'POST', rawBody: undefined, textBody: undefined, size: 0 }
  return agentgatewayBody({ ...nothing, headers: RequestHeaders.from(headers), ...rest })
}

describe('agentgatewayBody', () => {
  const whole = { rawBody: raw, size: raw.length }
  const cases: [name: string, state: string, headers: [string, string][], rest: Partial<GatewayBodyInput>][] = [
    ['a whole body with content-length', 'complete', [length(raw.length)], whole],
    ['a whole body, chunked', 'complete', [], whole],
    ['a whole body that a client calls partial', 'complete', [partial('true')], whole],
    ['cut', 'incomplete', [], { rawBody: raw, size: -1 }],
    ['cut, which a client denies', 'incomplete', [partial('false')], { rawBody: raw, size: -1 }],
    ['cut to nothing', 'incomplete', [], { size: -1 }],
    ['no size', 'incomplete', [], { rawBody: raw, size: 0 }],
    ['a size beyond the bytes', 'incomplete', [], { rawBody: raw, size: 64 }],
    ['a size below the bytes', 'incomplete', [], { rawBody: raw, size: 3 }],
    ['another content-length', 'incomplete', [length(64)], whole],
    ['two content-lengths', 'incomplete', [length(raw.length), length(64)], whole],
    ['bytes and text', 'incomplete', [], { ...whole, textBody: 'x' }],
    ['announced but not sent: bodies are not forwarded', 'incomplete', [length(20)], {}],
    ['a size without a body', 'incomplete', [], { size: 20 }],
    ['nothing', 'absent', [], {}],
    ['content-length 0', 'absent', [length(0)], {}],
    ['empty bytes', 'absent', [], { rawBody: new Uint8Array(0) }],
    ['text', 'complete', [length(2)], { textBody: '{}', size: 2 }],
    ['text with the mark of another gateway', 'complete', [], { textBody: '"!"', size: 3 }],
    ['the same from what may be that gateway', 'incomplete', [partial('false')], { textBody: '"!"', size: 3 }],
    ['text without it from there', 'complete', [partial('false')], { textBody: '{}', size: 2 }],
    ['text beyond ASCII, counted in bytes', 'complete', [], { textBody: '"ž"', size: 4 }],
    ['text counted in characters', 'incomplete', [], { textBody: '"ž"', size: 3 }],
    ['text that was cut', 'incomplete', [], { textBody: '{"a"', size: -1 }],
    ['text with a replaced byte', 'incomplete', [], { textBody: '"\ufffd"', size: 3 }],
    // Three bytes of a four-byte character become one U+FFFD, which has three bytes: the size tells nothing.
    ['text with a replaced sequence of the same length', 'incomplete', [], { textBody: '"\ufffd"', size: 5 }],
    ['text with half of a surrogate pair', 'incomplete', [], { textBody: '"\ud800"', size: 5 }],
  ]
  it.each(cases)('%s: %s', (_name, state, headers, rest) => {
    expect(body(headers, rest).state).toBe(state)
  })

  it('gives the bytes of a text', () => {
    expect(body([], { textBody: '"ž"', size: 4 })).toEqual({ state: 'complete', bytes: Buffer.from('"ž"') })
  })
})
