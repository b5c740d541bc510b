import fc from 'fast-check'
import protobuf from 'protobufjs'
import { describe, expect, it } from 'vitest'
import { envoy } from '../../gen/wire.js'
import { arbitraryMessage } from './arbitrary-message.js'
import { ourDefinitions, publishedDefinitions, reachable } from './definitions.js'

const ours = ourDefinitions()
const published = publishedDefinitions()
const messages = ['envoy.service.auth.v3.CheckRequest', 'envoy.service.auth.v3.CheckResponse']
const types = [...new Set(messages.flatMap(name => [...reachable(ours.lookupType(name))]))]

describe('our definitions are a part of the published ones', () => {
  it.each(types.map(type => [type.fullName, type] as const))('%s', (name, type) => {
    const official = published.lookupType(name)
    for (const field of type.fieldsArray) expect(shape(field)).toEqual(shape(official.fields[field.name]))
    for (const oneof of type.oneofsArray) {
      expect(official.oneofs[oneof.name]?.fieldsArray.map(({ name }) => name)).toEqual(
        expect.arrayContaining(oneof.fieldsArray.map(({ name }) => name)),
      )
    }
  })

  it('has the method', () => {
    const method = (root: protobuf.Root) => {
      const { requestType, responseType, requestStream, responseStream } =
        root.lookupService('envoy.service.auth.v3.Authorization').methods.Check ?? {}
      return { requestType, responseType, requestStream, responseStream }
    }
    expect(method(ours)).toEqual(method(published))
  })
})

/** What makes a field on the wire. */
function shape(field: protobuf.Field | undefined) {
  if (field === undefined) return undefined
  const { id, repeated, map, resolvedType } = field
  const key = field instanceof protobuf.MapField ? field.keyType : undefined
  if (resolvedType instanceof protobuf.Enum) {
    // Only the values that we know must agree; the field itself is an integer.
    const values = ours.lookupEnum(resolvedType.fullName).values
    const known = Object.fromEntries(Object.keys(values).map(name => [name, resolvedType.values[name]]))
    return { id, repeated, map, key, type: 'enum', known }
  }
  return { id, repeated, map, key, type: resolvedType?.fullName ?? field.type }
}

describe('codecs agree in both directions', () => {
  const codecs = {
    CheckRequest: envoy.service.auth.v3.CheckRequest,
    CheckResponse: envoy.service.auth.v3.CheckResponse,
  }
  const plain = { longs: Number, enums: Number, bytes: Array, arrays: false, objects: false }

  it.each(Object.entries(codecs))('%s', (name, codec) => {
    const official = published.lookupType(`envoy.service.auth.v3.${name}`)
    const arbitrary = arbitraryMessage(ours.lookupType(`envoy.service.auth.v3.${name}`), 7)
    fc.assert(
      fc.property(arbitrary, message => {
        const fromOurs = Buffer.from(codec.encode(codec.fromObject(message)).finish())
        const fromOfficial = Buffer.from(official.encode(official.fromObject(message)).finish())
        const read = codec.toObject(codec.decode(fromOfficial), plain)
        expect(official.toObject(official.decode(fromOurs), plain)).toEqual(read)
        expect(codec.toObject(codec.decode(fromOurs), plain)).toEqual(read)
        expect(fromOurs.length).toBe(fromOfficial.length)
      }),
      { numRuns: 300 },
    )
  })

  it('fields that we do not know are skipped', () => {
    const official = published.lookupType('envoy.service.auth.v3.CheckRequest')
    const message = {
      attributes: {
        source: { service: 'forged', labels: { a: 'b' }, principal: 'spiffe://a/b' },
        request: { time: { seconds: 5 }, http: { method: 'POST', query: 'q', fragment: 'f', size: 3 } },
      },
    }
    const bytes = Buffer.from(official.encode(official.fromObject(message)).finish())
    const { CheckRequest } = codecs
    expect(CheckRequest.toObject(CheckRequest.decode(bytes), { longs: Number })).toEqual({
      attributes: { source: { principal: 'spiffe://a/b' }, request: { http: { method: 'POST', size: 3 } } },
    })
  })
})
