import fc from 'fast-check'
import { expect, it } from 'vitest'
import { envoy } from '../../../gen/wire.js'
import type { InboundRequest } from '../../protocol/inbound-request.js'
import { readCheckRequest } from './read-check-request.js'

const { CheckRequest } = envoy.service.auth.v3
const listener: InboundRequest['listener'] = { name: 'l', door: 'ext-authz', profile: 'envoy', trust: 'none' }
const http = { method: 'POST', path: '/mcp', host: 'h', scheme: 'https' }

/** A map entry with a key alone is valid protobuf, though Envoy writes none. */
const bare = Buffer.from([0x0a, 0x03, 0x0a, 0x01, 0x61])

it('metadata of which a value is missing is refused, at every depth, and nothing throws', () => {
  const field = (number: number, bytes: Uint8Array) => {
    if (bytes.length > 127) throw new Error('the length would need two bytes')
    return Buffer.from([number * 8 + 2, bytes.length, ...bytes])
  }
  fc.assert(
    fc.property(fc.nat(6), fc.constantFrom(11, 13), (depth, context) => {
      // A Struct within a Value within a map entry of a Struct, and so on; the innermost entry has no value.
      let struct: Uint8Array = bare
      for (let level = 0; level < depth; level++) {
        const value = field(5, struct)
        const entry = Buffer.concat([field(1, Buffer.from('k')), field(2, value)])
        struct = field(1, entry)
      }
      const metadata = field(1, Buffer.concat([field(1, Buffer.from('ns')), field(2, struct)]))
      const attributes = Buffer.concat([
        CheckRequest.encode({ attributes: { request: { http } } })
          .finish()
          .subarray(2),
        field(context, metadata),
      ])
      const read = readCheckRequest(field(1, attributes), listener, undefined)
      expect(read).toMatchObject({ ok: false, detail: expect.stringContaining('metadata') })
    }),
  )
})
