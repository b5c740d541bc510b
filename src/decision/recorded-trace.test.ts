import { describe, expect, it } from 'vitest'
import { recordedTrace } from './recorded-trace.js'

const id = '0af7651916cd43dd8448eb211c80319c'
const parent = (flags: string) => ({ traceparent: `00-${id}-b7ad6b7169203331-${flags}` })

describe('the trace that is told', () => {
  it.each([
    ['a sampled one', '01', id],
    ['a sampled one whose id is random (level 2)', '03', id],
    ['a sampled one with flags of the future', 'fd', id],
    ['one that nobody records', '00', undefined],
    ['a random one that nobody records', '02', undefined],
    ['one with every other flag', 'fe', undefined],
  ])('%s', (_name, flags, told) => expect(recordedTrace(parent(flags))).toBe(told))

  it('is none where there is none', () => expect(recordedTrace({ traceparent: undefined })).toBeUndefined())

  it('is that of our span, whatever the gateway records', () => {
    const span = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736' }
    expect(recordedTrace(parent('00'), span)).toBe(span.traceId)
    expect(recordedTrace({ traceparent: undefined }, span)).toBe(span.traceId)
  })

  it('has nothing behind it of a later version', () =>
    expect(recordedTrace({ traceparent: `cc-${id}-b7ad6b7169203331-01-what-comes` })).toBe(id))
})
