import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { envoy } from '../../../gen/wire.js'
import type { HeaderValue, MetadataValue } from '../../decision/decision.js'
import { metadataToStruct } from '../envoy/write-metadata.js'
import { encodeAllow } from './encode-allow.js'

const { CheckResponse } = envoy.service.auth.v3

interface Parts {
  readonly setHeaders: readonly HeaderValue[]
  readonly removeHeaders: readonly string[]
  readonly responseHeaders: readonly HeaderValue[]
}

function generated(parts: Parts, metadata: ReadonlyMap<string, MetadataValue>): string {
  const option = ({ name, value }: HeaderValue) => ({
    header: { key: name, value },
    append: { value: false },
    appendAction: 2,
  })
  const bytes = CheckResponse.encode({
    status: { code: 0 },
    okResponse: {
      headers: parts.setHeaders.map(option),
      headersToRemove: [...parts.removeHeaders],
      responseHeadersToAdd: parts.responseHeaders.map(option),
    },
    dynamicMetadata: metadataToStruct(metadata),
  }).finish()
  return Buffer.from(bytes).toString('hex')
}

function own(parts: Parts, metadata: ReadonlyMap<string, MetadataValue> = new Map()): string | undefined {
  return encodeAllow({ kind: 'allow', ...parts }, metadata)?.toString('hex')
}

const nothing: Parts = { setHeaders: [], removeHeaders: [], responseHeaders: [] }

describe('encodeAllow', () => {
  it('writes what the generated codec writes', () => {
    // Lone surrogates are refused before; the two codecs replace them differently.
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.string({ minLength: 100, maxLength: 300 }))
    const headers = fc.array(fc.record({ name: text, value: text }), { maxLength: 6 })
    const parts = fc.record({ setHeaders: headers, removeHeaders: fc.array(text), responseHeaders: headers })
    const value = fc.oneof(text, fc.boolean(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.array(text))
    // Keys that look like integers change places in the generated codec's objects.
    const key = text.filter(name => !/^\d+$/.test(name) && name !== '__proto__')
    const metadata = fc.uniqueArray(fc.tuple(key, value), { selector: ([name]) => name, maxLength: 8 })
    fc.assert(
      fc.property(parts, metadata, (some, entries) => {
        const expected = generated(some, new Map(entries))
        expect(own(some, new Map(entries))).toBe(expected)
        const frozen = { ...some, removeHeaders: Object.freeze([...some.removeHeaders]) }
        for (const _ of ['written', 'written once before']) expect(own(frozen, new Map(entries))).toBe(expected)
      }),
    )
  })

  it.each([0, 1, 127, 128, 129, 16_383, 16_384, 20_000])('has room for a value of %i characters', length => {
    const parts = { ...nothing, setHeaders: [{ name: 'n', value: 'v'.repeat(length) }] }
    expect(own(parts)).toBe(generated(parts, new Map()))
  })

  it('refuses what is too large, and goes on', () => {
    const many = Array.from({ length: 100 }, () => 'x'.repeat(1000))
    expect(own({ ...nothing, removeHeaders: many })).toBe(undefined)
    expect(own({ ...nothing, removeHeaders: ['x'.repeat(100_000)] })).toBe(undefined)
    expect(own({ ...nothing, setHeaders: [{ name: 'n', value: 'ä'.repeat(70_000) }] })).toBe(undefined)
    expect(own(nothing)).toBe(generated(nothing, new Map()))
  })

  it('never writes in front of its room, however little is left', () => {
    for (let length = 65_300; length < 65_600; length++) {
      const parts = { ...nothing, removeHeaders: ['a', 'b'.repeat(20_000), 'c'.repeat(length - 20_000)] }
      const written = own(parts)
      if (written !== undefined) expect(written).toBe(generated(parts, new Map()))
    }
  })
})
